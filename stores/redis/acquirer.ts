import { append } from '../../src/core/append.ts'
import type {
  AcquiredExecution,
  AcquireRequest,
  ExecutionPlace,
  PlaceRange,
} from '../../src/core/contracts/execution-record.ts'
import { freeAtAfter, inTurn, roomWithin, unlimitedRoom } from '../../src/core/contracts/queue-order.ts'
import type { QueueRoom } from '../../src/core/contracts/queue-order.ts'
import { defaultQueue } from '../../src/core/contracts/queue-record.ts'
import { isRestricted, limitsOf } from '../../src/core/contracts/queue-state.ts'
import type { Connection } from './connection.ts'
import {
  buckets,
  escapeText,
  indexPrefix,
  openCodes,
  ownerText,
  placeInQueue,
  timeKey,
  unescapeText,
} from './layout.ts'
import type { JudgedBuckets, Owners } from './owners.ts'
import { idOf, memberOf, MergedRanges } from './ranges.ts'
import type { IndexRange } from './ranges.ts'
import { countRunning, readQueue, whileLocked, writeFreeAt } from './queues.ts'
import { beginDue, findInTurn, takeWanted } from './ready-looks.ts'
import type { ReadyHeads } from './ready-heads.ts'
import type { ReadyCandidate } from './ready-looks.ts'
import { withRoom } from './room-of-keys.ts'
import { take, takeExpected } from './taking.ts'
import type { Candidate } from './taking.ts'

// Of what others have taken at the same moment.
const mostTries = 5

/**
 * Gives executions to an owner: looks up their owners, finds out which of these are dead, and takes theirs. Each is taken by a script that
 * asks again whether that owner has it (see `owners.ts` for why that is enough).
 */
export async function acquireExecutions(
  connection: Connection,
  owners: Owners,
  heads: ReadyHeads,
  request: AcquireRequest,
): Promise<AcquiredExecution[]> {
  if (request.limit <= 0) return []
  if (request.ids === undefined) return acquireReady(connection, owners, heads, request)
  return take(connection, request, await findByIds(connection, owners, request, request.ids))
}

async function acquireReady(
  connection: Connection,
  owners: Owners,
  heads: ReadyHeads,
  request: AcquireRequest,
): Promise<AcquiredExecution[]> {
  if ((request.graphs ?? []).length === 0) return []
  const queue = request.queue ?? defaultQueue
  // Within limits, and while it is paused, what is looked for beside is of no use.
  const mayLook = !heads.restricted.has(queue)
  const isForHeads = heads.suits(request)
  const first = mayLook && isForHeads ? await takeExpected(connection, request, heads) : undefined
  if (first !== undefined)
    return (await takeInTurn(connection, owners, request, { heads, ...first, room: undefined })).acquired
  // All are heard, whichever of them fails.
  const [stored, known, judged] = await Promise.all([
    readQueue(connection, queue),
    mayLook && isForHeads ? heads.find(request) : undefined,
    mayLook && !isForHeads ? owners.judgedInBuckets() : undefined,
  ])
  if (stored === undefined || !isRestricted(stored.state)) {
    heads.said.set(queue, stored?.text ?? '')
    if (heads.restricted.delete(queue)) return acquireReady(connection, owners, heads, request)
    return (await takeInTurn(connection, owners, request, { heads, known, judged, room: undefined })).acquired
  }
  heads.restricted.add(queue)
  if (stored.state.pausedAt !== undefined) return []
  const taken = await whileLocked(connection, owners, { queue, owner: request.owner }, (isStill) =>
    takeWithinLimits(connection, owners, { ...request, queue }, isStill),
  )
  return taken ?? []
}

/** While this process has the queue's lock: so nobody else counts what is taken here before it is there. */
async function takeWithinLimits(
  connection: Connection,
  owners: Owners,
  request: AcquireRequest & { readonly queue: string },
  isStill: () => boolean,
): Promise<AcquiredExecution[]> {
  const { queue, limit } = request
  const stored = await readQueue(connection, queue)
  if (stored === undefined || stored.state.pausedAt !== undefined) return []
  const limits = limitsOf(stored.state)
  const judged = await owners.judgedInBuckets()
  const { dead, time: now } = judged
  const living = [...new Set(judged.inBuckets.flat())].filter((owner) => !dead.has(owner))
  const running =
    limits.concurrency === undefined
      ? new Map<string, number>()
      : await countRunning(connection, request, living, limits.concurrency.isPerKey)
  const { freeAt } = stored
  const room = roomWithin(limits, running, { limit, freeAt, now })
  if (room.total < 1) return []
  const reserve = async (begun: number): Promise<boolean> => {
    if (!isStill()) return false
    // What is not taken then has had its turn all the same: never are there more than the rate lets.
    if (limits.rate !== undefined && begun > 0)
      await writeFreeAt(connection, queue, freeAtAfter(limits.rate, freeAt, now, begun))
    return isStill()
  }
  const runningKeys = limits.concurrency?.isPerKey === true ? running.size : undefined
  return (await takeInTurn(connection, owners, request, { judged, room, runningKeys, reserve })).acquired
}

/** Looks, and takes in turn. Where others were faster, looks again. */
async function takeInTurn(
  connection: Connection,
  owners: Owners,
  request: AcquireRequest,
  {
    heads,
    known,
    taken,
    judged,
    room,
    runningKeys,
    reserve,
  }: {
    /** What is known of the first ones. @default nothing, as limits need more */
    readonly heads?: ReadyHeads
    /** Of these, for the first look. */
    readonly known?: readonly ReadyCandidate[] | undefined
    /** Of these, what has been taken. @default nothing was tried */
    readonly taken?: readonly AcquiredExecution[] | undefined
    /** @default that is read */
    readonly judged?: JudgedBuckets | undefined
    readonly room: QueueRoom | undefined
    /** Where the room is one of each key, how many have something that runs. @default it is not */
    readonly runningKeys?: number | undefined
    /** Is called before so many begin; false where they may not. */
    readonly reserve?: (begun: number) => Promise<boolean>
  },
): Promise<{ readonly acquired: AcquiredExecution[] }> {
  const acquired: AcquiredExecution[] = []
  let { behindKey, except = [] } = request
  for (let tries = 0; ; tries++) {
    const left = request.limit - acquired.length
    const some = { ...request, behindKey, except, limit: left }
    const found = tries === 0 ? known : heads?.suits(some) === true ? await heads.find(some) : undefined
    const looked =
      found ??
      (await findReady(connection, some, {
        judged: judged ?? (await owners.judgedInBuckets()),
        room,
        runningKeys,
      }))
    const behind = behindKey === undefined ? undefined : escapeText(behindKey)
    // Where others are faster, those behind take their places.
    const spare = found === undefined ? 0 : heads!.spare
    const tried = inTurn(looked, behind, room ?? unlimitedRoom(left + spare))
    const chosen = tried.slice(0, left)
    const begun = chosen.filter(({ isNew }) => isNew)
    if (chosen.length === 0 || (reserve !== undefined && !(await reserve(begun.length)))) return { acquired }
    const isTaken = tries === 0 && taken !== undefined
    append(acquired, isTaken ? taken : await take(connection, { ...request, limit: left }, tried, heads))
    // Limits are judged once.
    if (
      acquired.length >= request.limit ||
      acquired.length >= chosen.length ||
      room !== undefined ||
      tries >= mostTries
    )
      return { acquired }
    behindKey = begun.length === 0 ? behindKey : unescapeText(begun.at(-1)!.key)
    except = [...(request.except ?? []), ...acquired.map(({ execution: { id } }) => id)]
  }
}

async function findByIds(
  { link, layout }: Connection,
  owners: Owners,
  { andEnded, ...request }: AcquireRequest,
  ids: readonly string[],
): Promise<Candidate[]> {
  const except = new Set(request.except)
  const wanted = [...new Set(ids)].filter((id) => !except.has(id))
  const replies = await link.all(
    wanted.map((id) => ({ run: 'hmget', keys: [layout.execution(id)], args: ['o', 's', 't'] })),
  )
  const found = replies.flatMap((reply, index) => {
    const [owner, status, place] = (reply as (Buffer | null)[]).map((field) => field?.toString())
    if (owner === undefined || status === undefined || place === undefined) return []
    const isUnfinished = openCodes.includes(status)
    return isUnfinished || andEnded === true ? [{ id: wanted[index]!, owner, place, member: '' }] : []
  })
  const others = new Set(found.map(({ owner }) => owner))
  for (const owner of ['', ownerText(request.owner)]) others.delete(owner)
  const free = freeAmong(await owners.deadOf(others), request)
  return found
    .filter(({ owner }) => free.has(owner))
    .sort((one, other) => (one.place < other.place ? -1 : 1))
    .slice(0, request.limit)
}

/** What may be taken: of living owners, nothing is read but their names. */
async function findReady(
  connection: Connection,
  request: AcquireRequest,
  {
    judged,
    room,
    runningKeys,
  }: {
    readonly judged: JudgedBuckets
    readonly room: QueueRoom | undefined
    readonly runningKeys: number | undefined
  },
): Promise<readonly ReadyCandidate[]> {
  const { link, layout } = connection
  const { queue = defaultQueue, ranges, limit } = request
  const graphs = [...new Set(request.graphs)]
  const { inBuckets, time } = judged
  const free = freeAmong(judged.dead, request)
  // Due times are whole milliseconds: this is behind all of now.
  const below = timeKey(time + 1)
  const begun: IndexRange[] = []
  const byAge: IndexRange[] = []
  for (const bucket of buckets)
    for (const graph of graphs) {
      const range = ranges?.get(graph)
      const bounds = range === undefined ? {} : boundsOf(range)
      begun.push({ bucket, prefix: indexPrefix.due(queue, graph), below })
      begun.push({ bucket, prefix: indexPrefix.later(queue, graph), below })
      begun.push({ bucket, prefix: indexPrefix.toGoOn(queue, graph), ...bounds })
      if (range !== undefined) byAge.push({ bucket, prefix: indexPrefix.toBegin(queue, graph), ...bounds })
      for (const owner of inBuckets[bucket] ?? [])
        if (free.has(owner)) begun.push({ bucket, prefix: `u${owner}\0${placeInQueue(queue, graph)}` })
    }
  const except = new Set(request.except)
  const read = async (some: readonly IndexRange[], isNew: boolean): Promise<ReadyCandidate[]> => {
    if (some.length === 0) return []
    const merged = new MergedRanges(link, (bucket) => layout.work(bucket), some, 'ascending')
    const next = (): Promise<ReadyCandidate[]> =>
      takeWanted(merged, limit, except, (entry) => {
        const id = unescapeText(idOf(entry))
        const member = memberOf(entry)
        const owner = member.startsWith('u') ? member.slice(1, member.indexOf('\0')) : ''
        return { id, owner, member, key: '', priority: 0, age: entry.place, isNew }
      })
    return room === undefined || runningKeys === undefined ? next() : withRoom(connection, next, { room, limit })
  }
  const found = await Promise.all([
    read(begun, false),
    read(byAge, true),
    findInTurn(connection, request, {
      graphs: graphs.filter((graph) => ranges?.has(graph) !== true),
      except,
      room,
      keysWithoutRoom: runningKeys ?? 0,
    }),
  ])
  // What is due, and still to begin, has its turn among the others from now on.
  if (!found[0].some(({ member }) => member.startsWith('a'))) return found.flat()
  await beginDue(connection, queue, graphs, time)
  return findReady(connection, request, { judged, room, runningKeys })
}

/** Both are exclusive: just behind the last one there is nothing else. */
function boundsOf({ after, upTo }: PlaceRange = {}): Pick<IndexRange, 'above' | 'below'> {
  return { above: after && placeOf(after), below: upTo && `${placeOf(upTo)}\0` }
}

function placeOf({ createdAt, id }: ExecutionPlace): string {
  return timeKey(createdAt) + escapeText(id)
}

/** Owners whose executions the caller may have: nobody, the dead, and itself if it says so. */
function freeAmong(dead: ReadonlySet<string>, { owner, andOwn }: AcquireRequest): ReadonlySet<string> {
  const own = ownerText(owner)
  const free = new Set([...dead, ''])
  if (andOwn === true) free.add(own)
  else free.delete(own)
  return free
}
