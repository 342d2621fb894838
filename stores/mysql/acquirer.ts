import { append } from '../../src/core/append.ts'
import type {
  AcquiredExecution,
  AcquireRequest,
  ExecutionPlace,
  PlaceRange,
} from '../../src/core/contracts/execution-record.ts'
import { unparked } from '../../src/core/contracts/parking.ts'
import { isOpenStatus } from '../../src/core/contracts/statuses.ts'
import type { Row } from '../sql/cells.ts'
import { selectList } from '../sql/dialect.ts'
import type { Dialect } from '../sql/dialect.ts'
import { executionOf, readable } from '../sql/reader.ts'
import { endParking, executionColumns } from '../sql/tables.ts'
import { toSqlTime } from '../sql/times.ts'
import type { MysqlConnection } from './connection.ts'
import { cellsOfKey, toKey } from './keys.ts'
import { literal } from './literals.ts'
import { listOf } from './locks.ts'
import type { MysqlOwners } from './owners.ts'
import type { MysqlSession } from './session.ts'
import { storeName } from './errors.ts'

const looksPerStatement = 100
// Of those that are registered, to begin with.
const mostFirstOwners = 1_000

/** Makes the caller the owner of what has no living one. */
export class MysqlAcquirer {
  readonly #connection: MysqlConnection
  readonly #owners: MysqlOwners
  readonly #executions: string
  readonly #select: string
  readonly #ownersTable: string
  /** Owners of unfinished executions as of the last look: where the next one goes on from. */
  #lastSeen: readonly string[] | undefined

  constructor(connection: MysqlConnection, owners: MysqlOwners, dialect: Dialect) {
    const table = dialect.table('executions')
    this.#connection = connection
    this.#owners = owners
    this.#executions = table
    this.#select = `select ${selectList(dialect, executionColumns, 'e')}, e.id as id_key, e.owner as owner_key
      from ${table} e force index (primary)`
    this.#ownersTable = dialect.table('owners')
  }

  async acquire(request: AcquireRequest): Promise<readonly AcquiredExecution[]> {
    const { ids, graphs, limit } = request
    if (limit < 1 || (ids ?? graphs ?? []).length === 0) return []
    const taken = ids === undefined ? await this.#byGraph(request) : await this.#byId(request)
    return taken.toSorted(
      ({ execution: one }, { execution: other }) => one.createdAt - other.createdAt || (one.id < other.id ? -1 : 1),
    )
  }

  /** Waits for the transaction that holds them at the moment: the caller named these. */
  #byId(request: AcquireRequest): Promise<readonly AcquiredExecution[]> {
    const { owner, ids, andEnded, andOwn, except, limit } = request
    const own = toKey(owner)
    const excepted = new Set(except)
    const keys = ids!.filter((id) => !excepted.has(id)).map(toKey)
    return this.#connection.transaction(async (session) => {
      const rows = await session.all(`${this.#select} where e.id in (${listOf(keys)}) order by e.id for update`)
      const last = rows.flatMap(({ owner_key: of }) => (of === null || of === own ? [] : [of as string]))
      const living = await this.#owners.living(session, [...new Set(last)])
      const isFree = ({ owner_key: of }: Row): boolean =>
        of === null || (of === own ? andOwn === true : !living.has(of as string))
      const free = rows.filter((row) => (andEnded === true || isOpen(row)) && isFree(row))
      return this.#take(session, request, free.toSorted(oldestFirst).slice(0, limit))
    })
  }

  /** Looks without locks first: mostly there is nothing. What somebody else is taking right now is passed over. */
  async #byGraph(request: AcquireRequest): Promise<readonly AcquiredExecution[]> {
    const { limit } = request
    const gone = await this.#goneOwners(request)
    const candidates = await this.#candidates(request, gone)
    if (candidates.length === 0) return []
    return this.#connection.transaction(async (session) => {
      const taken: AcquiredExecution[] = []
      for (let first = 0; taken.length < limit && first < candidates.length;) {
        const some = candidates.slice(first, first + limit - taken.length)
        first += some.length
        const rows = await session.all(
          `${this.#select} where e.id in (${listOf(some)}) and (e.is_open = 1 or e.due_at <= utc_timestamp(3))
            and (e.owner is null or e.owner in (${listOf(gone)})) order by e.id for update skip locked`,
        )
        append(taken, await this.#take(session, request, rows))
      }
      return taken
    })
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

  /** Keys of executions that are free, the oldest first, with some to spare. */
  async #candidates(
    { graphs, except, ranges, limit }: AcquireRequest,
    gone: readonly string[],
  ): Promise<readonly string[]> {
    const excepted = (except ?? []).length === 0 ? '' : `and e.id not in (${listOf(except!.map(toKey))})`
    const ofGone = gone.map((key) => `= ${literal(key)}`)
    const due = [...new Set(graphs)].map(
      (graph) => `(select e.id, cast(e.created_at as char) as created_at
        from ${this.#executions} e force index (docket_due)
        where e.graph = ${literal(toKey(graph))} and e.due_at <= utc_timestamp(3) ${excepted}
        order by e.due_at, e.id limit ${literal(limit * 2 + 50)})`,
    )
    const free = [...new Set(graphs)].flatMap((graph) =>
      [`is null ${isWithin(ranges?.get(graph))}`, ...ofGone].map(
        (of) => `(select e.id, cast(e.created_at as char) as created_at
          from ${this.#executions} e force index (docket_unfinished)
          where e.is_open = 1 and e.owner ${of} and e.graph = ${literal(toKey(graph))} ${excepted}
          order by e.created_at, e.id limit ${literal(limit * 2 + 50)})`,
      ),
    )
    const looks = [...due, ...free]
    const found: Row[] = []
    for (let first = 0; first < looks.length; first += looksPerStatement) {
      const text = looks.slice(first, first + looksPerStatement).join(' union all ')
      append(found, await this.#connection.withSession((session) => session.all(text)))
    }
    return found.sort(oldestFirst).map((row) => row['id'] as string)
  }

  async #take(
    session: MysqlSession,
    { owner, ids }: AcquireRequest,
    rows: readonly Row[],
  ): Promise<readonly AcquiredExecution[]> {
    if (rows.length === 0) return []
    const [key, full] = cellsOfKey(owner)
    const isLost = (row: Row): boolean => row['owner_key'] !== null && row['owner_key'] !== key && isOpen(row)
    const lost = rows.filter(isLost).map((row) => row['id_key'] as string)
    await session.run(
      `update ${this.#executions} set recoveries = recoveries + ${lost.length === 0 ? '0' : `(id in (${listOf(lost)}))`}, epoch = epoch + 1, ${endParking},
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

/** The conditions of a range; as rows, two columns would not be looked up in an index. */
function isWithin({ after, upTo }: PlaceRange = {}): string {
  return `${after === undefined ? '' : isBeyond(after, '>', '')} ${upTo === undefined ? '' : isBeyond(upTo, '<', '=')}`
}

function isBeyond({ createdAt, id }: ExecutionPlace, sign: '<' | '>', orSame: '' | '='): string {
  const time = literal(toSqlTime(createdAt))
  return `and e.created_at ${sign}= ${time} and (e.created_at ${sign} ${time} or e.id ${sign}${orSame} ${literal(toKey(id))})`
}

function isOpen(row: Row): boolean {
  return isOpenStatus(row['status'] as string)
}

function oldestFirst(one: Row, other: Row): number {
  const [first, second] = [one, other].map((row) => `${String(row['created_at'])} ${String(row['id'])}`)
  return first! < second! ? -1 : first! > second! ? 1 : 0
}
