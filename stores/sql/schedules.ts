import { hash } from 'node:crypto'
import { append } from '../../src/core/append.ts'
import { StoreError } from '../../src/core/errors.ts'
import { describeThrown } from '../../src/core/thrown.ts'
import type { ScheduleQuery, ScheduleRecord, ScheduleTaking } from '../../src/core/contracts/schedule-record.ts'
import { requireSchedule } from '../../src/core/contracts/schedule-shape.ts'
import { cellsOf, recordOf } from './cells.ts'
import type { Cell, CellColumn, Row } from './cells.ts'
import { changeOf, deletionOf, namesOf, Parameters, selectList } from './dialect.ts'
import type { Answer, Dialect, Query } from './dialect.ts'
import type { EventDatabase, Statements } from './events.ts'
import { fromName, toName } from './names.ts'
import { readable } from './reader.ts'
import { scheduleColumns, scheduleFields } from './tables.ts'
import { fromSqlTime } from './times.ts'

/** Where databases differ in what is written of schedules. */
export interface ScheduleDatabase extends Pick<EventDatabase, 'read' | 'write' | 'onConflict'> {
  /** Takes what is due in one statement, which gives the `columns` of what it took. @default several statements do */
  takeQuery?(taking: ScheduleTaking, graphKeys: readonly string[], columns: string): Query
  /**
   * Changes many rows in one statement, each while it has the revision before; `cells` are those of `columns`. It gives the names of those that it changed. @default a
   * statement for each
   */
  changeQuery?(columns: readonly CellColumn[], rows: readonly (readonly Cell[])[]): Query
}

const rowsAtOnce = 200
/** So many selects are put together in one statement: some databases take no more than 500. */
const graphsAtOnce = 100

/** Schedules: the same in each database, but for a few words. */
export class SqlSchedules {
  readonly #dialect: Dialect
  readonly #database: ScheduleDatabase
  readonly #onAdded: () => void
  readonly #table: string

  /** @param onAdded lets other processes know that there may be new ones */
  constructor(dialect: Dialect, database: ScheduleDatabase, onAdded: () => void = () => {}) {
    this.#dialect = dialect
    this.#database = database
    this.#onAdded = onAdded
    this.#table = dialect.table('schedules')
  }

  async add(schedules: readonly ScheduleRecord[]): Promise<readonly ScheduleRecord[]> {
    const found = await this.#database.write(() => this.#add(schedules))
    if (found.length > 0) this.#onAdded()
    return found
  }

  change(schedules: readonly ScheduleRecord[]): Answer<readonly boolean[]> {
    return this.#database.write(() => this.#change(schedules))
  }

  get(names: readonly string[]): Answer<readonly (ScheduleRecord | undefined)[]> {
    return this.#database.read(() => this.#get(names))
  }

  list(query: ScheduleQuery): Answer<readonly ScheduleRecord[]> {
    return this.#database.read(() => this.#list(query))
  }

  next(graphs: readonly string[]): Answer<number | undefined> {
    return this.#database.read(() => this.#next(graphs))
  }

  async take(taking: ScheduleTaking): Promise<readonly ScheduleRecord[]> {
    if (this.#database.takeQuery !== undefined) return this.#database.write(() => this.#takeAtOnce(taking))
    const names = await this.#database.read(() => this.#due(taking))
    return names.length === 0 ? [] : this.#database.write(() => this.#take(names, taking))
  }

  delete(names: readonly string[]): Answer<readonly boolean[]> {
    return this.#database.write(() => this.#delete(names))
  }

  *#add(schedules: readonly ScheduleRecord[]): Statements<readonly ScheduleRecord[]> {
    for (const some of portionsOf(inOrder(schedules)))
      yield this.#query(
        (add) => `insert into ${this.#table} (${namesOf(scheduleColumns)}, graph_key)
          values ${some.map((one) => `(${[...this.#cells(one), graphKey(one.graph)].map(add).join(', ')})`).join(', ')}
          ${this.#database.onConflict(['name'], [])}`,
      )
    const found = yield* this.#get(schedules.map(({ name }) => name))
    // One that was deleted at this moment was there.
    return found.map((one, index) => one ?? schedules[index]!)
  }

  /** Each statement is right by itself: it finds the revision that it goes on from, or changes nothing. */
  *#change(schedules: readonly ScheduleRecord[]): Statements<readonly boolean[]> {
    const inTurn = inOrder(schedules)
    if (this.#database.changeQuery !== undefined) {
      let changed = 0
      const columns: readonly CellColumn[] = [...scheduleColumns, { name: 'graph_key', kind: 'name' }]
      for (const some of portionsOf(inTurn)) {
        const rows = some.map((one) => [...this.#cells(one), graphKey(one.graph)])
        changed += (yield this.#database.changeQuery(columns, rows)).length
      }
      if (changed === schedules.length) return schedules.map(() => true)
    } else
      for (const one of inTurn) {
        const cells = [...this.#cells(one), graphKey(one.graph)]
        const columns = [...scheduleColumns.map(({ name }) => name), 'graph_key']
        yield this.#query(
          (
            add,
          ) => `update ${this.#table} set ${columns.map((name, index) => `${name} = ${add(cells[index]!)}`).join(', ')}
          where name = ${add(toName(one.name))} and revision = ${add(one.revision - 1)}`,
        )
      }
    const written = new Map<string, string>()
    for (const some of portionsOf(schedules)) {
      const rows = yield this.#query(
        (add) => `select name, revision, written_by from ${this.#table} where ${this.#named(some, add)}`,
      )
      for (const row of rows)
        written.set(String(row['name']), `${Number(row['revision'])} ${fromName(String(row['written_by']))}`)
    }
    return schedules.map(({ name, revision, write }) => written.get(toName(name)) === `${revision} ${write}`)
  }

  *#get(names: readonly string[]): Statements<readonly (ScheduleRecord | undefined)[]> {
    const found = new Map<string, ScheduleRecord>()
    for (const some of portionsOf([...new Set(names)])) {
      const rows = yield this.#query(
        (add) =>
          `select ${this.#columns} from ${this.#table} s where ${this.#dialect.isIn('s.name', some.map(toName), add)}`,
      )
      for (const row of rows) {
        const record = scheduleOf(row, this.#dialect.store)
        found.set(record.name, record)
      }
    }
    return names.map((name) => found.get(name))
  }

  *#list({ graph, after, limit }: ScheduleQuery): Statements<readonly ScheduleRecord[]> {
    const rows = yield this.#query((add) => {
      const conditions = [
        ...(graph === undefined ? [] : [`s.graph_key = ${add(graphKey(graph))}`]),
        ...(after === undefined ? [] : [`s.name > ${add(toName(after))}`]),
      ]
      const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`
      return `select ${this.#columns} from ${this.#table} s ${where} order by s.name limit ${add(limit)}`
    })
    return this.#readable(rows)
  }

  /** The first of each graph is the first entry of an index. */
  *#next(graphs: readonly string[]): Statements<number | undefined> {
    let next: number | undefined
    const dueAt = this.#dialect.reading('s.due_at', { name: 'due_at', kind: 'time' })
    for (const some of portionsOf(graphs, graphsAtOnce)) {
      const rows = yield this.#query((add) =>
        some
          .map(
            (graph, index) => `select * from (select ${dueAt} as due_at from ${this.#table} s
              where s.graph_key = ${add(graphKey(graph))} and s.due_at is not null order by s.due_at limit 1) s${index}`,
          )
          .join(' union all '),
      )
      for (const row of rows) next = Math.min(next ?? Infinity, fromSqlTime(row['due_at']))
    }
    return next
  }

  /** Names as the table has them. */
  *#due({ graphs, before, limit }: ScheduleTaking): Statements<readonly string[]> {
    if (graphs.length === 0 || limit <= 0) return []
    const keys = [...new Set(graphs.map(graphKey))]
    const rows = yield this.#query(
      (add) => `select s.name from ${this.#table} s
        where ${this.#dialect.isIn('s.graph_key', keys, add)} and s.due_at <= ${add(this.#dialect.timeText(before))}
        order by s.due_at limit ${add(limit)}`,
    )
    return rows.map((row) => String(row['name']))
  }

  *#take(names: readonly string[], { before, until, taker }: ScheduleTaking): Statements<readonly ScheduleRecord[]> {
    const taken: ScheduleRecord[] = []
    // In their order, so that no two who take the same ones wait for each other in a circle.
    for (const some of portionsOf(names.toSorted())) {
      yield this.#query(
        (
          add,
        ) => `${changeOf(this.#dialect, 'schedules')} set due_at = ${add(this.#dialect.timeText(until))}, taken_by = ${add(taker)}
          where ${this.#dialect.isIn('name', some, add)} and due_at <= ${add(this.#dialect.timeText(before))}`,
      )
      const rows = yield this.#query(
        (add) => `select ${this.#columns} from ${this.#table} s
          where ${this.#dialect.isIn('s.name', some, add)} and s.taken_by = ${add(taker)}`,
      )
      append(taken, this.#readable(rows))
    }
    return byTime(taken)
  }

  *#takeAtOnce(taking: ScheduleTaking): Statements<readonly ScheduleRecord[]> {
    if (taking.graphs.length === 0 || taking.limit <= 0) return []
    const keys = [...new Set(taking.graphs.map(graphKey))]
    return byTime(this.#readable(yield this.#database.takeQuery!(taking, keys, this.#columns)))
  }

  *#delete(names: readonly string[]): Statements<readonly boolean[]> {
    const found = yield* this.#get(names)
    for (const some of portionsOf(names.map(toName).toSorted()))
      yield this.#query((add) => deletionOf(this.#dialect, 'schedules', this.#dialect.isIn('name', some, add)))
    return found.map((one) => one !== undefined)
  }

  get #columns(): string {
    return selectList(this.#dialect, scheduleColumns, 's')
  }

  #cells(schedule: ScheduleRecord): readonly Cell[] {
    return cellsOf(scheduleFields, schedule, this.#dialect.timeText)
  }

  #named(schedules: readonly ScheduleRecord[], add: (cell: Cell | readonly Cell[]) => string): string {
    return this.#dialect.isIn(
      'name',
      schedules.map(({ name }) => toName(name)),
      add,
    )
  }

  #readable(rows: readonly Row[]): readonly ScheduleRecord[] {
    return readable(rows, (row) => scheduleOf(row, this.#dialect.store))
  }

  #query(textOf: (add: (cell: Cell | readonly Cell[]) => string) => string): Query {
    const { list, add } = new Parameters(this.#dialect)
    return { text: textOf(add), parameters: list }
  }
}

const longestKey = 200

/** What a graph's name stands as in indexes, which take no long ones. */
function graphKey(graph: string): string {
  const text = toName(graph)
  return text.length <= longestKey ? text : hash('sha256', text)
}

/** @throws StoreError for one that somebody has altered by hand */
function scheduleOf(row: Row, store: string): ScheduleRecord {
  try {
    return requireSchedule(recordOf<ScheduleRecord>(scheduleFields, row))
  } catch (cause) {
    const name = fromName(row['name'] as string)
    const message = `schedule "${name}" can't be read (${describeThrown(cause)}); repair or delete its row`
    throw new StoreError(store, message, false, { cause })
  }
}

function byTime(schedules: readonly ScheduleRecord[]): readonly ScheduleRecord[] {
  return schedules.toSorted((one, other) => (one.nextAt ?? 0) - (other.nextAt ?? 0))
}

/** Whoever locks rows in one order waits for nobody in a circle; and none stands twice. */
function inOrder(schedules: readonly ScheduleRecord[]): readonly ScheduleRecord[] {
  const byName = new Map(schedules.map((one) => [one.name, one]))
  return [...byName.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1))
}

function* portionsOf<One>(all: readonly One[], size = rowsAtOnce): Iterable<readonly One[]> {
  for (let first = 0; first < all.length; first += size) yield all.slice(first, first + size)
}
