import type { JSX } from 'preact'
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks'
import type { ExecutionRow } from '../../protocol.ts'
import { BulkActs } from '../acts/bulk-acts.tsx'
import { ListModel, pageSize } from '../connection/list-model.ts'
import { useNotifier } from '../connection/notifier.ts'
import { usePage } from '../connection/page-context.ts'
import { filterOf, navigate } from '../route.ts'
import type { Route } from '../route.ts'
import { executionStatuses } from '../text/statuses.ts'
import { countText, plural } from '../text/visible-text.ts'
import { Empty, Loading, Problem } from '../widgets/notice.tsx'
import { narrow, useMedia } from '../widgets/use-size.ts'
import { VirtualList } from '../widgets/virtual-list.tsx'
import { columnsOf } from './execution-columns.tsx'
import { ExecutionFilters } from './execution-filters.tsx'
import { StatusChips } from './status-chips.tsx'

type ListRoute = Extract<Route, { readonly view: 'executions' }>

/** All executions: how many in each status, filters, the list, and acts on what was chosen. */
export function Executions({ route }: { readonly route: ListRoute }): JSX.Element {
  const { api, live, about } = usePage()
  const key = JSON.stringify([route.filter, route.last])
  const [list, setList] = useState<ListModel>()
  useEffect(() => {
    const model = new ListModel(api, live, () => filterOf(route))
    setList(model)
    return () => model.close()
    // The filter by its text: a new object of the same fields is the same list.
  }, [api, live, key])
  useNotifier(list)

  const [cursor, setCursor] = useState<string>()
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  useEffect(() => setChosen(new Set()), [key])
  const isNarrow = useMedia(narrow)
  const toggle = useCallback((id: string) => {
    setChosen((before) => {
      const after = new Set(before)
      if (!after.delete(id)) after.add(id)
      return after
    })
  }, [])
  const rows = list?.rows ?? []
  const toggleAll = (): void => {
    setChosen((before) => (before.size >= rows.length ? new Set() : new Set(rows.map(({ id }) => id))))
  }
  const open = useCallback(({ id }: ExecutionRow) => navigate({ view: 'execution', id }), [])
  const loadMore = useCallback(() => void list?.loadMore(), [list])
  const columns = useMemo(
    () => columnsOf({ isNarrow, chosen, toggle, toggleAll, canChoose: about.allowsActions, count: rows.length }),
    [isNarrow, chosen, toggle, about, rows.length],
  )

  const isFiltered = Object.keys(route.filter).length > 0 || route.last !== undefined
  const total = totalOf(list?.counts, route.filter.status)
  return (
    <div class="view executions">
      <h1 class="hidden">Executions</h1>
      <StatusChips route={route} counts={list?.counts} />
      <ExecutionFilters key={key} route={route} />
      {list?.error !== undefined && (
        <Problem what="The list could not be read." error={list.error} onRetry={() => list.refresh()} />
      )}
      {list === undefined || (!list.isReady && list.error === undefined) ? (
        <Loading what="executions" />
      ) : (
        <VirtualList
          label="Executions"
          class={`executions-list ${about.allowsActions ? 'can-choose' : ''}`}
          rows={rows}
          columns={columns}
          rowHeight={isNarrow ? 58 : 32}
          keyOf={({ id }) => id}
          cursor={cursor}
          onCursor={({ id }) => setCursor(id)}
          onOpen={open}
          onEnd={loadMore}
          onKey={(event, row) => {
            if (event.key !== ' ' || row === undefined || !about.allowsActions) return false
            toggle(row.id)
            return true
          }}
          {...(about.allowsActions ? { isSelected: ({ id }: ExecutionRow) => chosen.has(id) } : {})}
          {...(total === undefined ? {} : { total })}
          empty={<NothingThere isFiltered={isFiltered} list={list} />}
        />
      )}
      <footer class="list-foot quiet">
        <span>
          {list !== undefined && list.isReady && plural(rows.length, 'execution')}
          {total !== undefined && total > rows.length && ` of ${countText(total, isMoreOf(list?.counts))}`}
          {list?.isLoading === true && list.isReady && rows.length > 0 && list.hasMore && ' · loading'}
        </span>
        {list?.hasMore === true && rows.length > 0 && rows.length < pageSize && <LookFurther list={list} />}
        <span class="push" />
        <span class="keys">
          <kbd>↑</kbd> <kbd>↓</kbd> move <kbd>Enter</kbd> open <kbd>/</kbd> search
        </span>
      </footer>
      {about.allowsActions && (
        <BulkActs
          chosen={[...chosen]}
          filter={filterOf(route)}
          isFiltered={isFiltered}
          total={total}
          onDone={() => list?.refresh()}
          onClear={() => setChosen(new Set())}
        />
      )}
    </div>
  )
}

function NothingThere({
  isFiltered,
  list,
}: {
  readonly isFiltered: boolean
  readonly list: ListModel | undefined
}): JSX.Element {
  if (list?.hasMore === true)
    return (
      <Empty title="None yet among those that were looked through">
        <LookFurther list={list} />
      </Empty>
    )
  if (!isFiltered)
    return (
      <Empty title="No executions yet">
        Start one with <code>docket.start(graph, Target, inputs)</code>, and it appears here.
      </Empty>
    )
  return (
    <Empty title="No execution matches these filters">
      <button type="button" onClick={() => navigate({ view: 'executions', filter: {} })}>
        Clear all filters
      </button>
    </Empty>
  )
}

/** What is waited for is looked for among so many by itself, and then when somebody says so. */
function LookFurther({ list }: { readonly list: ListModel }): JSX.Element {
  return (
    <button type="button" disabled={list.isLoading} onClick={() => void list.loadMore()}>
      Look further
    </button>
  )
}

type Counts = ListModel['counts']

function totalOf(counts: Counts, status: string | undefined): number | undefined {
  if (counts === undefined) return undefined
  const statuses = status === undefined ? Object.keys(counts) : status.split(',')
  return statuses.reduce((sum, each) => sum + (counts[each]?.count ?? 0), 0)
}

function isMoreOf(counts: Counts): boolean {
  return executionStatuses.some((status) => counts?.[status]?.isMore === true)
}
