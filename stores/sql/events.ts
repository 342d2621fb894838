import type {
  EmittedEvent,
  EmitVerdict,
  EventDelivery,
  EventWait,
  NewEvent,
  NewEventWait,
} from '../../src/core/contracts/event-record.ts'
import { cellsOf, recordOf, valueOf } from './cells.ts'
import type { Cell, Row } from './cells.ts'
import { changeOf, deletionOf, keyOf, namesOf, Parameters, selectList } from './dialect.ts'
import type { Answer, Dialect, Query } from './dialect.ts'
import { fromName } from './names.ts'
import { fromSqlTime } from './times.ts'
import { eventColumns, eventFields } from './tables.ts'

/** Statements that follow each other: each may go by what the ones before have found. */
export type Statements<T> = Generator<Query, T, readonly Row[]>

/** Where databases differ in what is written of events. */
export interface EventDatabase {
  /** Runs statements that only read. */
  read<T>(make: () => Statements<T>): Answer<T>
  /** Runs statements that write: within the caller's transaction, where one is given. */
  write<T>(make: () => Statements<T>, transaction?: unknown): Answer<T>
  /** What follows an insert: a row that is there stays, but for these columns. */
  onConflict(key: readonly string[], updated: readonly string[]): string
  /** The columns that hold an execution's id in a table of which it is part of the key, and their cells. */
  readonly executionColumns: readonly string[]
  executionCells(id: string): readonly Cell[]
  /** What follows a select that must see what others have committed, whatever the transaction has seen before. */
  readonly latest: string
}

const rowsAtOnce = 200

/** Events and waits: the same in each database, but for a few words. */
export class SqlEvents {
  readonly #dialect: Dialect
  readonly #database: EventDatabase
  readonly #events: string
  readonly #waits: string
  readonly #key: (name: string) => string

  constructor(dialect: Dialect, database: EventDatabase) {
    this.#dialect = dialect
    this.#database = database
    this.#events = dialect.table('events')
    this.#waits = dialect.table('waits')
    this.#key = keyOf(dialect)
  }

  emit(events: readonly NewEvent[], transaction: unknown): Answer<readonly EmitVerdict[]> {
    return this.#database.write(() => this.#emit(events), transaction)
  }

  await(waits: readonly NewEventWait[]): Answer<readonly (EmittedEvent | undefined)[]> {
    return this.#database.write(() => this.#await(waits))
  }

  endWaits(waits: readonly NewEventWait[]): Answer<void> {
    return this.#database.write(() => this.#endWaits(waits))
  }

  async undelivered(limit: number): Promise<readonly EventDelivery[]> {
    const { deliveries, done } = await this.#database.read(() => this.#undelivered(limit))
    // Whoever registers a wait from now on sees the event.
    if (done.length > 0) await this.#database.write(() => this.#settled(done))
    return deliveries
  }

  delivered(deliveries: readonly EventDelivery[]): Answer<void> {
    return this.#database.write(() => this.#delivered(deliveries))
  }

  oldWaits(before: number, limit: number): Answer<readonly EventWait[]> {
    return this.#database.read(() => this.#oldWaits(before, limit))
  }

  purge(limit: number): Answer<number> {
    return this.#database.write(() => this.#purge(limit))
  }

  /** Each statement is right by itself: whoever comes in between, one emission counts. */
  *#emit(events: readonly NewEvent[]): Statements<readonly EmitVerdict[]> {
    const verdicts: EmitVerdict[] = []
    for (const event of events) {
      const columns = eventColumns.slice(1)
      const [id, ...cells] = cellsOf(eventFields, event, this.#dialect.timeText)
      yield this.#query(
        (
          add,
        ) => `update ${this.#events} set ${columns.map(({ name }, index) => `${name} = ${add(cells[index]!)}`).join(', ')},
          generation = generation + 1, is_pending = 1
          where event = ${add(id!)} and expires_at <= ${this.#dialect.now(add)} and emission <> ${add(event.emission)}`,
      )
      yield this.#query(
        (add) => `insert into ${this.#events} (${namesOf(eventColumns)}, generation, is_pending)
          values (${[id!, ...cells].map(add).join(', ')}, 1, 1) ${this.#database.onConflict(['event'], [])}`,
      )
      const [row] = yield this.#query(
        (add) => `select emission from ${this.#events} where event = ${add(id!)} ${this.#database.latest}`,
      )
      verdicts.push(fromName(String(row?.['emission'])) === event.emission ? 'accepted' : 'duplicate')
    }
    return verdicts
  }

  *#await(waits: readonly NewEventWait[]): Statements<readonly (EmittedEvent | undefined)[]> {
    for (const some of portionsOf(inOrder(waits))) {
      const columns = ['event', ...this.#database.executionColumns, 'since', 'seen_at']
      yield this.#query((add) => {
        const rows = some.map(({ event, execution, at }) => {
          const time = this.#dialect.timeText(at)
          return `(${[event, ...this.#database.executionCells(execution), time, time].map(add).join(', ')})`
        })
        return `insert into ${this.#waits} (${columns.join(', ')}) values ${rows.join(', ')}
          ${this.#database.onConflict(['event', 'execution'], ['seen_at'])}`
      })
    }
    // Not before the waits can be seen: whoever emits sees them, or is seen.
    const found = new Map<string, { readonly event: EmittedEvent; readonly expiresAt: number }>()
    for (const ids of portionsOf([...new Set(waits.map(({ event }) => event))])) {
      const columns = [...eventColumns, { name: 'generation', kind: 'integer' as const }]
      const rows = yield this.#query(
        (add) => `select ${selectList(this.#dialect, columns, 'e')} from ${this.#events} e
          where ${this.#dialect.isIn('e.event', ids, add)}`,
      )
      for (const row of rows) {
        const { id, at, expiresAt } = recordOf<NewEvent>(eventFields, row)
        const event = { value: valueOf(row, 'value')!, at, generation: Number(row['generation']) }
        found.set(id, { event, expiresAt })
      }
    }
    const come = waits.filter(({ event }) => found.has(event))
    const since = new Map<string, number>()
    for (const some of portionsOf(come)) {
      const rows = yield this.#query(
        (
          add,
        ) => `select w.event, ${this.#execution}, ${this.#dialect.reading('w.since', { name: 'since', kind: 'time' })} as since
          from ${this.#waits} w where ${this.#these(some, add, 'w.')}`,
      )
      for (const row of rows) since.set(placeOf(waitOf(row)), fromSqlTime(row['since']))
    }
    return waits.map((wait) => {
      const one = found.get(wait.event)
      return one === undefined || (since.get(placeOf(wait)) ?? wait.at) >= one.expiresAt ? undefined : one.event
    })
  }

  *#endWaits(waits: readonly NewEventWait[]): Statements<void> {
    for (const [at, of] of Map.groupBy(waits, (wait) => wait.at))
      for (const some of portionsOf(inOrder(of)))
        yield this.#query((add) =>
          deletionOf(
            this.#dialect,
            'waits',
            `${this.#these(some, add)} and seen_at <= ${add(this.#dialect.timeText(at))}`,
          ),
        )
  }

  *#undelivered(
    limit: number,
  ): Statements<{ readonly deliveries: readonly EventDelivery[]; readonly done: readonly Row[] }> {
    const pending = yield this.#query(
      (add) =>
        `select e.event, e.generation from ${this.#events} e where e.is_pending = 1 order by e.event limit ${add(rowsAtOnce)}`,
    )
    if (pending.length === 0) return { deliveries: [], done: [] }
    const ids = pending.map((row) => String(row['event']))
    const rows = yield this.#query(
      (
        add,
      ) => `select w.event, ${this.#execution}, e.generation from ${this.#events} e join ${this.#waits} w on w.event = e.event
        where ${this.#dialect.isIn('e.event', ids, add)} and w.delivered < e.generation limit ${add(limit)}`,
    )
    const left = new Set(rows.map((row) => String(row['event'])))
    return {
      deliveries: rows.map((row) => ({ ...waitOf(row), generation: Number(row['generation']) })),
      done: rows.length < limit ? pending.filter((row) => !left.has(String(row['event']))) : [],
    }
  }

  /** Nobody is to be woken for these events. */
  *#settled(events: readonly Row[]): Statements<void> {
    for (const { event, generation } of events)
      yield this.#query(
        (add) => `update ${this.#events} set is_pending = 0
          where event = ${add(String(event))} and generation = ${add(Number(generation))}`,
      )
  }

  *#delivered(deliveries: readonly EventDelivery[]): Statements<void> {
    for (const [generation, of] of Map.groupBy(deliveries, (delivery) => delivery.generation))
      for (const some of portionsOf(inOrder(of)))
        yield this.#query(
          (add) => `${changeOf(this.#dialect, 'waits')} set delivered = ${add(generation)}
            where ${this.#these(some, add)} and delivered < ${add(generation)}`,
        )
  }

  *#oldWaits(before: number, limit: number): Statements<readonly EventWait[]> {
    const rows = yield this.#query(
      (add) => `select w.event, ${this.#execution} from ${this.#waits} w
        where w.seen_at < ${add(this.#dialect.timeText(before))} order by w.seen_at limit ${add(limit)}`,
    )
    return rows.map(waitOf)
  }

  *#purge(limit: number): Statements<number> {
    const old = yield this.#query(
      (add) => `select e.event from ${this.#events} e where e.expires_at <= ${this.#dialect.now(add)}
        and not exists (select 1 from ${this.#waits} w where w.event = e.event) order by e.expires_at limit ${add(limit)}`,
    )
    for (const some of portionsOf(old.map((row) => String(row['event'])).toSorted()))
      yield this.#query((add) =>
        deletionOf(
          this.#dialect,
          'events',
          `${this.#dialect.isIn('event', some, add)} and expires_at <= ${this.#dialect.now(add)}
          and not exists (select 1 from ${this.#waits} w where w.event = ${this.#events}.event)`,
        ),
      )
    return old.length
  }

  get #execution(): string {
    return `${this.#dialect.reading('w.execution', { name: 'execution', kind: 'name' })} as execution`
  }

  #these(waits: readonly EventWait[], add: (cell: Cell) => string, alias = ''): string {
    const pairs = waits.map(
      ({ event, execution }) => `(${alias}event = ${add(event)} and ${alias}execution = ${add(this.#key(execution))})`,
    )
    return `(${pairs.join(' or ')})`
  }

  #query(textOf: (add: (cell: Cell | readonly Cell[]) => string) => string): Query {
    const { list, add } = new Parameters(this.#dialect)
    return { text: textOf(add), parameters: list }
  }
}

function waitOf(row: Row): EventWait {
  return { event: String(row['event']), execution: fromName(String(row['execution'])) }
}

function placeOf({ event, execution }: EventWait): string {
  return `${event} ${execution}`
}

/** Whoever locks rows in one order waits for nobody in a circle; and none stands twice. */
function inOrder<Wait extends EventWait>(waits: readonly Wait[]): readonly Wait[] {
  const byPlace = new Map(waits.map((wait) => [placeOf(wait), wait]))
  return [...byPlace].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, wait]) => wait)
}

function* portionsOf<One>(all: readonly One[]): Iterable<readonly One[]> {
  for (let first = 0; first < all.length; first += rowsAtOnce) yield all.slice(first, first + rowsAtOnce)
}

/** Runs statements on a database that answers at once. */
export function runAtOnce<T>(statements: Statements<T>, run: (query: Query) => readonly Row[]): T {
  let step = statements.next()
  while (step.done !== true) step = statements.next(run(step.value))
  return step.value
}

/** Runs statements on a database that answers later. */
export async function runInTurn<T>(
  statements: Statements<T>,
  run: (query: Query) => Answer<readonly Row[]>,
): Promise<T> {
  let step = statements.next()
  while (step.done !== true) step = statements.next(await run(step.value))
  return step.value
}
