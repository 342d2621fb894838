import { append } from '../../src/core/append.ts'
import type {
  AcquiredExecution,
  AcquireRequest,
  ExecutionPlace,
  PlaceRange,
} from '../../src/core/contracts/execution-record.ts'
import { freeAtAfter, inTurn, roomWithin, unlimitedRoom } from '../../src/core/contracts/queue-order.ts'
import type { Candidate, QueueRoom } from '../../src/core/contracts/queue-order.ts'
import { defaultQueue } from '../../src/core/contracts/queue-record.ts'
import type { QueueLimits } from '../../src/core/contracts/queue-record.ts'
import { limitsOf, queueStateOf } from '../../src/core/contracts/queue-state.ts'
import { isOpenStatus } from '../../src/core/contracts/statuses.ts'
import type { Cell, Row } from '../sql/cells.ts'
import { namesOf } from '../sql/dialect.ts'
import { fromName, toName } from '../sql/names.ts'
import { partialPlaces } from '../sql/queue-places.ts'
import { executionOf, readable } from '../sql/reader.ts'
import type { Answer } from '../sql/dialect.ts'
import { endParking, executionColumns, isRunnable } from '../sql/tables.ts'
import { toSqlTime } from '../sql/times.ts'
import type { SqliteConnection } from './connection.ts'
import type { SqliteOwners } from './owners.ts'
import { storeName } from './errors.ts'

// A transaction holds up the event loop while it lasts, and whoever else writes to the file.
const perTransaction = 100
// What becomes due at the same moment is made ready in portions.
const mostUnparked = 1_000
// SQLite's planner would go through all that are unfinished, by the index of statuses.
export const places = partialPlaces((name) => `indexed by ${name}`)
const { index } = places
const executions = 'docket_executions e'
const nextOwner = `select e.owner from ${executions} ${index.unfinished}
  where ${isRunnable('e')} and e.owner > ? order by e.owner limit 1`
const candidate = 'select e.id, e.owner, e.last_sequence, e.status, e.created_at, e.priority, e.queue_key'
const notExcepted = 'e.id not in (select value from json_each(?))'
const oldest = (at: string, condition: string): string => `${candidate} from ${executions} ${at}
  where ${condition} and e.graph = ? and ${notExcepted} order by e.created_at, e.id limit ?`
// Every time is between these.
const [beforeAll, afterAll] = ['', '~']
const ofOwner = oldest(index.unfinished, `e.owner = ? and ${places.unfinished('?')}`)
const within = oldest(
  index.unfinished,
  `e.owner is null and (e.created_at, e.id) > (?, ?) and (e.created_at, e.id) <= (?, ?) and ${places.unfinished('?')}`,
)
const toGoOn = oldest(index.toGoOn, places.toGoOn('?'))
const hasNamelessOwner = `select 1 from ${executions} ${index.unfinished} where ${isRunnable('e')} and e.owner = '' limit 1`
const due = `${candidate} from ${executions} ${index.due}
  where ${places.parked('?')} and e.due_at is not null and e.due_at <= ? and e.status <> 'pending' and e.graph = ? and ${notExcepted}
  order by e.due_at, e.id limit ?`
const later = `select e.id from ${executions} ${index.later} where ${places.later('?')} and e.due_at <= ? and e.graph = ?
  order by e.due_at limit ${mostUnparked}`
const unpark = `update docket_executions set ${endParking} where id in (${later})`
const nextKey = `select e.queue_key from ${executions} ${index.toBegin}
  where ${places.toBegin('?')} and e.graph = ? and e.queue_key > ? and ${notExcepted} order by e.queue_key limit 1`
const hasKeyless = `select 1 from ${executions} ${index.toBegin}
  where ${places.toBegin('?')} and e.graph = ? and e.queue_key = '' and ${notExcepted} limit 1`
const ofKey = `${candidate} from ${executions} ${index.toBegin}
  where ${places.toBegin('?')} and e.graph = ? and e.queue_key = ? and ${notExcepted}
  order by e.priority desc, e.created_at, e.id limit ?`
const take = `update docket_executions set owner = ?, epoch = epoch + 1, last_sequence = ?, recoveries = recoveries + ?, ${endParking}
  where id = ? returning ${namesOf(executionColumns)}`
const byId = `${candidate} from ${executions} where e.id in (select value from json_each(?)) and ${notExcepted}`
const restriction = 'select state, free_at from docket_queues where queue = ? and is_restricted = 1'
const runningOf = `select e.queue_key, count(*) as many from ${executions} ${index.unfinished}
  where e.owner = ? and ${places.unfinished('?')} and (? or e.id in (select value from json_each(?))) group by e.queue_key`
const startedAt = 'update docket_queues set free_at = ? where queue = ?'

/** What `acquire` asks the database for; a test asks it how it would find the answers. */
export const acquireQueries: readonly string[] = [
  nextOwner,
  ofOwner,
  within,
  toGoOn,
  due,
  later,
  nextKey,
  hasKeyless,
  ofKey,
]

type Found = Candidate & { readonly row: Row }

/** What a queue's limits leave, and how the rate stands. */
interface Restriction {
  readonly room: QueueRoom
  readonly limits: QueueLimits
  readonly freeAt: number
}

/** Makes the caller the owner of what has no living one. */
export class SqliteAcquirer {
  readonly #connection: SqliteConnection
  readonly #owners: SqliteOwners

  constructor(connection: SqliteConnection, owners: SqliteOwners) {
    this.#connection = connection
    this.#owners = owners
  }

  async acquire(request: AcquireRequest): Promise<readonly AcquiredExecution[]> {
    // Nothing can be had before the caller's transaction ends; whoever looks for work looks again.
    if (request.ids === undefined && this.#connection.isTaken) return []
    if (request.ids !== undefined) return (await this.#acquireNamed(request)).map(acquiredOf)
    const rows: Row[] = []
    let { behindKey } = request
    for (;;) {
      const limit = Math.min(perTransaction, request.limit - rows.length)
      const some = { ...request, ...this.#restOf(request, rows), behindKey, limit }
      const taken = await this.#acquireMore(some, rows.length > 0)
      append(rows, taken)
      behindKey = lastKeyOf(taken) ?? behindKey
      if (taken.length < limit || rows.length >= request.limit) return readable(rows, acquiredOf)
    }
  }

  /** What was taken already must not be lost for what can't be. */
  async #acquireMore(request: AcquireRequest, hasSome: boolean): Promise<readonly Row[]> {
    try {
      return await this.#acquireReady(request)
    } catch (error) {
      if (hasSome) return []
      throw error
    }
  }

  /** What was taken already is the caller's own now. */
  #restOf({ andOwn, except }: AcquireRequest, rows: readonly Row[]): Pick<AcquireRequest, 'except'> {
    return andOwn === true ? { except: [...(except ?? []), ...rows.map((row) => fromName(row['id'] as string))] } : {}
  }

  #acquireNamed(request: AcquireRequest): Answer<readonly Row[]> {
    const { ids, andEnded, except, limit } = request
    return this.#connection.transaction(() =>
      this.#connection
        .all(byId, JSON.stringify(ids!.map(toName)), exceptedOf(except))
        .filter(
          (row) =>
            (andEnded === true || isOpen(row)) &&
            (row['owner'] === null || (this.#isFree(row['owner'] as string, request) && !isLate(row, request))),
        )
        .sort(oldestFirst)
        .slice(0, limit)
        .map((row) => this.#take(row, request)),
    )
  }

  #acquireReady(request: AcquireRequest): Answer<readonly Row[]> {
    const queue = toName(request.queue ?? defaultQueue)
    return this.#connection.transaction(() => {
      const restriction = this.#restrictionOf(queue, request)
      if (restriction === undefined) return []
      const { room, limits, freeAt } = restriction
      const behindKey = request.behindKey === undefined ? undefined : toName(request.behindKey)
      const found = room.total < 1 ? [] : this.#candidates({ ...request, behindKey }, queue, room)
      const chosen = inTurn(found, behindKey, room)
      const begun = chosen.filter(({ isNew }) => isNew).length
      if (limits.rate !== undefined && begun > 0)
        this.#connection.run(startedAt, freeAtAfter(limits.rate, freeAt, this.#owners.time(), begun), queue)
      return chosen.map(({ row }) => this.#take(row, request))
    })
  }

  /** Undefined where nothing of the queue may be acquired. */
  #restrictionOf(queue: string, request: AcquireRequest): Restriction | undefined {
    const row = this.#connection.first(restriction, queue)
    const { limit } = request
    if (row === undefined) return { room: unlimitedRoom(limit), limits: {}, freeAt: 0 }
    const state = queueStateOf(queue, row['state'] as string)
    if (state.pausedAt !== undefined) return undefined
    const limits = limitsOf(state)
    const freeAt = row['free_at'] as number
    const running = limits.concurrency === undefined ? new Map<string, number>() : this.#running(queue, request)
    return { room: roomWithin(limits, running, { limit, freeAt, now: this.#owners.time() }), limits, freeAt }
  }

  /** How many executions of a queue living owners have, by key; without what the caller is given again, since it has it by an answer that was lost. */
  #running(queue: string, { owner: own, andOwn, except }: AcquireRequest): ReadonlyMap<string, number> {
    const running = new Map<string, number>()
    for (const owner of this.#lastOwners()) {
      if (!this.#owners.isAlive(owner)) continue
      const areAll = andOwn !== true || owner !== toName(own)
      for (const row of this.#connection.all(runningOf, owner, queue, areAll ? 1 : 0, exceptedOf(except))) {
        const key = row['queue_key'] as string
        running.set(key, (running.get(key) ?? 0) + (row['many'] as number))
      }
    }
    return running
  }

  #take(row: Row, { owner: own, sequence = 0 }: AcquireRequest): Row {
    const owner = toName(own)
    const last = row['owner']
    const wasLost = last !== null && last !== owner && isOpen(row)
    const taken = this.#connection.first(take, owner, sequence, wasLost ? 1 : 0, row['id'] as string)
    return { ...taken!, was_lost: wasLost, was_new: isNew(row) }
  }

  #isFree(last: string, { owner, andOwn }: AcquireRequest): boolean {
    return last === toName(owner) ? andOwn === true : !this.#owners.isAlive(last)
  }

  #candidates(request: AcquireRequest, queue: string, room: QueueRoom): Found[] {
    const { graphs, except, ranges, limit, behindKey } = request
    const excepted = exceptedOf(except)
    const found: Row[] = []
    const names = [...new Set(graphs)].map((graph) => ({ graph: toName(graph), range: ranges?.get(graph) }))
    const now = toSqlTime(this.#owners.time())
    const look = (text: string, ...cells: readonly Cell[]): void =>
      append(found, this.#connection.all(text, ...cells, excepted, limit))
    for (const { graph, range } of names) {
      if (this.#connection.first(later, queue, now, graph) !== undefined)
        this.#connection.run(unpark, queue, now, graph)
      look(due, queue, now, graph)
      if (range !== undefined) look(within, ...boundsOf(range), queue, graph)
      else {
        look(toGoOn, queue, graph)
        append(found, this.#ofEachKey({ queue, graph, excepted, limit, behindKey, room }))
      }
    }
    for (const last of this.#lastOwners())
      if (this.#isFree(last, request)) for (const { graph } of names) look(ofOwner, last, queue, graph)
    return found.filter((row) => !isLate(row, request)).map(candidateOf)
  }

  /** What is still to begin of so many keys as may be acquired, from the one behind the last on. A key of which everything is excepted is none of them. */
  #ofEachKey({
    queue,
    graph,
    excepted,
    limit,
    behindKey,
    room,
  }: {
    readonly queue: string
    readonly graph: string
    readonly excepted: string
    readonly limit: number
    readonly behindKey: string | undefined
    readonly room: QueueRoom
  }): readonly Row[] {
    const keys = this.#keysFrom(queue, graph, behindKey, { excepted, limit, room })
    const quota = Math.ceil(limit / Math.max(1, keys.length))
    const of = (key: string, count: number): readonly Row[] =>
      this.#connection.all(ofKey, queue, graph, key, excepted, Math.min(count, room.ofKey(key)))
    const lanes = keys.map((key) => ({ key, rows: of(key, quota) }))
    const count = lanes.reduce((sum, { rows }) => sum + rows.length, 0)
    // Of some there are fewer: the others have their turns.
    const isShort = count < limit && keys.length > 1
    return lanes.flatMap(({ key, rows }) => (isShort && rows.length === quota ? of(key, limit) : rows))
  }

  #keysFrom(
    queue: string,
    graph: string,
    behindKey: string | undefined,
    { excepted, limit, room }: { readonly excepted: string; readonly limit: number; readonly room: QueueRoom },
  ): readonly string[] {
    const keys: string[] = []
    const walk = (from: string, to: string | undefined): void => {
      for (let last = from; keys.length < limit;) {
        const row = this.#connection.first(nextKey, queue, graph, last, excepted)
        if (row === undefined) return
        last = row['queue_key'] as string
        if (to !== undefined && last > to) return
        if (room.ofKey(last) > 0) keys.push(last)
      }
    }
    if (behindKey !== undefined) walk(behindKey, undefined)
    const isKeylessThere = (): boolean => this.#connection.first(hasKeyless, queue, graph, excepted) !== undefined
    if (keys.length < limit && room.ofKey('') > 0 && isKeylessThere()) keys.push('')
    walk('', behindKey)
    return keys
  }

  /** The owners of unfinished executions: one look at the index for each, however many they have. */
  #lastOwners(): readonly string[] {
    const owners: string[] = []
    let row = this.#connection.first(nextOwner, '')
    // An owner may be called the empty text.
    if (this.#connection.first(hasNamelessOwner)) owners.push('')
    for (; row !== undefined; row = this.#connection.first(nextOwner, owners.at(-1)!))
      owners.push(row['owner'] as string)
    return owners
  }
}

/** Of what was taken to begin, the key of the last one. */
function lastKeyOf(rows: readonly Row[]): string | undefined {
  const last = rows.findLast((row) => row['was_new'] === true)
  return last === undefined ? undefined : fromName(last['queue_key'] as string)
}

function candidateOf(row: Row): Found {
  return {
    id: row['id'] as string,
    key: row['queue_key'] as string,
    priority: row['priority'] as number,
    age: row['created_at'] as string,
    isNew: isNew(row),
    row,
  }
}

/** Whether it is still to begin, and nobody's. */
function isNew(row: Row): boolean {
  return row['status'] === 'pending' && row['owner'] === null
}

function exceptedOf(except: readonly string[] | undefined): string {
  return JSON.stringify((except ?? []).map(toName))
}

function boundsOf({ after, upTo }: PlaceRange): readonly Cell[] {
  return [
    ...(after === undefined ? [beforeAll, ''] : cellsOf(after)),
    ...(upTo === undefined ? [afterAll, ''] : cellsOf(upTo)),
  ]
}

function cellsOf({ createdAt, id }: ExecutionPlace): Cell[] {
  return [toSqlTime(createdAt), toName(id)]
}

function acquiredOf(row: Row): AcquiredExecution {
  return { execution: executionOf(row, storeName), wasLost: row['was_lost'] === true }
}

/** Whether the caller has it, and has written there what it sent later than this. */
function isLate(row: Row, { owner, sequence = 0 }: AcquireRequest): boolean {
  return row['owner'] === toName(owner) && (row['last_sequence'] as number) > sequence
}

function isOpen(row: Row): boolean {
  return isOpenStatus(row['status'] as string)
}

function oldestFirst(one: Row, other: Row): number {
  const [first, second] = [one, other].map((row) => `${String(row['created_at'])} ${String(row['id'])}`)
  return first! < second! ? -1 : first! > second! ? 1 : 0
}
