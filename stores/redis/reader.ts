import { append } from '../../src/core/append.ts'
import type { CountRequest, StatusCounts } from '../../src/core/contracts/execution-count.ts'
import type { ExecutionQuery, ExecutionRecord } from '../../src/core/contracts/execution-record.ts'
import type { ExecutionStatus } from '../../src/core/contracts/statuses.ts'
import type { Connection } from './connection.ts'
import { damaged } from './errors.ts'
import { headsScript, wantedScript } from './reading-scripts.ts'
import { headFields, headRecord } from './head-record.ts'
import { allStatuses, buckets, escapeText, indexPrefix, statusOf, timeKey, unescapeText } from './layout.ts'
import type { Reply } from './link.ts'
import { unpackedLists } from './packed-lists.ts'
import type { Packed } from './packed-lists.ts'
import { defaultQueue } from '../../src/core/contracts/queue-record.ts'
import { idOf, MergedRanges } from './ranges.ts'
import { eachOf } from './script-writes.ts'
import { leaveOut, orElse } from './unreadable.ts'

// A script costs more than a few commands.
const fewIds = 4

/** Records of executions, undefined for those that are not there. */
export async function getExecutions(
  connection: Connection,
  ids: readonly string[],
): Promise<(ExecutionRecord | undefined)[]> {
  const { layout, packer } = connection
  const replies = await readHeads(connection, ids)
  return replies.map((reply, index) => headRecord(ids[index]!, layout.execution(ids[index]!), reply, packer))
}

/** The values of `headFields` of each; or a StoreError of its own. */
export async function readHeads({ link, layout }: Connection, ids: readonly string[]): Promise<readonly Reply[]> {
  const keys = ids.map((id, index) => ({ index, id, key: layout.execution(id) }))
  const heads: Reply[] = []
  const alone: typeof keys = []
  if (ids.length < fewIds) append(alone, keys)
  else {
    const groups = link.groupsOf(keys)
    const replies = await link.tryAll(
      groups.map((group) => ({ run: headsScript, keys: group.map(({ key }) => key), args: [] })),
    )
    for (const [position, group] of groups.entries()) {
      const reply = replies[position]
      const read = reply instanceof Buffer ? (unpackedLists(reply) as readonly Packed[]) : []
      for (const [at, one] of group.entries()) {
        const head = read[at] ?? null
        if (head === null) alone.push(one)
        else heads[one.index] = head
      }
    }
  }
  const rest = await link.tryAll(alone.map(({ key }) => ({ run: 'hmget', keys: [key], args: headFields })))
  for (const [position, { index }] of alone.entries()) heads[index] = rest[position]
  return heads
}

const readAtOnce = 200

/**
 * How many executions there are in each status. Of all, of a graph, or of a queue that is not the default one, the index knows it; of a queue's those of a graph, and of what has come from an
 * execution, or has a key or a code, they are looked through.
 */
export async function countExecutions(connection: Connection, request: CountRequest): Promise<StatusCounts> {
  const { link, layout } = connection
  const { createdFrom, createdBefore, upTo } = request
  const statuses = [...new Set(request.statuses ?? allStatuses)]
  if (!isKnownToIndex(request)) return countOneByOne(connection, request)
  const end = createdBefore === undefined ? Buffer.of(0xff) : Buffer.from(timeKey(createdBefore))
  const calls = statuses.flatMap((status) => {
    const [prefix] = prefixesOf(request, [status]) as [string]
    const from = createdFrom === undefined ? `[${prefix}` : `(${prefix}${timeKey(createdFrom)}`
    const to = Buffer.concat([Buffer.from(`(${prefix}`), end])
    return buckets.map((bucket) => ({ run: 'zlexcount', keys: [layout.index(bucket)], args: [from, to] }))
  })
  const replies = (await link.all(calls)) as readonly number[]
  return Object.fromEntries(
    statuses.map((status, index) => {
      const counts = replies.slice(index * buckets.length, (index + 1) * buckets.length)
      return [
        status,
        Math.min(
          upTo,
          counts.reduce((sum, count) => sum + count, 0),
        ),
      ]
    }),
  )
}

const countedAtOnce = 2_000

/** Looks through them, but reads nothing of them: the server says which are wanted. Where the index has statuses apart, each is looked through as far as it is counted. */
async function countOneByOne(connection: Connection, request: CountRequest): Promise<StatusCounts> {
  const statuses = [...new Set(request.statuses ?? allStatuses)]
  const lists = hasStatusesApart(request) ? statuses.map((status) => [status]) : [statuses]
  const counts = await Promise.all(lists.map((list) => countAmong(connection, request, list)))
  return Object.fromEntries(counts.flatMap((some) => [...some]))
}

async function countAmong(
  connection: Connection,
  request: CountRequest,
  statuses: readonly ExecutionStatus[],
): Promise<ReadonlyMap<ExecutionStatus, number>> {
  const counts = new Map<ExecutionStatus, number>(statuses.map((status) => [status, 0]))
  const merged = rangesOf(connection, request, statuses, 'any')
  for (;;) {
    const ids = (await merged.take(countedAtOnce)).map((entry) => unescapeText(idOf(entry)))
    for (const status of await wantedStatuses(connection, request, ids)) {
      const known = status && counts.get(status)
      if (known !== undefined) counts.set(status!, Math.min(request.upTo, known + 1))
    }
    if (ids.length < countedAtOnce || [...counts.values()].every((count) => count >= request.upTo)) return counts
  }
}

/** The status of each that a request wants; undefined for the others, and for those that are damaged, which are left out. */
async function wantedStatuses(
  { link, layout }: Connection,
  { parent, forkedFrom, graph, queue, key, errorCode }: CountRequest,
  ids: readonly string[],
): Promise<readonly (ExecutionStatus | undefined)[]> {
  const lineage = [
    ...(parent === undefined ? [] : [indexPrefix.child(parent)]),
    ...(forkedFrom === undefined ? [] : [indexPrefix.fork(forkedFrom)]),
    ...(queue === undefined || queue === defaultQueue ? [] : [indexPrefix.queue(queue)]),
    ...(key === undefined || key === '' ? [] : [indexPrefix.key(key)]),
  ]
  const others = [...(queue === defaultQueue ? ['q'] : []), ...(key === '' ? ['k'] : [])]
  const ofGraph = graph === undefined ? '' : `${escapeText(graph)}\0`
  const args = [ofGraph, errorCode === undefined ? '' : escapeText(errorCode), lineage.length, ...lineage, ...others]
  const groups = link.groupsOf(ids.map((id, index) => ({ id, index })))
  const keysOf = (group: (typeof groups)[number]): string[] => group.map(({ id }) => layout.execution(id))
  const replies = await link.all(groups.map((group) => ({ run: wantedScript, keys: keysOf(group), args })))
  const found: (ExecutionStatus | undefined)[] = []
  for (const [position, group] of groups.entries()) {
    const letters = eachOf([...String(replies[position])], group.length)
    for (const [at, { id, index }] of group.entries()) {
      found[index] = statusOf(letters[at]!)
      if (letters[at] === '?') leaveOut(damaged(`the record of execution "${id}"`, layout.execution(id)))
    }
  }
  return found
}

/** Where the executions of a query stand in the index. */
function rangesOf(
  { link, layout }: Connection,
  query: Filters,
  statuses: readonly ExecutionStatus[],
  order: 'descending' | 'any',
): MergedRanges {
  const { createdFrom, createdBefore, after } = query
  const ends = [
    ...(createdBefore === undefined ? [] : [timeKey(createdBefore)]),
    ...(after === undefined ? [] : [timeKey(after.createdAt) + escapeText(after.id)]),
  ].sort()
  const ranges = prefixesOf(query, statuses).flatMap((prefix) => {
    // A time alone is before all ids at that time: exclusive as a lower bound it lets them through.
    const above = createdFrom === undefined ? undefined : timeKey(createdFrom)
    return buckets.map((bucket) => ({ bucket, prefix, above, below: ends[0] }))
  })
  return new MergedRanges(link, (bucket) => layout.index(bucket), ranges, order)
}

/** Executions by creation, the newest first: the heads of all buckets' ranges are merged. */
export async function listExecutions(connection: Connection, query: ExecutionQuery): Promise<ExecutionRecord[]> {
  const { layout, packer } = connection
  const { limit } = query
  const statuses = [...new Set(query.statuses ?? allStatuses)]
  const isFiltered = query.statuses !== undefined && !isKnownToIndex(query)
  const merged = rangesOf(connection, query, statuses, 'descending')
  const found: ExecutionRecord[] = []
  while (found.length < limit) {
    // Of those of a parent, few may be in these statuses; of a status, few in the default queue.
    const wanted = isFiltered ? readAtOnce : limit - found.length
    const entries = await merged.take(wanted)
    const ids = entries.map((entry) => unescapeText(idOf(entry)))
    const heads = await readHeads(connection, ids)
    for (const [index, head] of heads.entries()) {
      const id = ids[index]!
      const record = orElse(undefined, () => headRecord(id, layout.execution(id), head, packer))
      // Between the two reads it may have been deleted, or have come to another status.
      if (record === undefined || !statuses.includes(record.status)) continue
      if (isWanted(query, record)) found.push(record)
    }
    if (entries.length < wanted) break
  }
  return found.slice(0, limit)
}

type Filters = Omit<ExecutionQuery, 'limit'>

/** Whether what a query names is in one index: but for statuses and times nothing, a graph, or a queue that is not the default one. */
function isKnownToIndex(query: Filters): boolean {
  const { graph, queue } = query
  return (
    hasStatusesApart(query) &&
    (queue === undefined || (queue !== defaultQueue && graph === undefined)) &&
    query.key === undefined
  )
}

/** Whether the index in which the executions of a query are found has their statuses apart. */
function hasStatusesApart({ parent, forkedFrom, key, errorCode }: Filters): boolean {
  return (parent ?? forkedFrom ?? errorCode) === undefined && (key ?? '') === ''
}

/** The beginnings of the members by which the executions of a query are found. */
function prefixesOf(
  { parent, forkedFrom, graph, queue, key, errorCode }: Filters,
  statuses: readonly ExecutionStatus[],
): readonly string[] {
  if (parent !== undefined) return [indexPrefix.child(parent)]
  if (forkedFrom !== undefined) return [indexPrefix.fork(forkedFrom)]
  if (key !== undefined && key !== '') return [indexPrefix.key(key)]
  if (errorCode !== undefined) return [indexPrefix.error(errorCode)]
  if (queue !== undefined && queue !== defaultQueue)
    return statuses.map((status) => indexPrefix.queueStatus(queue, status))
  return statuses.map((status) =>
    graph === undefined ? indexPrefix.status(status) : indexPrefix.graphStatus(graph, status),
  )
}

function isWanted({ parent, forkedFrom, graph, queue, key, errorCode }: Filters, record: ExecutionRecord): boolean {
  if (parent !== undefined && record.parent !== parent) return false
  if (forkedFrom !== undefined && record.forkedFrom !== forkedFrom) return false
  if (queue !== undefined && record.queue !== queue) return false
  if (key !== undefined && record.key !== key) return false
  if (errorCode !== undefined && record.errorCode !== errorCode) return false
  return graph === undefined || record.graph === graph
}

/** Ids of executions whose deadlines have come, the earliest deadlines first. */
export async function overdueExecutions(
  { link, layout }: Connection,
  before: number,
  limit: number,
): Promise<readonly string[]> {
  const below = timeKey(before)
  const ranges = buckets.map((bucket) => ({ bucket, prefix: indexPrefix.deadline, below }))
  const merged = new MergedRanges(link, (bucket) => layout.work(bucket), ranges, 'ascending')
  return (await merged.take(limit)).map((entry) => unescapeText(idOf(entry)))
}
