import type { ExecutionEvent } from '../core/contracts/events.ts'
import type { Docket } from '../durable/docket.ts'
import type { ListQuery } from '../durable/list-executions.ts'
import { errorViewOf } from './error-view.ts'
import { rowOf } from './execution-row.ts'
import { Pacer } from './pacer.ts'
import type { ExecutionRow } from './protocol.ts'
import { Topic } from './topic.ts'
import type { Unnumbered } from './topic.ts'

const pageSize = 100
const mostOlder = 500

/** The first page of what a filter finds, and rows that were on it and have changed since. */
export class ListTopic extends Topic {
  readonly #docket: Docket
  readonly #query: ListQuery
  readonly #pacer: Pacer
  /** By id, with the text that was sent last. */
  #page = new Map<string, { readonly row: ExecutionRow; readonly text: string }>()
  /** Rows that newer ones have pushed off the page, and that had not ended then. */
  readonly #older = new Map<string, ExecutionRow>()
  #changedOlder: ExecutionRow[] = []

  constructor(docket: Docket, query: ListQuery, nextSeq: () => number) {
    super(nextSeq)
    this.#docket = docket
    this.#query = { ...query, limit: pageSize }
    this.#pacer = new Pacer(() => this.#look(), { leastMs: 200, idleMs: 1_000 })
  }

  override take(event: ExecutionEvent): void {
    const older = this.#older.get(event.executionId)
    if (older !== undefined) this.#changeOlder(older, event)
    this.#pacer.call()
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
    let found: readonly ExecutionRow[]
    try {
      found = (await this.#docket.list(this.#query)).executions.map(rowOf)
    } catch {
      return // the store can't be reached, or the docket is closed: requests of the page say so
    }
    const before = this.#page
    const now = new Map(found.map((row) => [row.id, { row, text: JSON.stringify(row) }]))
    const changed = [...now.values()].filter(({ row, text }) => before.get(row.id)?.text !== text).map(({ row }) => row)
    const gone: string[] = []
    const last = found.length < pageSize ? undefined : found.at(-1)
    for (const [id, { row }] of before) {
      if (now.has(id)) continue
      if (last === undefined || row.createdAt >= last.createdAt) gone.push(id)
      else if (row.endedAt === undefined) this.#keepOlder(row)
    }
    for (const { id } of found) this.#older.delete(id)
    this.#page = now
    const rows = [...changed, ...this.#changedOlder.splice(0)]
    if (rows.length > 0 || gone.length > 0) this.show({ type: 'rows', rows, ...(gone.length > 0 && { gone }) })
  }

  #keepOlder(row: ExecutionRow): void {
    this.#older.set(row.id, row)
    const [oldest] = this.#older.keys()
    if (this.#older.size > mostOlder && oldest !== undefined) this.#older.delete(oldest)
  }

  /** By what the event says: the page that it was on is not read again. */
  #changeOlder(row: ExecutionRow, event: ExecutionEvent): void {
    const changed = changedBy(row, event)
    if (changed === undefined) return
    if (changed.endedAt === undefined) this.#older.set(row.id, changed)
    else this.#older.delete(row.id)
    this.#changedOlder.push(changed)
  }
}

function changedBy(row: ExecutionRow, event: ExecutionEvent): ExecutionRow | undefined {
  if (event.type === 'execution.started' || event.type === 'execution.resumed') return { ...row, status: 'running' }
  if (event.type === 'execution.compensating') return { ...row, status: 'compensating' }
  if (event.type !== 'execution.ended') return undefined
  const error = errorViewOf(event.error)
  const endedAt = new Date(event.at).toISOString()
  return { ...row, status: event.status, endedAt, ...(error !== undefined && { error }) }
}
