import type { ClientBase } from 'pg'
import { append } from '../../src/core/append.ts'
import type {
  AcquiredExecution,
  AcquireRequest,
  ExecutionPlace,
  PlaceRange,
} from '../../src/core/contracts/execution-record.ts'
import { freeAtAfter, roomWithin, startsLeft } from '../../src/core/contracts/queue-order.ts'
import { defaultQueue } from '../../src/core/contracts/queue-record.ts'
import type { QueueLimits } from '../../src/core/contracts/queue-record.ts'
import { limitsOf, queueStateOf } from '../../src/core/contracts/queue-state.ts'
import type { Row } from '../sql/cells.ts'
import { selectList } from '../sql/dialect.ts'
import type { Dialect, Query } from '../sql/dialect.ts'
import { fromName, toName } from '../sql/names.ts'
import { partialPlaces } from '../sql/queue-places.ts'
import { executionOf, readable } from '../sql/reader.ts'
import { endParking, executionColumns, isUnfinished } from '../sql/tables.ts'
import type { PostgresConnection } from './connection.ts'
import { isAlive } from './owners.ts'
import { storeName } from './errors.ts'
import { beginDueStatement, readyStatement } from './ready-statement.ts'

/** What limits leave of a queue, as judged before. */
interface Judged {
  /** Keys that have no room. */
  readonly fullKeys: readonly string[]
  /** How many may begin. */
  readonly toBegin: number
  /** Whether only one of each key is taken. */
  readonly isOnePerKey: boolean
}

/** Makes the caller the owner of what has no living one: in one statement, unless limits are to be judged first. */
export class PostgresAcquirer {
  readonly #connection: PostgresConnection
  readonly #dialect: Dialect
  readonly #byId: string
  readonly #ready: string
  readonly #beginDue: string

  constructor(connection: PostgresConnection, dialect: Dialect) {
    this.#connection = connection
    this.#dialect = dialect
    this.#byId = namedStatement(dialect)
    this.#ready = readyStatement(dialect)
    this.#beginDue = beginDueStatement(dialect)
  }

  async acquire(request: AcquireRequest): Promise<readonly AcquiredExecution[]> {
    if (request.ids !== undefined) return (await this.#connection.query(this.queryOf(request))).map(acquiredOf)
    if (request.limit < 1 || (request.graphs ?? []).length === 0) return []
    const taken: Row[] = []
    const isShut = await this.#takeReady(request, taken, undefined, undefined)
    const rows = isShut ? await this.#takeWithinLimits(request) : taken
    return readable(rows, acquiredOf)
  }

  /** The statement; a test asks the server how it would run it. */
  queryOf(request: AcquireRequest, judged?: Judged, hasBegunDue = false): Query {
    const {
      owner,
      sequence = 0,
      ids,
      graphs,
      andEnded,
      andOwn,
      except,
      ranges,
      limit,
      queue = defaultQueue,
      behindKey,
    } = request
    const excepted = (except ?? []).map(toName)
    const own = [toName(owner), andOwn === true ? 'true' : 'false', limit] as const
    if (ids !== undefined)
      return {
        text: this.#byId,
        parameters: [...own, excepted, ids.map(toName), andEnded === true ? 'true' : 'false', sequence],
      }
    const names = [...new Set(graphs)]
    const bounds = names.map((graph) => boundsOf(ranges?.get(graph), this.#dialect))
    const columns = [0, 1, 2, 3, 4].map((column) => bounds.map((bound) => bound[column]!))
    return {
      text: this.#ready,
      parameters: [
        ...own,
        excepted,
        names.map(toName),
        ...columns,
        toName(queue),
        behindKey === undefined ? null : toName(behindKey),
        judged?.fullKeys ?? [],
        judged?.toBegin ?? limit,
        judged?.isOnePerKey === true ? 'true' : 'false',
        judged === undefined ? 'false' : 'true',
        hasBegunDue ? 'false' : 'true',
        sequence,
      ],
    }
  }

  /** Takes until there is enough, or no more; gives whether the queue's limits are to be judged first. */
  async #takeReady(
    request: AcquireRequest,
    taken: Row[],
    judged: (() => Judged | undefined) | undefined,
    client: ClientBase | undefined,
  ): Promise<boolean> {
    const { queue = defaultQueue, graphs, limit } = request
    let { behindKey } = request
    let hasBegunDue = false
    for (;;) {
      const left = limit - taken.length
      const now = judged?.()
      if (left < 1 || (judged !== undefined && now === undefined)) return false
      const own = request.andOwn === true ? taken.map((row) => fromName(row['id'] as string)) : []
      const except = [...(request.except ?? []), ...own]
      const look = this.queryOf({ ...request, except, behindKey, limit: left }, now, hasBegunDue)
      const rows = await (client === undefined
        ? this.#connection.queryPlanned(look)
        : this.#connection.query(look, client))
      if (rows[0]!['is_shut'] === true) return true
      const some = rows.filter((row) => row['id'] !== null)
      append(taken, some)
      if (rows[0]!['has_later'] === true) {
        const parameters = [toName(queue), (graphs ?? []).map(toName)]
        await this.#connection.query({ text: this.#beginDue, parameters }, client)
        hasBegunDue = true
        continue
      }
      const last = some.findLast((row) => row['is_new'] === true)
      if (last !== undefined) behindKey = fromName(last['queue_key'] as string)
      // Of many keys each look takes a few: where some had less, others have more.
      const isOfOneKey = new Set(some.map((row) => row['queue_key'])).size < 2 && now?.isOnePerKey !== true
      if (some.length === 0 || isOfOneKey) return false
    }
  }

  /** Under a lock of the queue's row: so nobody else counts what is taken here before it is there. */
  #takeWithinLimits(request: AcquireRequest): Promise<readonly Row[]> {
    const queue = toName(request.queue ?? defaultQueue)
    const queues = this.#dialect.table('queues')
    return this.#connection.transaction(async (client) => {
      const run = (text: string, ...parameters: Query['parameters']): Promise<readonly Row[]> =>
        this.#connection.query({ text, parameters }, client)
      await this.#connection.compileNothing(client)
      const [row] = await run(
        `select q.state, q.free_at, (extract(epoch from clock_timestamp()) * 1000)::float8 as now
          from ${queues} q where q.queue = $1 for update`,
        queue,
      )
      const state = queueStateOf(queue, row!['state'] as string)
      if (state.pausedAt !== undefined) return []
      const limits = limitsOf(state)
      const [freeAt, now] = [row!['free_at'] as number, row!['now'] as number]
      const running =
        limits.concurrency === undefined ? new Map<string, number>() : await this.#running(request, client)
      const room = roomWithin(limits, running, { limit: request.limit, freeAt, now }).total
      const taken: Row[] = []
      const judge = (): Judged | undefined => judgedOf(limits, running, taken, { freeAt, now, limit: request.limit })
      await this.#takeReady({ ...request, limit: room }, taken, judge, client)
      const begun = taken.filter((one) => one['is_new'] === true).length
      if (limits.rate !== undefined && begun > 0)
        await run(
          `update ${queues} set free_at = $2 where queue = $1`,
          queue,
          freeAtAfter(limits.rate, freeAt, now, begun),
        )
      return taken
    })
  }

  /** How many executions of a queue living owners have, by key; without what the caller is given again, since it has it by an answer that was lost. */
  async #running(
    { queue = defaultQueue, owner, andOwn, except = [] }: AcquireRequest,
    client: ClientBase,
  ): Promise<Map<string, number>> {
    const { unfinished } = partialPlaces(() => '')
    const text = `select e.queue_key, count(*)::float8 as many
      from ${this.#dialect.table('owners')} o cross join ${this.#dialect.table('executions')} e
      where o.expires_at > statement_timestamp() and e.owner is not null and e.owner = o.owner and ${unfinished('$1')}
        and ($2::text is null or e.owner <> $2 or e.id = any($3::text[]))
      group by e.queue_key`
    const parameters = [toName(queue), andOwn === true ? toName(owner) : null, except.map(toName)]
    const rows = await this.#connection.query({ text, parameters }, client)
    return new Map(rows.map((row) => [row['queue_key'] as string, row['many'] as number]))
  }
}

/** What limits leave beside what was taken already; undefined where they leave nothing. */
function judgedOf(
  { concurrency, rate }: QueueLimits,
  running: ReadonlyMap<string, number>,
  taken: readonly Row[],
  { freeAt, now, limit }: { readonly freeAt: number; readonly now: number; readonly limit: number },
): Judged | undefined {
  const begun = taken.filter((row) => row['is_new'] === true).length
  const toBegin = rate === undefined ? limit : startsLeft(rate, freeAt, now) - begun
  if (concurrency?.isPerKey !== true) return { fullKeys: [], toBegin, isOnePerKey: false }
  const counts = new Map(running)
  for (const row of taken) {
    const key = row['queue_key'] as string
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  const fullKeys = [...counts].flatMap(([key, count]) => (count >= concurrency.limit ? [key] : []))
  return { fullKeys, toBegin, isOnePerKey: true }
}

/** A graph's range as four cells, and whether it has one; every time is between the infinities. */
function boundsOf(range: PlaceRange | undefined, { timeText }: Dialect): readonly string[] {
  const { after, upTo } = range ?? {}
  const cellsOf = ({ createdAt, id }: ExecutionPlace): string[] => [timeText(createdAt) as string, toName(id)]
  return [
    ...(after === undefined ? ['-infinity', ''] : cellsOf(after)),
    ...(upTo === undefined ? ['infinity', ''] : cellsOf(upTo)),
    range === undefined ? 'false' : 'true',
  ]
}

function acquiredOf(row: Row): AcquiredExecution {
  return {
    execution: executionOf(row, storeName),
    wasLost: row['was_lost'] === true,
    hasMail: row['has_mail'] === true,
  }
}

/**
 * Waits for the transaction that holds them at the moment: the caller named these. $1 owner, $2 andOwn, $3 limit, $4 except, $5 ids,
 * $6 andEnded, $7 the number of the call.
 */
function namedStatement(dialect: Dialect): string {
  const isOpen = isUnfinished('e')
  return `with found as materialized (
      select e.id, e.created_at, (e.owner is not null and e.owner <> $1 and ${isOpen}) as was_lost
      from ${dialect.table('executions')} e
      where e.id = any($5::text[]) and ($6::boolean or ${isOpen}) and e.id <> all($4::text[])
        and (e.owner is null or case when e.owner = $1 then $2::boolean and e.last_sequence <= $7 else not ${isAlive(dialect, 'e.owner')} end)
      order by e.id for no key update of e
    ), chosen as (
      select * from found order by created_at, id limit $3
    ), taken as (
      update ${dialect.table('executions')} e
      set owner = $1, epoch = e.epoch + 1, last_sequence = $7, recoveries = e.recoveries + case when c.was_lost then 1 else 0 end,
        ${endParking}
      from chosen c where e.id = c.id
      returning ${selectList(dialect, executionColumns, 'e')}, e.mail_left > 0 as has_mail, c.was_lost
    )
    select * from taken order by created_at, id`
}
