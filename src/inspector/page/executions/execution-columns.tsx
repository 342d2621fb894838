import type { JSX } from 'preact'
import type { ExecutionRow } from '../../protocol.ts'
import { Ago, Name, Status, Took } from '../text/name.tsx'
import { hasEnded } from '../text/statuses.ts'
import { shortText, visibleText } from '../text/visible-text.ts'
import { Link } from '../widgets/link.tsx'
import type { Column } from '../widgets/virtual-list.tsx'

interface Choices {
  readonly isNarrow: boolean
  readonly canChoose: boolean
  readonly chosen: ReadonlySet<string>
  readonly count: number
  readonly toggle: (id: string) => void
  readonly toggleAll: () => void
}

/** The columns of the list; fewer, in two lines, where there is little room. */
export function columnsOf(choices: Choices): readonly Column<ExecutionRow>[] {
  const { isNarrow, canChoose, chosen, toggle, toggleAll, count } = choices
  const choosing: Column<ExecutionRow> = {
    class: 'c-choose',
    title: (
      <input
        type="checkbox"
        tabIndex={-1}
        aria-label="Choose all that are loaded"
        checked={count > 0 && chosen.size >= count}
        onChange={toggleAll}
      />
    ),
    cell: ({ id }) => (
      <input
        type="checkbox"
        tabIndex={-1}
        aria-label={`Choose ${shortText(id, 80)}`}
        checked={chosen.has(id)}
        onChange={() => toggle(id)}
      />
    ),
  }
  const columns = isNarrow ? narrowColumns : wideColumns
  return canChoose ? [choosing, ...columns] : columns
}

const idOf = ({ id }: ExecutionRow): JSX.Element => (
  <Link to={{ view: 'execution', id }} class="id">
    <Name text={id} />
  </Link>
)

const graphOf = ({ graph, target }: ExecutionRow): JSX.Element => (
  <span class="graph-target">
    <Name text={graph} />
    <span class="quiet"> → </span>
    <Name text={target} class="quiet" />
  </span>
)

const takenOf = ({ startedAt, endedAt, status }: ExecutionRow): JSX.Element => (
  <Took from={startedAt} to={endedAt} isOpen={!hasEnded(status)} />
)

const wideColumns: readonly Column<ExecutionRow>[] = [
  { title: 'Status', class: 'c-status', cell: ({ status }) => <Status status={status} /> },
  { title: 'Execution', class: 'c-id', cell: idOf },
  { title: 'Graph → target', class: 'c-graph', cell: graphOf },
  { title: 'Queue', class: 'c-queue', cell: ({ queue, key }) => <Queue queue={queue} keyText={key} /> },
  { title: 'Created', class: 'c-time is-number', cell: ({ createdAt }) => <Ago at={createdAt} /> },
  { title: 'Took', class: 'c-took is-number', cell: takenOf },
  { title: 'Owner, or what went wrong', class: 'c-note', cell: (row) => <Note row={row} /> },
]

const narrowColumns: readonly Column<ExecutionRow>[] = [
  { title: 'Status', class: 'c-status', cell: ({ status }) => <Status status={status} /> },
  { title: 'Execution', class: 'c-id', cell: idOf },
  { title: 'Graph → target', class: 'c-graph', cell: graphOf },
  { title: 'Created', class: 'c-time is-number', cell: ({ createdAt }) => <Ago at={createdAt} /> },
]

function Queue({ queue, keyText }: { readonly queue: string; readonly keyText: string | undefined }): JSX.Element {
  return (
    <>
      <Name text={queue} />
      {keyText !== undefined && (
        <>
          <span class="quiet"> · </span>
          <Name text={keyText} class="quiet" />
        </>
      )}
    </>
  )
}

function Note({ row }: { readonly row: ExecutionRow }): JSX.Element | null {
  if (row.error !== undefined)
    return (
      <bdi class="name is-bad" title={visibleText(row.error.message.slice(0, 1_000))}>
        {row.error.code !== undefined && <b class="code">{shortText(row.error.code, 60)} </b>}
        {shortText(row.error.message)}
      </bdi>
    )
  if (row.incompatible.length > 0) return <Name text={`Can’t go on here: ${row.incompatible[0]}`} class="is-warning" />
  return row.owner === undefined ? null : <Name text={row.owner} class="quiet" />
}
