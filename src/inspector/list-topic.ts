import type { Docket } from '../durable/docket.ts'
import type { ListQuery } from '../durable/list-executions.ts'
import { rowOf } from './execution-row.ts'
import { Pacer } from './pacer.ts'
import type { PacerClock } from './pacer.ts'
import type { ExecutionRow } from './protocol.ts'
import { Topic } from './topic.ts'
import type { Unnumbered } from './topic.ts'

const pageSize = 100
const mostOlder = 10_000
const olderAtOnce = 200

/** A row, with the text that was sent last. */
interface SentRow {
  readonly row: ExecutionRow
  readonly text: string
}

/** What became of some older rows. */
interface Looked {
  readonly rows: readonly ExecutionRow[]
  /** Ids of those that are not there any more. */
  readonly gone: readonly string[]
}

/**
 * The first page of what a filter finds, and rows that were on it and have not ended. It is read twice a second: what that costs does not grow with the executions, as it would if each said that it
 * has begun.
 */
export class ListTopic extends Topic {
  readonly #docket: Docket
  readonly #query: ListQuery
  readonly #pacer: Pacer
  /** By id. */
  #page = new Map<string, SentRow>()
  /** Rows that newer ones have pushed off the page, and that had not ended then. */
  #older = new Map<string, SentRow>()
  /** Where the next look at these goes on; undefined at the newest. */
  #place: { readonly after: string; readonly upTo: number } | undefined

  constructor(docket: Docket, query: ListQuery, nextSeq: () => number, clock?: PacerClock) {
    super(nextSeq)
    this.#docket = docket
    this.#query = { ...query, limit: pageSize }
    this.#pacer = new Pacer(() => this.#look(), { leastMs: 200, idleMs: 500 }, clock)
  }

  override call(): void {
    this.#pacer.call()
  }

  override stop(): void {
    this.#pacer.stop()
  }

  protected override frames(): readonly Unnumbered[] {
    const rows = [...this.#page.values()].map(({ row }) => row)
    return rows.length === 0 ? [] : [{ type: 'rows', rows }]
  }

  async #look(): Promise<void> {
    try {
      const [found, older] = await this.lookUp(async () => [
        (await this.#docket.list(this.#query)).executions.map(rowOf),
        await this.#someOlder(),
      ])
      this.#compare(found, older)
    } catch {
      // The store can't be reached, or the docket is closed.
    }
  }

  /** Some of those that have been pushed off the page before, as they are now, whatever the filter finds of them: look by look all of them, from the newest to the oldest and anew. */
  async #someOlder(): Promise<Looked> {
    let [oldest, newest] = [Infinity, -Infinity]
    for (const { row } of this.#older.values()) {
      const at = Date.parse(row.createdAt)
      oldest = Math.min(oldest, at)
      newest = Math.max(newest, at)
    }
    if (newest === -Infinity) return { rows: [], gone: [] }
    const { status: _, ...query } = this.#query
    const [from, before] = [new Date(oldest), new Date(newest + 1)]
    const { after, upTo = Infinity } = this.#place ?? {}
    const { executions, next } = await this.#docket.list({ ...query, from, before, limit: olderAtOnce, after })
    const downTo = next === undefined ? -Infinity : executions.at(-1)!.createdAt.getTime()
    this.#place = next === undefined ? undefined : { after: next, upTo: downTo }
    const rows = executions.filter(({ id }) => this.#older.has(id)).map(rowOf)
    const ids = new Set(rows.map(({ id }) => id))
    // Those at the very ends of what was read may stand beyond them.
    const gone = [...this.#older.values()].flatMap(({ row: { id, createdAt } }) => {
      const at = Date.parse(createdAt)
      return at < upTo && at > downTo && !ids.has(id) ? [id] : []
    })
    return { rows, gone }
  }

  #compare(found: readonly ExecutionRow[], looked: Looked): void {
    const known = (id: string): SentRow | undefined => this.#page.get(id) ?? this.#older.get(id)
    const now = new Map(found.map((row) => [row.id, sentRow(row)]))
    const read = new Map(looked.rows.filter(({ id }) => !now.has(id)).map((row) => [row.id, sentRow(row)]))
    const rows = [...now.values(), ...read.values()]
      .filter(({ row, text }) => known(row.id)?.text !== text)
      .map(({ row }) => row)
    const last = found.length < pageSize ? undefined : found.at(-1)
    const left = [...this.#page.values()].filter(({ row }) => !now.has(row.id))
    // Newer than the last of a full page, they would be on it if the filter found them; those of the same time may stand behind it.
    const isGone = ({ row }: SentRow): boolean => last === undefined || row.createdAt > last.createdAt
    const gone = new Set([...left.filter(isGone).map(({ row }) => row.id), ...looked.gone.filter((id) => !now.has(id))])
    const older = [...left, ...[...this.#older.values()].map((one) => read.get(one.row.id) ?? one)]
    const open = older.filter(({ row }) => row.endedAt === undefined && !now.has(row.id) && !gone.has(row.id))
    this.#older = new Map(open.slice(0, mostOlder).map((one) => [one.row.id, one]))
    this.#page = now
    if (rows.length > 0 || gone.size > 0) this.show({ type: 'rows', rows, ...(gone.size > 0 && { gone: [...gone] }) })
  }
}

function sentRow(row: ExecutionRow): SentRow {
  return { row, text: JSON.stringify(row) }
}
