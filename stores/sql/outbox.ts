import type { OutboxEntry, OutboxPlace, OutboxRequest } from '../../src/core/contracts/outbox.ts'
import { recordOf } from './cells.ts'
import { deletionOf, Parameters, selectList } from './dialect.ts'
import type { Dialect, Query, RunQuery } from './dialect.ts'
import { toName } from './names.ts'
import { outboxColumns, outboxFields } from './tables.ts'
import { latest } from './times.ts'

// What some servers take in one list, with room to spare.
const mostAtOnce = 500

/** Messages that commits have caused, until they are confirmed. Committers write them. */
export class SqlOutbox {
  readonly #dialect: Dialect
  readonly #run: RunQuery
  readonly #delete: (query: Query) => unknown

  /** @param deleteRows runs a statement that deletes rows, by itself */
  constructor(dialect: Dialect, run: RunQuery, deleteRows: (query: Query) => unknown) {
    this.#dialect = dialect
    this.#run = run
    this.#delete = deleteRows
  }

  async read(request: OutboxRequest): Promise<readonly OutboxEntry[]> {
    if (request.limit <= 0) return []
    return (await this.#run(outboxQuery(this.#dialect, request))).map((row) => recordOf(outboxFields, row))
  }

  async confirm(entries: readonly OutboxPlace[]): Promise<void> {
    const { isIn } = this.#dialect
    // In their order, so that no two who confirm the same ones wait for each other in a circle.
    const names = [...new Set(entries.map(({ entry }) => toName(entry)))].toSorted()
    for (let first = 0; first < names.length; first += mostAtOnce) {
      const { list, add } = new Parameters(this.#dialect)
      const some = names.slice(first, first + mostAtOnce)
      const text = deletionOf(this.#dialect, 'outbox', isIn('entry', some, add))
      await this.#delete({ text, parameters: list })
    }
  }
}

function outboxQuery(dialect: Dialect, { before, after, limit }: OutboxRequest): Query {
  const { list, add } = new Parameters(dialect)
  const conditions: string[] = []
  // What is later than the latest time is kept as that.
  if (before <= latest) conditions.push(`o.posted_at < ${add(dialect.timeText(before))}`)
  if (after !== undefined) {
    const time = dialect.timeText(after.at)
    // The first half lets an index begin there.
    conditions.push(`o.posted_at >= ${add(time)}`)
    conditions.push(`(o.posted_at > ${add(time)} or o.entry > ${add(toName(after.entry))})`)
  }
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`
  const text = `select ${selectList(dialect, outboxColumns, 'o')} from ${dialect.table('outbox')} o ${where}
    order by o.posted_at, o.entry limit ${add(limit)}`
  return { text, parameters: list }
}
