import type {
  AcquiredExecution,
  AcquireRequest,
  ExecutionPlace,
  PlaceRange,
} from '../../src/core/contracts/execution-record.ts'
import type { Row } from '../sql/cells.ts'
import { selectList } from '../sql/dialect.ts'
import type { Dialect, Query } from '../sql/dialect.ts'
import { toName } from '../sql/names.ts'
import { executionOf, readable } from '../sql/reader.ts'
import { endParking, executionColumns, isRunnable, isUnfinished } from '../sql/tables.ts'
import type { PostgresConnection } from './connection.ts'
import { isAlive } from './owners.ts'
import { storeName } from './errors.ts'

/** Makes the caller the owner of what has no living one, in one statement. */
export class PostgresAcquirer {
  readonly #connection: PostgresConnection
  readonly #dialect: Dialect
  readonly #byId: string
  readonly #byGraph: string

  constructor(connection: PostgresConnection, dialect: Dialect) {
    this.#connection = connection
    this.#dialect = dialect
    this.#byId = acquireStatement(dialect, foundById(dialect))
    this.#byGraph = acquireStatement(dialect, foundByGraph(dialect))
  }

  async acquire(request: AcquireRequest): Promise<readonly AcquiredExecution[]> {
    const rows = await this.#connection.query(this.queryOf(request))
    return request.ids === undefined ? readable(rows, acquiredOf) : rows.map(acquiredOf)
  }

  /** The statement; a test asks the server how it would run it. */
  queryOf({ owner, ids, graphs, andEnded, andOwn, except, ranges, limit }: AcquireRequest): Query {
    const excepted = (except ?? []).map(toName)
    const own = [toName(owner), andOwn === true ? 'true' : 'false', limit] as const
    const names = [...new Set(graphs)]
    const bounds = names.map((graph) => boundsOf(ranges?.get(graph), this.#dialect))
    const columns = [0, 1, 2, 3].map((column) => bounds.map((bound) => bound[column]!))
    return ids === undefined
      ? { text: this.#byGraph, parameters: [...own, excepted, names.map(toName), ...columns] }
      : { text: this.#byId, parameters: [...own, excepted, ids.map(toName), andEnded === true ? 'true' : 'false'] }
  }
}

/** A graph's range as four cells; every time is between the infinities. */
function boundsOf({ after, upTo }: PlaceRange = {}, { timeText }: Dialect): readonly string[] {
  const cellsOf = ({ createdAt, id }: ExecutionPlace): string[] => [timeText(createdAt) as string, toName(id)]
  return [
    ...(after === undefined ? ['-infinity', ''] : cellsOf(after)),
    ...(upTo === undefined ? ['infinity', ''] : cellsOf(upTo)),
  ]
}

function acquiredOf(row: Row): AcquiredExecution {
  return { execution: executionOf(row, storeName), wasLost: row['was_lost'] === true }
}

// $1 owner, $2 andOwn, $3 limit, $4 except, $5 ids or graphs, then of ids $6 andEnded, of graphs $6 to $9 their ranges
function acquireStatement(dialect: Dialect, found: string): string {
  return `with recursive ${found}, chosen as (
      select * from found order by created_at, id limit $3
    ), taken as (
      update ${dialect.table('executions')} e
      set owner = $1, epoch = e.epoch + 1, recoveries = e.recoveries + case when c.was_lost then 1 else 0 end,
        ${endParking}
      from chosen c where e.id = c.id
      returning ${selectList(dialect, executionColumns, 'e')}, c.was_lost
    )
    select * from taken order by created_at, id`
}

const foundColumns = (last: string): string => `e.id, e.created_at, ${last} as was_lost`

/** Waits for the transaction that holds them at the moment: the caller named these. */
function foundById(dialect: Dialect): string {
  const isOpen = isUnfinished('e')
  return `found as materialized (
      select ${foundColumns(`(e.owner is not null and e.owner <> $1 and ${isOpen})`)}
      from ${dialect.table('executions')} e
      where e.id = any($5::text[]) and ($6::boolean or ${isOpen}) and e.id <> all($4::text[])
        and (e.owner is null or case when e.owner = $1 then $2::boolean else not ${isAlive(dialect, 'e.owner')} end)
      order by e.id for no key update of e
    )`
}

/**
 * The owners of unfinished executions, one look at the index for each however many they have; then the oldest executions of each
 * that is dead, and of nobody. What somebody else is taking right now is passed over.
 */
function foundByGraph(dialect: Dialect): string {
  const executions = dialect.table('executions')
  const nextOwner = (condition: string): string =>
    `select e.owner from ${executions} e where ${isRunnable('e')} and e.owner ${condition} order by e.owner limit 1`
  const isWithin = `(e.created_at, e.id) > (g.after_time, g.after_id) and (e.created_at, e.id) <= (g.up_to_time, g.up_to_id)`
  // Owner and graph are the same for all rows of one look: named in the order, they leave no other index to the planner. Where most rows are
  // parked, and so have no owner, it takes these for the free ones and would look for them among all executions by creation.
  const oldest = (condition: string, wasLost: string): string => `cross join lateral (
      select ${foundColumns(wasLost)} from ${executions} e
      where ${isRunnable('e')} and e.owner ${condition} and e.graph = g.graph and e.id <> all($4::text[])
      order by e.owner, e.graph, e.created_at, e.id limit $3 for no key update skip locked) f`
  const graphs = `unnest($5::text[], $6::timestamptz[], $7::text[], $8::timestamptz[], $9::text[])
    as g(graph, after_time, after_id, up_to_time, up_to_id)`
  const due = `cross join lateral (
      select ${foundColumns('false')} from ${executions} e
      where e.due_at is not null and e.due_at <= statement_timestamp() and e.graph = g.graph and e.id <> all($4::text[])
      order by e.due_at, e.id limit $3 for no key update skip locked) f`
  return `owners(owner) as (
      (${nextOwner('is not null')})
      union all
      select (${nextOwner('> o.owner')}) from owners o where o.owner is not null
    ), gone as materialized (
      select o.owner from owners o where o.owner is not null
        and case when o.owner = $1 then $2::boolean else not ${isAlive(dialect, 'o.owner')} end
    ), found as materialized (
      select f.* from ${graphs} ${due}
      union all
      select f.* from ${graphs} ${oldest(`is null and ${isWithin}`, 'false')}
      union all
      select f.* from gone p cross join ${graphs} ${oldest('= p.owner', '(e.owner <> $1)')}
    )`
}
