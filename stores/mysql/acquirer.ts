import { append } from '../../src/core/append.ts'
import type { AcquiredExecution, AcquireRequest } from '../../src/core/contracts/execution-record.ts'
import { freeAtAfter, inTurn, roomWithin, unlimitedRoom } from '../../src/core/contracts/queue-order.ts'
import type { QueueRoom } from '../../src/core/contracts/queue-order.ts'
import { defaultQueue } from '../../src/core/contracts/queue-record.ts'
import { limitsOf, queueStateOf } from '../../src/core/contracts/queue-state.ts'
import { unparked } from '../../src/core/contracts/parking.ts'
import { isOpenStatus } from '../../src/core/contracts/statuses.ts'
import type { Row } from '../sql/cells.ts'
import { changeOf, selectList } from '../sql/dialect.ts'
import type { Dialect } from '../sql/dialect.ts'
import { executionOf, readable } from '../sql/reader.ts'
import { endParking, executionColumns } from '../sql/tables.ts'
import type { MysqlConnection } from './connection.ts'
import { cellsOfKey, toKey, toQueueKey } from './keys.ts'
import { literal } from './literals.ts'
import { listOf } from './locks.ts'
import type { MysqlOwners } from './owners.ts'
import { mysqlPlaces } from './queue-places.ts'
import { MysqlReadyLooks } from './ready-looks.ts'
import type { FoundExecution } from './ready-looks.ts'
import type { MysqlSession } from './session.ts'
import { storeName } from './errors.ts'

const looksPerStatement = 100
// Of those that are registered, to begin with.
const mostFirstOwners = 1_000

/** Makes the caller the owner of what has no living one. */
export class MysqlAcquirer {
  readonly #connection: MysqlConnection
  readonly #dialect: Dialect
  readonly #owners: MysqlOwners
  readonly #executions: string
  readonly #select: string
  readonly #ownersTable: string
  readonly #queues: string
  readonly #looks: MysqlReadyLooks
  /** Owners of unfinished executions as of the last look: where the next one goes on from. */
  #lastSeen: readonly string[] | undefined

  constructor(connection: MysqlConnection, owners: MysqlOwners, dialect: Dialect) {
    const table = dialect.table('executions')
    this.#connection = connection
    this.#dialect = dialect
    this.#owners = owners
    this.#executions = table
    this.#select = `select ${selectList(dialect, executionColumns, 'e')}, e.id as id_key, e.owner as owner_key, e.last_sequence
      from ${table} e force index (primary)`
    this.#ownersTable = dialect.table('owners')
    this.#queues = dialect.table('queues')
    this.#looks = new MysqlReadyLooks(dialect)
  }

  async acquire(request: AcquireRequest): Promise<readonly AcquiredExecution[]> {
    const { ids, graphs, limit } = request
    if (limit < 1 || (ids ?? graphs ?? []).length === 0) return []
    if (ids === undefined) return this.#ready(request)
    return (await this.#byId(request)).toSorted(
      ({ execution: one }, { execution: other }) => one.createdAt - other.createdAt || (one.id < other.id ? -1 : 1),
    )
  }

  /** Waits for the transaction that holds them at the moment: the caller named these. */
  #byId(request: AcquireRequest): Promise<readonly AcquiredExecution[]> {
    const { owner, sequence = 0, ids, andEnded, andOwn, except, limit } = request
    const own = toKey(owner)
    const excepted = new Set(except)
    const keys = ids!.filter((id) => !excepted.has(id)).map(toKey)
    return this.#connection.transaction(async (session) => {
      const rows = await session.all(`${this.#select} where e.id in (${listOf(keys)}) order by e.id for update`)
      const last = rows.flatMap(({ owner_key: of }) => (of === null || of === own ? [] : [of as string]))
      const living = await this.#owners.living(session, [...new Set(last)])
      const isFree = ({ owner_key: of, last_sequence: last }: Row): boolean =>
        of === null || (of === own ? andOwn === true && (last as number) <= sequence : !living.has(of as string))
      const free = rows.filter((row) => (andEnded === true || isOpen(row)) && isFree(row))
      return this.#take(session, request, free.toSorted(oldestFirst).slice(0, limit))
    })
  }

  /** Looks without locks first: mostly there is nothing. What somebody else is taking right now is passed over. */
  async #ready(request: AcquireRequest): Promise<readonly AcquiredExecution[]> {
    const { limit } = request
    const gone = await this.#goneOwners(request)
    const hints = await this.#connection.withSession((session) => this.#looks.hints(session, request))
    if (hints.isRestricted) return this.#connection.transaction((session) => this.#withinLimits(session, request, gone))
    const candidates = await this.#connection.withSession((session) =>
      this.#looks.candidates(session, request, { gone, hints, room: unlimitedRoom(limit) }),
    )
    if (candidates.length === 0) return []
    return this.#connection.transaction(async (session) => {
      const { acquired } = await this.#takeInTurn(session, request, { candidates, gone, room: unlimitedRoom(limit) })
      return acquired
    })
  }

  /** Under a lock of the queue's row: so nobody else counts what is taken here before it is there. */
  async #withinLimits(
    session: MysqlSession,
    request: AcquireRequest,
    gone: readonly string[],
  ): Promise<readonly AcquiredExecution[]> {
    const queue = literal(toQueueKey(request.queue ?? defaultQueue))
    const [row] = await session.all(`select q.state, q.free_at,
      timestampdiff(microsecond, '1970-01-01', utc_timestamp(3)) / 1000 as now
      from ${this.#queues} q where q.queue = ${queue} for update`)
    const state = queueStateOf('', row!['state'] as string)
    if (state.pausedAt !== undefined) return []
    const limits = limitsOf(state)
    const [freeAt, now] = [row!['free_at'] as number, row!['now'] as number]
    const running =
      limits.concurrency === undefined ? new Map<string, number>() : await this.#running(session, queue, request)
    const room = roomWithin(limits, running, { limit: request.limit, freeAt, now })
    if (room.total < 1) return []
    const hints = await this.#looks.hints(session, request, room)
    const candidates = await this.#looks.candidates(session, request, { gone, hints, room })
    const { acquired, begun } = await this.#takeInTurn(session, request, { candidates, gone, room })
    if (limits.rate !== undefined && begun > 0)
      await session.run(
        `update ${this.#queues} set free_at = ${literal(freeAtAfter(limits.rate, freeAt, now, begun))} where queue = ${queue}`,
      )
    return acquired
  }

  /** How many executions of a queue living owners have, by key; without what the caller is given again, since it has it by an answer that was lost. */
  async #running(
    session: MysqlSession,
    queue: string,
    { owner, andOwn, except = [] }: AcquireRequest,
  ): Promise<ReadonlyMap<string, number>> {
    const { index, unfinished } = mysqlPlaces
    const isKnown = `e.id in (${listOf(except.map(toKey))})`
    const isCounted = andOwn === true ? `and (e.owner <> ${literal(toKey(owner))} or ${isKnown})` : ''
    const rows = await session.all(`select e.queue_key, count(*) as many
      from ${this.#ownersTable} o straight_join ${this.#executions} e ${index.unfinished}
      where o.expires_at > utc_timestamp(3) and e.owner = o.owner and ${unfinished(queue)} ${isCounted} group by e.queue_key`)
    return new Map(rows.map((row) => [row['queue_key'] as string, row['many'] as number]))
  }

  /** Takes candidates in their turns; for those that others have taken, the next ones. */
  async #takeInTurn(
    session: MysqlSession,
    request: AcquireRequest,
    found: {
      readonly candidates: readonly FoundExecution[]
      readonly gone: readonly string[]
      readonly room: QueueRoom
    },
  ): Promise<{ readonly acquired: readonly AcquiredExecution[]; readonly begun: number }> {
    const { gone, room } = found
    const behindKey = request.behindKey === undefined ? undefined : toQueueKey(request.behindKey)
    const { owner, sequence = 0 } = request
    const isNotLate = `(e.owner is null or e.owner <> ${literal(toKey(owner))} or e.last_sequence <= ${literal(sequence)})`
    const acquired: AcquiredExecution[] = []
    const ofKey = new Map<string, number>()
    let { candidates } = found
    let begun = 0
    for (;;) {
      const chosen = inTurn(candidates, behindKey, {
        total: room.total - acquired.length,
        toBegin: room.toBegin - begun,
        ofKey: (key) => room.ofKey(key) - (ofKey.get(key) ?? 0),
      })
      if (chosen.length === 0) return { acquired, begun }
      const rows = await session.all(
        `${this.#select} where e.id in (${listOf(chosen.map(({ id }) => id))}) and (e.is_open = 1 or e.due_at <= utc_timestamp(3))
          and (e.owner is null or e.owner in (${listOf(gone)})) and ${isNotLate} order by e.id for update skip locked`,
      )
      const byKey = new Map(rows.map((row) => [row['id_key'], row]))
      const got = chosen.filter(({ id }) => byKey.has(id))
      append(
        acquired,
        await this.#take(
          session,
          request,
          got.map(({ id }) => byKey.get(id)!),
        ),
      )
      for (const { key, isNew } of got) {
        ofKey.set(key, (ofKey.get(key) ?? 0) + 1)
        if (isNew) begun++
      }
      const were = new Set(chosen)
      candidates = candidates.filter((one) => !were.has(one))
    }
  }

  /** Owners of unfinished executions that are dead, and the caller if it wants its own. */
  async #goneOwners({ owner, andOwn }: AcquireRequest): Promise<readonly string[]> {
    const own = toKey(owner)
    return this.#connection.withSession(async (session) => {
      const last = await this.#lastOwners(session)
      const living = await this.#owners.living(
        session,
        last.filter((one) => one !== own),
      )
      return last.filter((one) => (one === own ? andOwn === true : !living.has(one)))
    })
  }

  /**
   * The owners of unfinished executions: one look at the index for each, however many they have. The server finds the next name at once only if
   * it knows the one before when it plans, which it does not in a recursion: there it reads all entries for each. So all looks that
   * were made the last time are made again in one statement; each owner that is new costs a statement.
   */
  async #lastOwners(session: MysqlSession): Promise<readonly string[]> {
    const nextOf = new Map<string | undefined, string | null>()
    const look = async (from: readonly (string | undefined)[]): Promise<void> => {
      for (let first = 0; first < from.length; first += looksPerStatement) {
        const some = from.slice(first, first + looksPerStatement)
        const looks = some.map(
          (one, place) => `(select ${place} as place, min(n.owner) as owner
            from ${this.#executions} n force index (docket_unfinished)
            where n.is_open = 1 and n.owner ${one === undefined ? `>= ''` : `> ${literal(one)}`})`,
        )
        for (const { place, owner } of await session.all(looks.join(' union all ')))
          nextOf.set(some[place as number], owner as string | null)
      }
    }
    this.#lastSeen ??= (
      await session.all(`select owner from ${this.#ownersTable} order by owner limit ${mostFirstOwners}`)
    ).map(({ owner }) => owner as string)
    await look([undefined, ...this.#lastSeen])
    const found: string[] = []
    for (let next = nextOf.get(undefined)!; next !== null; next = nextOf.get(next)!) {
      found.push(next)
      if (!nextOf.has(next)) await look([next])
    }
    this.#lastSeen = found
    return found
  }

  async #take(
    session: MysqlSession,
    { owner, sequence = 0, ids }: AcquireRequest,
    rows: readonly Row[],
  ): Promise<readonly AcquiredExecution[]> {
    if (rows.length === 0) return []
    const [key, full] = cellsOfKey(owner)
    const isLost = (row: Row): boolean => row['owner_key'] !== null && row['owner_key'] !== key && isOpen(row)
    const lost = rows.filter(isLost).map((row) => row['id_key'] as string)
    await session.run(
      `${changeOf(this.#dialect, 'executions')} set recoveries = recoveries + ${lost.length === 0 ? '0' : `(id in (${listOf(lost)}))`}, epoch = epoch + 1, last_sequence = ${literal(sequence)}, ${endParking},
        owner = ${literal(key!)}, owner_full = ${literal(full!)} where id in (${listOf(rows.map((row) => row['id_key'] as string))})`,
    )
    const read = (row: Row): AcquiredExecution => {
      const { epoch, recoveries, ...rest } = executionOf(row, storeName)
      const wasLost = isLost(row)
      return {
        execution: { ...rest, ...unparked, owner, epoch: epoch + 1, recoveries: recoveries + (wasLost ? 1 : 0) },
        wasLost,
      }
    }
    return ids === undefined ? readable(rows, read) : rows.map(read)
  }
}

function isOpen(row: Row): boolean {
  return isOpenStatus(row['status'] as string)
}

function oldestFirst(one: Row, other: Row): number {
  const [first, second] = [one, other].map((row) => `${String(row['created_at'])} ${String(row['id'])}`)
  return first! < second! ? -1 : first! > second! ? 1 : 0
}
