import type { AcquiredExecution, AcquireRequest } from '../../src/core/store.ts'
import type { Row } from '../sql/cells.ts'
import { selectList } from '../sql/dialect.ts'
import type { Dialect } from '../sql/dialect.ts'
import { executionOf, readable } from '../sql/reader.ts'
import { executionColumns } from '../sql/tables.ts'
import type { MysqlConnection } from './connection.ts'
import { cellsOfKey, toKey } from './keys.ts'
import { literal } from './literals.ts'
import { listOf } from './locks.ts'
import type { MysqlOwners } from './owners.ts'
import type { MysqlSession } from './session.ts'

// Servers end recursions after 1,000 rounds.
const ownersPerLook = 500
const looksPerStatement = 100

/** Makes the caller the owner of what has no living one. */
export class MysqlAcquirer {
  readonly #connection: MysqlConnection
  readonly #owners: MysqlOwners
  readonly #executions: string
  readonly #select: string
  readonly #lastOwners: string

  constructor(connection: MysqlConnection, owners: MysqlOwners, dialect: Dialect) {
    const table = dialect.table('executions')
    this.#connection = connection
    this.#owners = owners
    this.#executions = table
    this.#select = `select ${selectList(dialect, executionColumns, 'e')}, e.id as id_key, e.owner as owner_key
      from ${table} e force index (primary)`
    const next = (from: string): string =>
      `select n.owner from ${table} n force index (docket_unfinished)
        where n.is_open = 1 and n.owner ${from} order by n.owner limit 1`
    // One look at the index for each owner, however many executions it has.
    this.#lastOwners = `with recursive found (owner, place) as (
        select * from (select f.owner, 1 from (${next('?')}) f) first
        union all
        select (${next('> found.owner')}), found.place + 1 from found
        where found.owner is not null and found.place < ${ownersPerLook}
      ) select owner, exists (
        select 1 from ${dialect.table('owners')} w where w.owner = found.owner and w.expires_at > utc_timestamp(3)
      ) as is_alive from found where owner is not null`
  }

  async acquire(request: AcquireRequest): Promise<readonly AcquiredExecution[]> {
    const { ids, graphs, limit } = request
    if (limit < 1 || (ids ?? graphs ?? []).length === 0) return []
    const taken = ids === undefined ? await this.#byGraph(request) : await this.#byId(request)
    return taken.toSorted(
      ({ execution: one }, { execution: other }) => one.createdAt - other.createdAt || (one.id < other.id ? -1 : 1),
    )
  }

  /** Waits for whoever has them at the moment: the caller asked for these. */
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
          `${this.#select} where e.id in (${listOf(some)}) and e.is_open = 1
            and (e.owner is null or e.owner in (${listOf(gone)})) order by e.id for update skip locked`,
        )
        taken.push(...(await this.#take(session, request, rows)))
      }
      return taken
    })
  }

  /** Owners of unfinished executions that are dead, and the caller if it wants its own. */
  async #goneOwners({ owner, andOwn }: AcquireRequest): Promise<readonly string[]> {
    const own = toKey(owner)
    const gone: string[] = []
    for (let from = `>= ''`; ;) {
      const text = this.#lastOwners.replace('?', () => from)
      const rows = await this.#connection.withSession((session) => session.all(text))
      for (const { owner: last, is_alive: isAlive } of rows)
        if (last === own ? andOwn === true : isAlive === 0) gone.push(last as string)
      if (rows.length < ownersPerLook) return gone
      from = `> ${literal(rows.at(-1)!['owner'] as string)}`
    }
  }

  /** Keys of executions that are free, the oldest first, with some to spare. */
  async #candidates({ graphs, except, limit }: AcquireRequest, gone: readonly string[]): Promise<readonly string[]> {
    const excepted = (except ?? []).length === 0 ? '' : `and e.id not in (${listOf(except!.map(toKey))})`
    const owners = ['is null', ...gone.map((key) => `= ${literal(key)}`)]
    const looks = [...new Set(graphs)].flatMap((graph) =>
      owners.map(
        (of) => `(select e.id, cast(e.created_at as char) as created_at
          from ${this.#executions} e force index (docket_unfinished)
          where e.is_open = 1 and e.owner ${of} and e.graph = ${literal(toKey(graph))} ${excepted}
          order by e.created_at, e.id limit ${literal(limit * 2 + 50)})`,
      ),
    )
    const found: Row[] = []
    for (let first = 0; first < looks.length; first += looksPerStatement) {
      const text = looks.slice(first, first + looksPerStatement).join(' union all ')
      found.push(...(await this.#connection.withSession((session) => session.all(text))))
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
      `update ${this.#executions} set recoveries = recoveries + ${lost.length === 0 ? '0' : `(id in (${listOf(lost)}))`}, epoch = epoch + 1,
        owner = ${literal(key!)}, owner_full = ${literal(full!)} where id in (${listOf(rows.map((row) => row['id_key'] as string))})`,
    )
    const read = (row: Row): AcquiredExecution => {
      const { epoch, recoveries, ...rest } = executionOf(row)
      const wasLost = isLost(row)
      return { execution: { ...rest, owner, epoch: epoch + 1, recoveries: recoveries + (wasLost ? 1 : 0) }, wasLost }
    }
    return ids === undefined ? readable(rows, read) : rows.map(read)
  }
}

function isOpen(row: Row): boolean {
  return row['status'] === 'pending' || row['status'] === 'running'
}

function oldestFirst(one: Row, other: Row): number {
  const [first, second] = [one, other].map((row) => `${String(row['created_at'])} ${String(row['id'])}`)
  return first! < second! ? -1 : first! > second! ? 1 : 0
}
