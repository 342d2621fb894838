import type { JSX } from 'preact'
import type { StatusCounts } from '../../protocol.ts'
import { navigate } from '../route.ts'
import type { Route } from '../route.ts'
import { StatusShape } from '../text/name.tsx'
import { executionStatuses, lookOf } from '../text/statuses.ts'
import { countText } from '../text/visible-text.ts'

/** How many executions are in each status: a click shows those alone, one more shows all. */
export function StatusChips({
  route,
  counts,
}: {
  readonly route: Extract<Route, { readonly view: 'executions' }>
  readonly counts: StatusCounts['counts'] | undefined
}): JSX.Element {
  const chosen = new Set(route.filter.status?.split(',') ?? [])
  const known = Object.values(counts ?? {})
  const total = known.reduce((sum, { count }) => sum + count, 0)
  const show = (status: string | undefined): void => {
    const { status: _, ...rest } = route.filter
    navigate({ ...route, filter: status === undefined ? rest : { ...rest, status } })
  }
  const onChip = (event: MouseEvent, status: string): void => {
    // With a modifier, one more beside those that are shown.
    if (event.ctrlKey || event.metaKey || event.shiftKey) {
      const all = new Set(chosen)
      if (!all.delete(status)) all.add(status)
      show(all.size === 0 ? undefined : [...all].join(','))
    } else show(chosen.size === 1 && chosen.has(status) ? undefined : status)
  }
  return (
    <div class="chips" role="group" aria-label="By status">
      <button type="button" class="chip" aria-pressed={chosen.size === 0} onClick={() => show(undefined)}>
        <span class="chip-word">All</span>
        <span class="chip-count">
          {counts === undefined
            ? '–'
            : countText(
                total,
                known.some(({ isMore }) => isMore),
              )}
        </span>
      </button>
      {executionStatuses.map((status) => {
        const found = counts?.[status]
        return (
          <button
            key={status}
            type="button"
            class={`chip ${found === undefined ? 'is-none' : ''}`}
            aria-pressed={chosen.has(status)}
            onClick={(event) => onChip(event, status)}
          >
            <StatusShape status={status} />
            <span class="chip-word">{lookOf(status).word}</span>
            <span class="chip-count">
              {counts === undefined ? '–' : countText(found?.count ?? 0, found?.isMore === true)}
            </span>
          </button>
        )
      })}
    </div>
  )
}
