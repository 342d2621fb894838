import { append } from '../../src/core/append.ts'
import type { AcquireRequest, ExecutionPlace, PlaceRange } from '../../src/core/contracts/execution-record.ts'
import type { Candidate, QueueRoom } from '../../src/core/contracts/queue-order.ts'
import { defaultQueue } from '../../src/core/contracts/queue-record.ts'
import type { Row } from '../sql/cells.ts'
import type { Dialect } from '../sql/dialect.ts'
import { endParking } from '../sql/tables.ts'
import { toSqlTime } from '../sql/times.ts'
import { toKey, toQueueKey } from './keys.ts'
import { literal } from './literals.ts'
import { listOf } from './locks.ts'
import { mysqlPlaces } from './queue-places.ts'
import type { MysqlSession } from './session.ts'

const looksPerStatement = 100
// What becomes due at the same moment is made ready in portions.
const mostUnparked = 1_000
const mostRemembered = 1_000
const mostKeysRemembered = 50
// Each that was not there the last time costs a statement.
const mostFullKeys = 1_000
const { index, unfinished, toBegin, toGoOn, later, parked } = mysqlPlaces

/** An execution that may be taken, by the key of its id. */
export type FoundExecution = Candidate

/** What a first look says of a queue. */
export interface QueueHints {
  /** Whether limits are to be judged. */
  readonly isRestricted: boolean
  /** Places of graphs of which something is due that is still to begin. */
  readonly later: readonly number[]
  /** Keys of what is still to begin, behind the last one and then from the first on, by the places of graphs. */
  readonly keys: ReadonlyMap<number, readonly string[]>
}

/** Looks for what a queue has, without locks. */
export class MysqlReadyLooks {
  readonly #executions: string
  readonly #queues: string
  /** By graph and queue, the keys of the last look: the next one begins with all of them at once. */
  readonly #lastKeys = new Map<string, readonly string[]>()

  constructor(dialect: Dialect) {
    this.#executions = dialect.table('executions')
    this.#queues = dialect.table('queues')
  }

  /** Which keys there are, and whether there are limits: one statement, as long as there are no keys that were not there the last time. */
  async hints(
    session: MysqlSession,
    { queue = defaultQueue, graphs, behindKey, except, ranges, limit }: AcquireRequest,
    room?: QueueRoom,
  ): Promise<QueueHints> {
    const of = literal(toQueueKey(queue))
    const excepted = exceptedOf(except)
    const names = [...new Set(graphs)]
    const last = behindKey === undefined ? undefined : toQueueKey(behindKey)
    const looks = [
      `(select 'restricted' as kind, 0 as place, '' as queue_key from ${this.#queues} q where q.queue = ${of} and q.is_restricted = 1)`,
      ...names.map(
        (graph, place) => `(select 'later' as kind, ${place} as place, '' as queue_key
          from ${this.#executions} e ${index.later}
          where ${later(of)} and e.graph = ${literal(toKey(graph))} and e.due_at <= utc_timestamp(3) limit 1)`,
      ),
    ]
    const walks = names.flatMap((graph, place) => (ranges?.has(graph) === true ? [] : [{ graph, place }]))
    const nextOf = new Map<string, string | null>()
    const rows: Row[] = []
    const look = async (from: readonly Step[]): Promise<void> => {
      // The server finds the next key at once only if it knows the one before when it plans.
      for (const { graph, after } of from) nextOf.set(stepOf(graph, after), null)
      const all = [
        ...looks.splice(0),
        ...from.map(
          ({ graph, after }, place) => `(select 'next' as kind, ${place} as place, e.queue_key
            from ${this.#executions} e ${index.toBegin} where ${toBegin(of)} and e.graph = ${literal(toKey(graph))}
              and e.queue_key ${after === undefined ? `>= ''` : `> ${literal(after)}`} ${excepted} order by e.queue_key limit 1)`,
        ),
      ]
      for (let first = 0; first < all.length; first += looksPerStatement)
        for (const row of await session.all(all.slice(first, first + looksPerStatement).join(' union all ')))
          if (row['kind'] === 'next') {
            const { graph, after } = from[row['place'] as number]!
            nextOf.set(stepOf(graph, after), row['queue_key'] as string)
          } else rows.push(row)
    }
    const remembered = walks.flatMap(({ graph }) => {
      const known = this.#lastKeys.get(stepOf(graph, queue)) ?? []
      const after = new Set([undefined, ...(last === undefined ? [] : [last]), ...known])
      return [...after].map((one) => ({ graph, after: one }))
    })
    await look(remembered)
    const keys = new Map<number, readonly string[]>()
    for (const { graph, place } of walks) {
      let open = 0
      const walk = async (from: string | undefined, to: string | undefined, found: string[]): Promise<void> => {
        // Keys that are full take nobody's place.
        for (let after = from; open < limit && found.length < limit + mostFullKeys;) {
          if (!nextOf.has(stepOf(graph, after))) await look([{ graph, after }])
          const next = nextOf.get(stepOf(graph, after))
          if (next == null || (to !== undefined && next > to)) return
          found.push(next)
          if (room === undefined || room.ofKey(next) > 0) open++
          after = next
        }
      }
      const found: string[] = []
      // Those behind the last one come first.
      if (last !== undefined) await walk(last, undefined, found)
      await walk(undefined, last, found)
      keys.set(place, found)
      if (this.#lastKeys.size >= mostRemembered) this.#lastKeys.clear()
      this.#lastKeys.set(stepOf(graph, queue), found.slice(0, mostKeysRemembered))
    }
    return {
      isRestricted: rows.some(({ kind }) => kind === 'restricted'),
      later: rows.flatMap((row) => (row['kind'] === 'later' ? [row['place'] as number] : [])),
      keys,
    }
  }

  /** What may be taken, with some to spare: others look for the same. */
  async candidates(
    session: MysqlSession,
    request: AcquireRequest,
    { gone, hints, room }: { readonly gone: readonly string[]; readonly hints: QueueHints; readonly room: QueueRoom },
  ): Promise<readonly FoundExecution[]> {
    const { queue = defaultQueue, graphs, except, ranges, limit } = request
    const of = literal(toQueueKey(queue))
    const names = [...new Set(graphs)]
    const excepted = exceptedOf(except)
    const spare = limit * 2 + 50
    const look = (at: string, condition: string, order: string, most = spare): string =>
      `(select e.id, cast(e.created_at as char) as created_at, e.status = 'pending' and e.owner is null as is_new, e.priority, e.queue_key
        from ${this.#executions} e ${at} where ${condition} ${excepted} order by ${order} limit ${literal(most)})`
    let known = hints
    if (hints.later.length > 0) {
      const due = hints.later.map((place) => toKey(names[place]!))
      await this.#beginDue(session, of, due)
      known = await this.hints(session, request, room)
    }
    const open = new Map([...known.keys].map(([place, keys]) => [place, keys.filter((key) => room.ofKey(key) > 0)]))
    const count = new Set([...open.values()].flat()).size
    const quota = count < 2 ? spare : Math.ceil(limit / count) * 2 + 2
    const looks: string[] = []
    const shares = new Map<string, (most: number) => string>()
    for (const [place, graph] of names.entries()) {
      const isOf = `and e.graph = ${literal(toKey(graph))}`
      const oldest = 'e.created_at, e.id'
      looks.push(
        look(
          index.due,
          `${parked(of)} ${isOf} and e.due_at <= utc_timestamp(3) and e.status <> 'pending'`,
          'e.due_at, e.id',
        ),
      )
      const range = ranges?.get(graph)
      if (range !== undefined)
        looks.push(look(index.unfinished, `e.owner is null and ${unfinished(of)} ${isOf} ${isWithin(range)}`, oldest))
      else looks.push(look(index.toGoOn, `${toGoOn(of)} ${isOf}`, oldest))
      for (const owner of gone)
        looks.push(look(index.unfinished, `e.owner = ${literal(owner)} and ${unfinished(of)} ${isOf}`, oldest))
      for (const key of open.get(place) ?? []) {
        const ofKey = (most: number): string =>
          look(
            index.toBegin,
            `${toBegin(of)} ${isOf} and e.queue_key = ${literal(key)}`,
            'e.urgency, e.created_at, e.id',
            most,
          )
        looks.push(ofKey(quota))
        shares.set(`${place} ${key}`, ofKey)
      }
    }
    const found = await this.#all(session, looks)
    // Of some keys there are fewer than their share: the others have their turns.
    if (count > 1 && found.length < limit && shares.size > 0) {
      const more = await this.#all(
        session,
        [...shares.values()].map((ofKey) => ofKey(spare)),
      )
      const ids = new Set(found.map(({ id }) => id))
      append(
        found,
        more.filter(({ id }) => !ids.has(id)),
      )
    }
    return found
  }

  async #all(session: MysqlSession, looks: readonly string[]): Promise<FoundExecution[]> {
    const found: FoundExecution[] = []
    for (let first = 0; first < looks.length; first += looksPerStatement) {
      const rows = await session.all(looks.slice(first, first + looksPerStatement).join(' union all '))
      append(found, rows.map(candidateOf))
    }
    return found
  }

  /** Lets what is due begin, in portions. */
  async #beginDue(session: MysqlSession, queue: string, graphs: readonly string[]): Promise<void> {
    const rows = await session.all(`select e.id from ${this.#executions} e ${index.later}
      where ${later(queue)} and e.graph in (${listOf(graphs)}) and e.due_at <= utc_timestamp(3) limit ${mostUnparked}`)
    if (rows.length === 0) return
    const ids = rows.map((row) => row['id'] as string).toSorted()
    await session.run(`update ${this.#executions} e force index (primary) set ${endParking}
      where e.id in (${listOf(ids)}) and e.status = 'pending' and e.due_at <= utc_timestamp(3)`)
  }
}

/** A graph, and the key behind which the next one is looked for. */
interface Step {
  readonly graph: string
  readonly after: string | undefined
}

function stepOf(graph: string, after: string | undefined): string {
  return JSON.stringify([graph, after])
}

function candidateOf(row: Row): FoundExecution {
  return {
    id: row['id'] as string,
    key: row['queue_key'] as string,
    priority: row['priority'] as number,
    age: row['created_at'] as string,
    isNew: row['is_new'] === 1,
  }
}

function exceptedOf(except: readonly string[] = []): string {
  return except.length === 0 ? '' : `and e.id not in (${listOf(except.map(toKey))})`
}

/** The conditions of a range; as rows, two columns would not be looked up in an index. */
function isWithin({ after, upTo }: PlaceRange): string {
  return `${after === undefined ? '' : isBeyond(after, '>', '')} ${upTo === undefined ? '' : isBeyond(upTo, '<', '=')}`
}

function isBeyond({ createdAt, id }: ExecutionPlace, sign: '<' | '>', orSame: '' | '='): string {
  const time = literal(toSqlTime(createdAt))
  return `and e.created_at ${sign}= ${time} and (e.created_at ${sign} ${time} or e.id ${sign}${orSame} ${literal(toKey(id))})`
}
