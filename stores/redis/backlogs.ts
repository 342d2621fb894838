import type { BacklogRequest, QueueBacklog } from '../../src/core/contracts/queue-record.ts'
import type { Connection } from './connection.ts'
import { buckets, escapeText, timeKey, timeOf, unescapeText } from './layout.ts'
import { errorOfKey, script } from './link.ts'
import type { Owners } from './owners.ts'
import { countUnder, idsUnder, turnsOf } from './queues.ts'
import type { Turn } from './queues.ts'

/** What queues have. */
export async function backlogOf(
  connection: Connection,
  owners: Owners,
  requests: readonly BacklogRequest[],
): Promise<QueueBacklog[]> {
  const counted: QueueBacklog[] = []
  // Members don't say which key an execution has: all that a queue has is read, once for all of its keys.
  const turns = new Map<string, TurnsOfQueue>()
  for (const request of requests) {
    const { queue, key, upTo } = request
    if (key === undefined) counted.push(await backlogOfQueue(connection, owners, request))
    else {
      const ofQueue = turns.get(queue) ?? (await turnsOfQueue(connection, owners, queue))
      turns.set(queue, ofQueue)
      counted.push(backlogOfKey(ofQueue, escapeText(key), upTo))
    }
  }
  return counted
}

/** What a queue has, by key. */
interface TurnsOfQueue {
  readonly ready: ReadonlyMap<string, readonly Turn[]>
  readonly running: ReadonlyMap<string, readonly Turn[]>
  readonly waiting: ReadonlyMap<string, readonly Turn[]>
  readonly time: number
}

async function turnsOfQueue(connection: Connection, owners: Owners, queue: string): Promise<TurnsOfQueue> {
  const { place, time, ownedBy } = await ownersIn(owners, queue)
  const byKey = async (ids: Promise<readonly string[]>): Promise<ReadonlyMap<string, readonly Turn[]>> =>
    Map.groupBy(await turnsOf(connection, await ids), ({ key }) => key)
  return {
    ready: await byKey(idsUnder(connection, [`p${place}`, `v${place}`, ...ownedBy(true)])),
    running: await byKey(idsUnder(connection, ownedBy(false))),
    waiting: await byKey(parkedIds(connection, place)),
    time,
  }
}

/** Ids of what is parked in a queue. */
async function parkedIds({ link, layout }: Connection, place: string): Promise<readonly string[]> {
  const prefix = `k${place}`
  const end = Buffer.concat([Buffer.from(`(${prefix}`), Buffer.from([255])])
  const replies = await link.all(
    buckets.map((bucket) => ({ run: 'zrangebylex', keys: [layout.work(bucket)], args: [`[${prefix}`, end] })),
  )
  return replies.flatMap((reply) =>
    (reply as readonly Buffer[]).map((member) => unescapeText(member.toString().slice(prefix.length))),
  )
}

function backlogOfKey({ ready, running, waiting, time }: TurnsOfQueue, key: string, upTo: number): QueueBacklog {
  const first = ready.get(key) ?? []
  const parked = waiting.get(key) ?? []
  const oldest = first.reduce((least, { createdAt }) => Math.min(least, createdAt), Infinity)
  return {
    ready: Math.min(first.length, upTo),
    running: Math.min(running.get(key)?.length ?? 0, upTo),
    waiting: Math.min(parked.length, upTo),
    overdue: Math.min(parked.filter(({ dueAt }) => dueAt !== undefined && dueAt <= time).length, upTo),
    oldestReadyAt: first.length === 0 ? undefined : oldest,
  }
}

/** Where a queue's executions are in members, and the prefixes of those that owners have which are dead, or live. */
async function ownersIn(
  owners: Owners,
  queue: string,
): Promise<{ readonly place: string; readonly time: number; ownedBy(areDead: boolean): readonly string[] }> {
  const present = new Set((await owners.inBuckets()).flat())
  const { dead, time } = await owners.judge([...present])
  const place = `${escapeText(queue)}\0`
  const ownedBy = (areDead: boolean): readonly string[] =>
    [...present].filter((owner) => dead.has(owner) === areDead).map((owner) => `u${owner}\0${place}`)
  return { place, time, ownedBy }
}

/**
 * KEYS: buckets' work. ARGV: the queue's place in members, the time below which things are due. Gives how many are to begin, to go on, parked and due, and the
 * earliest creation among the first two, or ''.
 */
const backlogScript = script(`${errorOfKey}
local function graphsOf(work, prefix)
  local graphs, low = {}, '[' .. prefix
  while true do
    local members = redis.call('ZRANGEBYLEX', work, low, '(' .. prefix .. '\\255', 'LIMIT', 0, 1)
    if not members[1] then return graphs end
    local graph = string.match(string.sub(members[1], #prefix + 1), '^[^%z]*')
    graphs[#graphs + 1] = {prefix .. graph .. '\\0', string.sub(members[1], #prefix + #graph + 2, #prefix + #graph + 17)}
    low = '(' .. prefix .. graph .. '\\0\\255'
  end
end
local begin, goOn, parked, due, oldest = 0, 0, 0, 0, ''
for i, work in ipairs(KEYS) do
  local kind = redis.pcall('TYPE', work).ok
  if kind ~= 'none' and kind ~= 'zset' then return errorOfKey({err = 'WRONGTYPE'}, i) end
  local function count(letter)
    local prefix = letter .. ARGV[1]
    return redis.call('ZLEXCOUNT', work, '[' .. prefix, '(' .. prefix .. '\\255')
  end
  begin, goOn, parked = begin + count('p'), goOn + count('v'), parked + count('k')
  for _, letter in ipairs({'p', 'v'}) do
    for _, graph in ipairs(graphsOf(work, letter .. ARGV[1])) do
      if oldest == '' or graph[2] < oldest then oldest = graph[2] end
    end
  end
  for _, letter in ipairs({'a', 'd'}) do
    for _, graph in ipairs(graphsOf(work, letter .. ARGV[1])) do
      due = due + redis.call('ZLEXCOUNT', work, '[' .. graph[1], '(' .. graph[1] .. ARGV[2])
    end
  end
end
return {begin, goOn, parked, due, oldest}
`)

async function backlogOfQueue(
  connection: Connection,
  owners: Owners,
  { queue, upTo }: BacklogRequest,
): Promise<QueueBacklog> {
  const { link, layout } = connection
  const { place, time, ownedBy } = await ownersIn(owners, queue)
  const replies = await link.all(
    link.bucketGroupsOf(buckets).map((group) => ({
      run: backlogScript,
      keys: group.map((bucket) => layout.work(bucket)),
      args: [place, timeKey(time + 1)],
    })),
  )
  const [begin, goOn, waiting, overdue] = [0, 1, 2, 3].map((at) =>
    replies.reduce<number>((sum, reply) => sum + Number((reply as readonly unknown[])[at]), 0),
  ) as [number, number, number, number]
  const lost = await countUnder(connection, ownedBy(true))
  const times = replies.map((reply) => String((reply as readonly unknown[])[4])).filter((text) => text !== '')
  return {
    ready: Math.min(begin + goOn + lost, upTo),
    running: Math.min(await countUnder(connection, ownedBy(false)), upTo),
    waiting: Math.min(waiting, upTo),
    overdue: Math.min(overdue, upTo),
    oldestReadyAt: times.length === 0 ? undefined : timeOf(times.sort()[0]!),
  }
}
