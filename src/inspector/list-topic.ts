import type { Docket } from '../durable/docket.ts'
import type { ListQuery } from '../durable/list-executions.ts'
import { rowOf } from './execution-row.ts'
import { Pacer } from './pacer.ts'
import type { ExecutionRow } from './protocol.ts'
import { Topic } from './topic.ts'
import type { Unnumbered } from './topic.ts'

const pageSize = 100
const mostOlder = 200

/** A row, with the text that was sent last. */
interface SentRow {
  readonly row: ExecutionRow
  readonly text: string
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

  constructor(docket: Docket, query: ListQuery, nextSeq: () => number) {
    super(nextSeq)
    this.#docket = docket
    this.#query = { ...query, limit: pageSize }
    this.#pacer = new Pacer(() => this.#look(), { leastMs: 200, idleMs: 500 })
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
      const found = (await this.#docket.list(this.#query)).executions.map(rowOf)
      const older = await this.#olderRows()
      this.#compare(found, older)
    } catch {
      // The store can't be reached, or the docket is closed: requests of the page say so.
    }
  }

  /** Those that have been pushed off the page before, as they are now, whatever the filter finds of them. */
  async #olderRows(): Promise<readonly ExecutionRow[]> {
    const times = [...this.#older.values()].map(({ row }) => Date.parse(row.createdAt)).toSorted((a, b) => a - b)
    const [first] = times
    if (first === undefined) return []
    const { status: _, ...query } = this.#query
    const from = new Date(first)
    const before = new Date(times.at(-1)! + 1)
    const { executions } = await this.#docket.list({ ...query, from, before, limit: mostOlder })
    return executions.filter(({ id }) => this.#older.has(id)).map(rowOf)
  }

  #compare(found: readonly ExecutionRow[], older: readonly ExecutionRow[]): void {
    const known = (id: string): SentRow | undefined => this.#page.get(id) ?? this.#older.get(id)
    const now = new Map(found.map((row) => [row.id, sentRow(row)]))
    const sent = [...now.values(), ...older.filter(({ id }) => !now.has(id)).map(sentRow)]
    const rows = sent.filter(({ row, text }) => known(row.id)?.text !== text).map(({ row }) => row)
    const last = found.length < pageSize ? undefined : found.at(-1)
    const left = [...this.#page.values()].filter(({ row }) => !now.has(row.id))
    // Newer than the last of a full page, they would be on it if the filter found them.
    const gone = left
      .filter(({ row }) => last === undefined || row.createdAt >= last.createdAt)
      .map(({ row }) => row.id)
    const pushedOff = left.filter(({ row }) => !gone.includes(row.id))
    const open = [...pushedOff, ...older.map(sentRow)].filter(
      ({ row }) => row.endedAt === undefined && !now.has(row.id),
    )
    this.#older = new Map(open.slice(0, mostOlder).map((one) => [one.row.id, one]))
    this.#page = now
    if (rows.length > 0 || gone.length > 0) this.show({ type: 'rows', rows, ...(gone.length > 0 && { gone }) })
  }
}

function sentRow(row: ExecutionRow): SentRow {
  return { row, text: JSON.stringify(row) }
}
