import type { SharedLook, SharedState, SharedWrite } from '../../src/core/contracts/shared-state.ts'
import { cellsOf, recordOf } from './cells.ts'
import type { Cell, Row } from './cells.ts'
import { namesOf, Parameters, selectList } from './dialect.ts'
import type { Answer, Dialect, Query } from './dialect.ts'
import type { Statements } from './events.ts'
import { fromName } from './names.ts'
import { sharedColumns, sharedFields } from './tables.ts'
import { fromSqlTime } from './times.ts'

/** Where databases differ in what is written of shared states. */
export interface SharedDatabase {
  /** Runs statements that only read. */
  read<T>(make: () => Statements<T>): Answer<T>
  /** Runs statements that write; each of them is right by itself. */
  write<T>(make: () => Statements<T>): Answer<T>
  /** How an insert begins, and what follows it: a row that is there stays, and is not among those that were written. */
  readonly insert: 'insert' | 'insert ignore'
  readonly keep: string
  /** What makes a statement give a row for each that it has written; '' where all do. */
  readonly returning: string
  /** Called with the keys of which somebody may wait for what was written. */
  freed?(keys: readonly string[]): void
}

const keysAtOnce = 200

/** What processes have in common: the same in each database, but for a few words. */
export class SqlSharedStates {
  readonly #dialect: Dialect
  readonly #database: SharedDatabase
  readonly #table: string

  constructor(dialect: Dialect, database: SharedDatabase) {
    this.#dialect = dialect
    this.#database = database
    this.#table = dialect.table('shared')
  }

  read(keys: readonly string[]): Answer<SharedLook> {
    return this.#database.read(() => this.#read(keys))
  }

  async write(writes: readonly SharedWrite[]): Promise<readonly boolean[]> {
    const verdicts = await this.#database.write(() => this.#write(writes))
    const freed = writes.filter(({ frees }, index) => frees && verdicts[index]).map(({ key }) => key)
    if (freed.length > 0) this.#database.freed?.(freed)
    return verdicts
  }

  old(before: number, limit: number): Answer<readonly SharedState[]> {
    return this.#database.read(() => this.#old(before, limit))
  }

  *#read(keys: readonly string[]): Statements<SharedLook> {
    const found = new Map<string, SharedState>()
    let now = 0
    for (let first = 0; first < Math.max(1, keys.length); first += keysAtOnce) {
      const some = keys.slice(first, first + keysAtOnce)
      const rows = yield this.#query(
        (add) => `select ${this.#dialect.reading('n.now_at', { name: 'now_at', kind: 'time' })} as now_at,
          ${selectList(this.#dialect, sharedColumns, 's')}
          from (select ${this.#dialect.now(add)} as now_at) n
          left join ${this.#table} s on ${this.#dialect.isIn('s.shared_key', some, add)}`,
      )
      now = fromSqlTime(rows[0]!['now_at'])
      for (const row of rows) if (row['shared_key'] !== null) found.set(String(row['shared_key']), stateOf(row))
    }
    return { now, states: keys.map((key) => found.get(key)) }
  }

  *#write(writes: readonly SharedWrite[]): Statements<readonly boolean[]> {
    const verdicts: boolean[] = []
    for (const write of writes) verdicts.push(yield* this.#writeOne(write))
    return verdicts
  }

  *#writeOne(write: SharedWrite): Statements<boolean> {
    const { returning } = this.#database
    const written = yield this.#query((add) => `${this.#textOf(write, add)} ${returning}`)
    // What is there afterwards may be another one already.
    if (written.length > 0) return true
    const [row] = yield this.#query((add) => `select token from ${this.#table} where shared_key = ${add(write.key)}`)
    if (write.state === undefined) return row === undefined
    return row !== undefined && fromName(String(row['token'])) === write.token
  }

  #textOf(write: SharedWrite, add: (cell: Cell) => string): string {
    const { key, was, state } = write
    const now = (): string => this.#dialect.now(add)
    if (state === undefined)
      return `delete from ${this.#table} where shared_key = ${add(key)} and token = ${add(was ?? '')}`
    const cells = cellsOf(sharedFields, write, this.#dialect.timeText)
    if (was === undefined)
      return `${this.#database.insert} into ${this.#table} (${namesOf(sharedColumns)}, written_at)
        values (${cells.map(add).join(', ')}, ${now()}) ${this.#database.keep}`
    const [, ...changed] = sharedColumns.map(({ name }, index) => ({ name, cell: cells[index]! }))
    return `update ${this.#table} set ${changed.map(({ name, cell }) => `${name} = ${add(cell)}`).join(', ')},
      written_at = ${now()} where shared_key = ${add(key)} and token = ${add(was)}`
  }

  *#old(before: number, limit: number): Statements<readonly SharedState[]> {
    const rows = yield this.#query(
      (add) => `select ${selectList(this.#dialect, sharedColumns, 's')} from ${this.#table} s
        where s.written_at < ${add(this.#dialect.timeText(before))} order by s.written_at limit ${add(limit)}`,
    )
    return rows.map(stateOf)
  }

  #query(textOf: (add: (cell: Cell | readonly Cell[]) => string) => string): Query {
    const { list, add } = new Parameters(this.#dialect)
    return { text: textOf(add), parameters: list }
  }
}

function stateOf(row: Row): SharedState {
  return recordOf<SharedState>(sharedFields, row)
}
