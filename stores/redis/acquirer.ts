import { StoreError } from '../../src/core/errors.ts'
import type {
  AcquiredExecution,
  AcquireRequest,
  ExecutionPlace,
  PlaceRange,
} from '../../src/core/contracts/execution-record.ts'
import type { Connection } from './connection.ts'
import { replyError, storeError } from './errors.ts'
import { takeScript } from './execution-scripts.ts'
import { headRecord } from './head-record.ts'
import { buckets, escapeText, indexPrefix, openCodes, ownerText, timeKey, unescapeText } from './layout.ts'
import type { Reply } from './link.ts'
import type { Owners } from './owners.ts'
import { packedLists, unpackedLists } from './packed-lists.ts'
import type { Packed } from './packed-lists.ts'
import { idOf, memberOf, MergedRanges } from './ranges.ts'
import type { IndexRange } from './ranges.ts'
import { readHeads } from './reader.ts'
import { leaveOut, orElse } from './unreadable.ts'

/** An execution that may be taken if its owner is still this one. */
interface Candidate {
  readonly id: string
  readonly owner: string
  /** The index member that led to it, or ''. */
  readonly member: string
}

/**
 * Gives executions to an owner: looks up their owners, finds out which of these are dead, and takes theirs. Each is taken by a script that
 * asks again whether that owner has it (see `owners.ts` for why that is enough).
 */
export async function acquireExecutions(
  connection: Connection,
  owners: Owners,
  request: AcquireRequest,
): Promise<AcquiredExecution[]> {
  if (request.limit <= 0) return []
  const candidates =
    request.ids === undefined
      ? await findByGraphs(connection, owners, request)
      : await findByIds(connection, owners, request, request.ids)
  return take(connection, request, candidates)
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
  const { free } = await freeOwners(owners, new Set(found.map(({ owner }) => owner)), request)
  return found
    .filter(({ owner }) => free.has(owner))
    .sort((one, other) => (one.place < other.place ? -1 : 1))
    .slice(0, request.limit)
}

/** The oldest unfinished executions of nobody and of dead owners; of living ones, nothing is read but their names. */
async function findByGraphs(
  { link, layout }: Connection,
  owners: Owners,
  request: AcquireRequest,
): Promise<Candidate[]> {
  const graphs = [...new Set(request.graphs)]
  if (graphs.length === 0) return []
  const inBucket = await owners.inBuckets()
  const { free, time } = await freeOwners(owners, new Set(inBucket.flat()), request)
  const ranges: IndexRange[] = inBucket.flatMap((present, bucket) =>
    ['', ...present]
      .filter((owner) => free.has(owner))
      .flatMap((owner) =>
        graphs.map((graph) => ({
          bucket,
          prefix: `u${owner}\0${escapeText(graph)}\0`,
          ...(owner === '' && boundsOf(request.ranges?.get(graph))),
        })),
      ),
  )
  // Due times are whole milliseconds: this is behind all of now.
  const below = timeKey(time + 1)
  for (const bucket of buckets)
    for (const graph of graphs) ranges.push({ bucket, prefix: indexPrefix.due(graph), below })
  const merged = new MergedRanges(link, (bucket) => layout.work(bucket), ranges, 'ascending')
  const except = new Set(request.except)
  const found: Candidate[] = []
  while (found.length < request.limit) {
    const wanted = request.limit - found.length
    const entries = await merged.take(wanted)
    for (const entry of entries) {
      const id = unescapeText(idOf(entry))
      const member = memberOf(entry)
      const owner = member.startsWith('d') ? '' : member.slice(1, member.indexOf('\0'))
      if (!except.has(id)) found.push({ id, owner, member })
    }
    if (entries.length < wanted) break
  }
  return found
}

/** Both are exclusive: just behind the last one there is nothing else. */
function boundsOf({ after, upTo }: PlaceRange = {}): Pick<IndexRange, 'above' | 'below'> {
  return { above: after && placeOf(after), below: upTo && `${placeOf(upTo)}\0` }
}

function placeOf({ createdAt, id }: ExecutionPlace): string {
  return timeKey(createdAt) + escapeText(id)
}

/** Owners whose executions the caller may have: nobody, the dead, and itself if it says so. And the time at which that was judged. */
async function freeOwners(
  owners: Owners,
  present: ReadonlySet<string>,
  { owner, andOwn }: AcquireRequest,
): Promise<{ readonly free: ReadonlySet<string>; readonly time: number }> {
  const own = ownerText(owner)
  const { dead, time } = await owners.judge([...present].filter((one) => one !== '' && one !== own))
  return { free: new Set([...dead, '', ...(andOwn === true ? [own] : [])]), time }
}

async function take(
  connection: Connection,
  { owner, andEnded, ids }: AcquireRequest,
  candidates: readonly Candidate[],
): Promise<AcquiredExecution[]> {
  const { layout, packer } = connection
  const ended = ids !== undefined && andEnded === true ? '1' : ''
  const replies = await takeEach(connection, candidates, [ownerText(owner), ended])
  const errors: StoreError[] = []
  const acquired = replies.flatMap((reply, index) => {
    const { id } = candidates[index]!
    if (reply instanceof StoreError) {
      if (!reply.isTransient && ids === undefined) leaveOut(reply)
      else errors.push(reply)
      return []
    }
    if (reply === undefined) return [] // Somebody else was faster.
    const read = () => headRecord(id, layout.execution(id), reply.head, packer)
    const execution = ids === undefined ? orElse(undefined, read) : read()
    return execution === undefined ? [] : [{ execution, wasLost: reply.wasLost }]
  })
  // What was taken must not be lost for those that were not.
  if (acquired.length === 0 && errors.length > 0) throw errors[0]!
  return acquired
}

interface Taken {
  readonly wasLost: boolean
  readonly head: Reply
}

/** What became of each; undefined where somebody else was faster. */
async function takeEach(
  connection: Connection,
  candidates: readonly Candidate[],
  args: readonly string[],
): Promise<readonly (Taken | StoreError | undefined)[]> {
  const { link, layout } = connection
  const groups = link.groupsOf(candidates)
  const replies = await link.tryAll(
    groups.map((group) => ({
      run: takeScript,
      keys: group.flatMap(({ id }) => layout.executionKeys(id)),
      args: [packedLists(group.map((candidate) => [candidate.owner, candidate.member])), ...args],
    })),
  )
  const taken = new Map<Candidate, Taken | StoreError>()
  for (const [position, group] of groups.entries()) {
    const reply = replies[position]
    const read = reply instanceof Buffer ? (unpackedLists(reply) as readonly Packed[]) : []
    for (const [at, candidate] of group.entries()) {
      const one = reply instanceof StoreError ? reply : takenOf(read[at] ?? null, layout.execution(candidate.id))
      if (one !== undefined) taken.set(candidate, one)
    }
  }
  const headless = candidates.filter((candidate) => isHeadless(taken.get(candidate)))
  const heads = await readHeads(
    connection,
    headless.map(({ id }) => id),
  )
  for (const [index, candidate] of headless.entries())
    taken.set(candidate, { ...(taken.get(candidate) as Taken), head: heads[index] })
  return candidates.map((candidate) => taken.get(candidate))
}

function takenOf(reply: Packed, key: string): Taken | StoreError | undefined {
  if (reply === null) return undefined
  if (reply instanceof Buffer) return storeError(replyError(reply.toString()), key)
  const [lost, ...head] = reply as readonly Packed[]
  return { wasLost: String(lost) === '1', head }
}

/** Whether its head is to be read alone. */
function isHeadless(taken: Taken | StoreError | undefined): boolean {
  return taken !== undefined && !(taken instanceof StoreError) && (taken.head as readonly Packed[]).length === 0
}
