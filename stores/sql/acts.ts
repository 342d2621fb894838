import type { ActQuery, ActRecord } from '../../src/core/contracts/act-record.ts'
import { cellsOf, columnsOf, recordOf } from './cells.ts'
import type { Cell } from './cells.ts'
import { deletionOf, keyOf, Parameters, selectList } from './dialect.ts'
import type { Answer, Dialect, Query, RunQuery } from './dialect.ts'
import { toName } from './names.ts'
import { actColumns, actFields } from './tables.ts'
import { latest } from './times.ts'

/** Where databases differ in what is written of acts. */
export interface ActDatabase {
  readonly run: RunQuery
  /** Runs a statement that writes, by itself. */
  write(query: Query): Answer<unknown>
  /** How an insert begins, and what follows it: a row that is there stays. */
  readonly insert: 'insert' | 'insert ignore'
  readonly keep: string
  /** The columns of a row, and its cells. @default those of the fields */
  readonly shape?: { readonly columns: readonly string[]; cells(act: ActRecord): readonly Cell[] }
}

/** What people did: the same in each database, but for a few words. */
export class SqlActs {
  readonly #dialect: Dialect
  readonly #database: ActDatabase
  readonly #table: string

  constructor(dialect: Dialect, database: ActDatabase) {
    this.#dialect = dialect
    this.#database = database
    this.#table = dialect.table('acts')
  }

  async add(acts: readonly ActRecord[]): Promise<void> {
    const { insert, keep, shape } = this.#database
    const columns = shape?.columns ?? columnsOf(actFields).map(({ name }) => name)
    for (const act of acts) {
      const cells = shape?.cells(act) ?? cellsOf(actFields, act, this.#dialect.timeText)
      const query = this.#query(
        (add) =>
          `${insert} into ${this.#table} (${columns.join(', ')}) values (${cells.map((cell) => add(cell)).join(', ')}) ${keep}`,
      )
      await this.#database.write(query)
    }
  }

  async list({ execution, after, limit }: ActQuery): Promise<readonly ActRecord[]> {
    if (limit <= 0) return []
    const query = this.#query((add) => {
      const conditions: string[] = []
      if (execution !== undefined) conditions.push(`a.execution = ${add(keyOf(this.#dialect)(execution))}`)
      if (after !== undefined) {
        const time = this.#dialect.timeText(after.at)
        // The first half lets an index begin where the page does.
        conditions.push(`a.acted_at <= ${add(time)}`)
        conditions.push(`(a.acted_at < ${add(time)} or a.act_id < ${add(toName(after.id))})`)
      }
      const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`
      return `select ${selectList(this.#dialect, actColumns, 'a')} from ${this.#table} a ${where}
        order by a.acted_at desc, a.act_id desc limit ${add(limit)}`
    })
    return (await this.#database.run(query)).map((row) => recordOf<ActRecord>(actFields, row))
  }

  async purge(before: number, limit: number): Promise<number> {
    const old = await this.#database.run(
      this.#query(
        (add) => `select a.act_id as act_id from ${this.#table} a
          ${before <= latest ? `where a.acted_at < ${add(this.#dialect.timeText(before))}` : ''}
          order by a.acted_at limit ${add(limit)}`,
      ),
    )
    const ids = old.map((row) => row['act_id'] as string)
    if (ids.length > 0)
      await this.#database.write(
        this.#query((add) => deletionOf(this.#dialect, 'acts', this.#dialect.isIn('act_id', ids, add))),
      )
    return ids.length
  }

  #query(textOf: (add: (cell: Cell | readonly Cell[]) => string) => string): Query {
    const { list, add } = new Parameters(this.#dialect)
    return { text: textOf(add), parameters: list }
  }
}
