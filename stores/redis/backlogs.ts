import { requestedKeys } from '../../src/core/contracts/queue-record.ts'
import type { BacklogRequest, QueueBacklog } from '../../src/core/contracts/queue-record.ts'
import type { Connection } from './connection.ts'
import { buckets, escapeText, timeKey, timeOf, unescapeText } from './layout.ts'
import { errorOfKey, script } from './link.ts'
import type { Owners } from './owners.ts'
import { countUnder, idsUnder, turnsOf } from './queues.ts'

/** Of which hash is read in one go. */
const idsAtOnce = 5_000
/** A script looks for each of them in each graph of some buckets. */
const keysAtOnce = 200

/** What queues have. */
export async function backlogOf(
  connection: Connection,
  owners: Owners,
  requests: readonly BacklogRequest[],
): Promise<QueueBacklog[]> {
  const counted: QueueBacklog[] = []
  // What has begun is read once for all keys of its queue: members don't say which key it has.
  const tallies = new Map<string, TalliesOfQueue>()
  for (const request of requests) {
    const { queue, key, upTo } = request
    if (key === undefined) counted.push(await backlogOfQueue(connection, owners, request))
    else {
      const ofQueue =
        tallies.get(queue) ?? (await talliesOfQueue(connection, owners, queue, requestedKeys(requests, queue)))
      tallies.set(queue, ofQueue)
      counted.push(backlogOfKey(ofQueue, escapeText(key), upTo))
    }
  }
  return counted
}

interface Tally {
  readonly count: number
  readonly overdue: number
  /** When the oldest was created; infinite for none. */
  readonly oldest: number
}

const nothing: Tally = { count: 0, overdue: 0, oldest: Infinity }

type Tallies = Map<string, Tally>

/** What a queue has, by key. */
interface TalliesOfQueue {
  readonly toBegin: Tallies
  readonly toGoOn: Tallies
  readonly running: Tallies
  readonly waiting: Tallies
}

async function talliesOfQueue(
  connection: Connection,
  owners: Owners,
  queue: string,
  keys: readonly string[],
): Promise<TalliesOfQueue> {
  const { place, time, ownedBy } = await ownersIn(owners, queue)
  const tallyOf = async (ids: Promise<readonly string[]>): Promise<Tallies> => {
    const tallies: Tallies = new Map()
    await addTurns(connection, tallies, await ids, time)
    return tallies
  }
  return {
    toBegin: await toBeginOf(connection, place, keys.map(escapeText)),
    toGoOn: await tallyOf(idsUnder(connection, [`v${place}`, ...ownedBy(true)])),
    running: await tallyOf(idsUnder(connection, ownedBy(false))),
    waiting: await parkedOf(connection, place, time),
  }
}

function add(tallies: Tallies, key: string, { count, overdue, oldest }: Tally): void {
  const known = tallies.get(key) ?? nothing
  tallies.set(key, {
    count: known.count + count,
    overdue: known.overdue + overdue,
    oldest: Math.min(known.oldest, oldest),
  })
}

/** Adds executions by their keys, which stand in their hashes. */
async function addTurns(connection: Connection, tallies: Tallies, ids: readonly string[], time: number): Promise<void> {
  for (let from = 0; from < ids.length; from += idsAtOnce)
    for (const { key, dueAt, createdAt } of await turnsOf(connection, ids.slice(from, from + idsAtOnce)))
      add(tallies, key, { count: 1, overdue: dueAt !== undefined && dueAt <= time ? 1 : 0, oldest: createdAt })
}

/** What is parked in a queue: one bucket after the other, as it may be very much. */
async function parkedOf(connection: Connection, place: string, time: number): Promise<Tallies> {
  const { link, layout } = connection
  const prefix = `k${place}`
  const end = Buffer.concat([Buffer.from(`(${prefix}`), Buffer.from([255])])
  const tallies: Tallies = new Map()
  const callFor = (run: string, bucket: number) => ({ run, keys: [layout.work(bucket)], args: [`[${prefix}`, end] })
  const counts = await link.all(buckets.map((bucket) => callFor('zlexcount', bucket)))
  for (const bucket of buckets) {
    if (counts[bucket] === 0) continue
    const call = callFor('zrangebylex', bucket)
    const members = (await link.one(call)) as readonly Buffer[]
    const ids = members.map((member) => unescapeText(member.toString().slice(prefix.length)))
    await addTurns(connection, tallies, ids, time)
  }
  return tallies
}

/** For scripts that look through the graphs of a queue: of each what its members begin with, and the time behind that in its first one. */
const graphsOf = `
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
`

/**
 * KEYS: buckets' work. ARGV: the queue's place in members, then keys. Gives for each key how many are to begin, and the earliest creation among them, or ''. Members have the priority before
 * the time: of each, the first one is looked at.
 */
const toBeginScript = script(`${errorOfKey}${graphsOf}
local found = {}
for n = 2, #ARGV do found[2 * n - 3], found[2 * n - 2] = 0, '' end
for i, work in ipairs(KEYS) do
  local kind = redis.pcall('TYPE', work).ok
  if kind ~= 'none' and kind ~= 'zset' then return errorOfKey({err = 'WRONGTYPE'}, i) end
  for _, graph in ipairs(graphsOf(work, 'n' .. ARGV[1])) do
    for n = 2, #ARGV do
      local prefix = graph[1] .. ARGV[n] .. '\\0'
      local low, last = '[' .. prefix, '(' .. prefix .. '\\255'
      local count = redis.call('ZLEXCOUNT', work, low, last)
      found[2 * n - 3] = found[2 * n - 3] + count
      while count > 0 do
        local member = redis.call('ZRANGEBYLEX', work, low, last, 'LIMIT', 0, 1)[1]
        if not member then break end
        local time = string.sub(member, #prefix + 17, #prefix + 32)
        if found[2 * n - 2] == '' or time < found[2 * n - 2] then found[2 * n - 2] = time end
        low = '(' .. string.sub(member, 1, #prefix + 16) .. '\\255'
      end
    end
  end
end
return found
`)

/** What is to begin, by key (escaped): members have it, so nothing is read of the executions. */
async function toBeginOf({ link, layout }: Connection, place: string, keys: readonly string[]): Promise<Tallies> {
  const tallies: Tallies = new Map()
  for (let from = 0; from < keys.length; from += keysAtOnce) {
    const some = keys.slice(from, from + keysAtOnce)
    const replies = await link.all(
      link.bucketGroupsOf(buckets).map((group) => ({
        run: toBeginScript,
        keys: group.map((bucket) => layout.work(bucket)),
        args: [place, ...some],
      })),
    )
    for (const reply of replies as readonly (readonly unknown[])[])
      for (const [at, key] of some.entries()) {
        const oldest = String(reply[2 * at + 1])
        add(tallies, key, {
          count: Number(reply[2 * at]),
          overdue: 0,
          oldest: oldest === '' ? Infinity : timeOf(oldest),
        })
      }
  }
  return tallies
}

function backlogOfKey({ toBegin, toGoOn, running, waiting }: TalliesOfQueue, key: string, upTo: number): QueueBacklog {
  const tallyOf = (tallies: Tallies): Tally => tallies.get(key) ?? nothing
  const [first, next, parked] = [tallyOf(toBegin), tallyOf(toGoOn), tallyOf(waiting)]
  const oldest = Math.min(first.oldest, next.oldest)
  return {
    ready: Math.min(first.count + next.count, upTo),
    running: Math.min(tallyOf(running).count, upTo),
    waiting: Math.min(parked.count, upTo),
    overdue: Math.min(parked.overdue, upTo),
    oldestReadyAt: oldest === Infinity ? undefined : oldest,
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
const backlogScript = script(`${errorOfKey}${graphsOf}
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
