import type { AcquireRequest } from '../../src/core/contracts/execution-record.ts'
import { changedQueue, isRestricted, queueStateOf, queueStateText } from '../../src/core/contracts/queue-state.ts'
import type { QueueChange, QueueChanged, QueueStanding, QueueState } from '../../src/core/contracts/queue-record.ts'
import { randomUUID } from 'node:crypto'
import type { Connection } from './connection.ts'
import { buckets, escapeText, indexPrefix, ownerText, timeOf, unescapeText } from './layout.ts'
import { errorOfKey, script } from './link.ts'
import type { Owners } from './owners.ts'
import { keysUnder } from './ready-looks.ts'

/** What is kept of a queue. */
interface StoredQueue {
  readonly text: string
  readonly state: QueueState
  /** How its rate stands. */
  readonly freeAt: number
}

/** What holds for a queue; undefined where nothing was ever said. */
export async function readQueue({ link, layout }: Connection, queue: string): Promise<StoredQueue | undefined> {
  const [key] = layout.queueKeys(queue)
  const [text, freeAt] = (await link.one({ run: 'hmget', keys: [key], args: ['s', 'f'] })) as (Buffer | null)[]
  if (text == null) return undefined
  return { text: text.toString(), state: queueStateOf(queue, text.toString()), freeAt: freeAt ? Number(freeAt) : 0 }
}

export async function readQueuesOf(
  connection: Connection,
  queues: readonly string[],
): Promise<(QueueStanding | undefined)[]> {
  return Promise.all(
    queues.map(async (queue) => {
      const stored = await readQueue(connection, queue)
      return stored && { ...stored.state, freeAt: stored.freeAt }
    }),
  )
}

/** KEYS: the queue's state, and the names of those that are restricted. ARGV: the text that is expected, or '' for none, the one that takes its place, the channel for hints, the name, and whether it is to be among the names (SADD or SREM). */
const swapScript = script(`
local text = redis.call('HGET', KEYS[1], 's') or ''
if text ~= ARGV[1] then return 0 end
redis.call(ARGV[5], KEYS[2], ARGV[4])
redis.call('HSET', KEYS[1], 's', ARGV[2])
redis.pcall('PUBLISH', ARGV[3], 'w')
return 1
`)

export async function changeQueuesOf(connection: Connection, changes: readonly QueueChange[]): Promise<QueueChanged[]> {
  const changed: QueueChanged[] = []
  for (const change of changes) changed.push(await changeQueue(connection, change))
  return changed
}

async function changeQueue(connection: Connection, change: QueueChange): Promise<QueueChanged> {
  const { link, layout } = connection
  const [key] = layout.queueKeys(change.queue)
  for (;;) {
    const stored = await readQueue(connection, change.queue)
    const after = changedQueue(stored?.state, change)
    const text = queueStateText(after)
    const keys = [key, layout.queueNames(change.queue)]
    const args = [
      stored?.text ?? '',
      text,
      layout.hints,
      escapeText(change.queue),
      isRestricted(after) ? 'SADD' : 'SREM',
    ]
    if (text === stored?.text || (await link.one({ run: swapScript, keys, args })) === 1)
      return { before: stored?.state, after }
  }
}

export async function writeFreeAt({ link, layout }: Connection, queue: string, freeAt: number): Promise<void> {
  const [key] = layout.queueKeys(queue)
  await link.one({ run: 'hset', keys: [key], args: ['f', freeAt] })
}

// Longer than any look takes: whoever holds the lock for that long takes nothing any more.
const lockMs = 20_000
const longestHoldMs = 8_000
const patienceMs = 2_000
const pauseMs = 10

/** ARGV: the lock as it is expected. */
const unlockScript = script(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`)

/**
 * Works while this process has a queue's lock. The state of a queue lies in one slot, and what it has in all of them: so the lock is taken first. One whose owner has died is
 * broken. Gives undefined where others have it for too long.
 */
export async function whileLocked<T>(
  { link, layout }: Connection,
  owners: Owners,
  { queue, owner }: { readonly queue: string; readonly owner: string },
  work: (isStill: () => boolean) => Promise<T>,
): Promise<T | undefined> {
  const [, key] = layout.queueKeys(queue)
  const own = `${ownerText(owner)}\0${randomUUID()}`
  const since = performance.now()
  for (;;) {
    const begun = performance.now()
    const reply = await link.one({ run: 'set', keys: [key], args: [own, 'NX', 'PX', lockMs] })
    if (reply !== null) {
      try {
        return await work(() => performance.now() - begun < longestHoldMs)
      } finally {
        await link.one({ run: unlockScript, keys: [key], args: [own] })
      }
    }
    const held = (await link.one({ run: 'get', keys: [key], args: [] })) as Buffer | null
    if (held !== null) {
      const text = held.toString()
      const [holder] = text.split('\0')
      if ((await owners.deadOf([holder!])).has(holder!)) {
        await link.one({ run: unlockScript, keys: [key], args: [text] })
        continue
      }
    }
    if (performance.now() - since > patienceMs) return undefined
    await new Promise((resolve) => setTimeout(resolve, pauseMs * (1 + Math.random())))
  }
}

/** KEYS: buckets' work. ARGV: prefixes. Gives how many members each bucket has of them, or with '1' first, the members without the prefixes. */
const ownedScript = script(`${errorOfKey}
local found, sum = {}, 0
for i, work in ipairs(KEYS) do
  for n = 2, #ARGV do
    local prefix = ARGV[n]
    local reply
    if ARGV[1] == '1' then
      reply = redis.pcall('ZRANGEBYLEX', work, '[' .. prefix, '(' .. prefix .. '\\255')
    else
      reply = redis.pcall('ZLEXCOUNT', work, '[' .. prefix, '(' .. prefix .. '\\255')
    end
    if type(reply) == 'table' and reply.err then return errorOfKey(reply, i) end
    if ARGV[1] == '1' then
      for _, member in ipairs(reply) do found[#found + 1] = string.match(string.sub(member, #prefix + 1), '%z(.*)$') end
    else
      sum = sum + reply
    end
  end
end
if ARGV[1] == '1' then return found end
return sum
`)

/**
 * How many executions of a queue some owners (escaped) have, by key if that is wanted; without what the caller is given again, since it has it by an answer that was
 * lost.
 */
export async function countRunning(
  connection: Connection,
  { queue, owner, andOwn, except }: AcquireRequest & { readonly queue: string },
  owners: readonly string[],
  isByKey: boolean,
): Promise<ReadonlyMap<string, number>> {
  const prefixOf = (one: string): string => `u${one}\0${escapeText(queue)}\0`
  const own = ownerText(owner)
  const others = andOwn === true ? owners.filter((one) => one !== own) : owners
  const known = andOwn === true ? await knownOf(connection, [prefixOf(own)], except) : []
  const prefixes = others.map(prefixOf)
  if (!isByKey) return new Map([['', known.length + (await countUnder(connection, prefixes))]])
  const counts = new Map<string, number>()
  for (const { key } of await turnsOf(connection, [...known, ...(await idsUnder(connection, prefixes))]))
    counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}

/** Of what an owner has, what it says that it has. */
async function knownOf(
  connection: Connection,
  prefixes: readonly string[],
  except: readonly string[] = [],
): Promise<readonly string[]> {
  const known = new Set(except)
  return (await idsUnder(connection, prefixes)).filter((id) => known.has(id))
}

/** How many executions are under prefixes of members. */
export async function countUnder({ link, layout }: Connection, prefixes: readonly string[]): Promise<number> {
  if (prefixes.length === 0) return 0
  const replies = await link.all(
    link.bucketGroupsOf(buckets).map((group) => ({
      run: ownedScript,
      keys: group.map((bucket) => layout.work(bucket)),
      args: ['', ...prefixes],
    })),
  )
  return replies.reduce<number>((sum, reply) => sum + Number(reply), 0)
}

/** Ids of executions whose members are `<prefix><graph>\0<time><id>`. */
export async function idsUnder({ link, layout }: Connection, prefixes: readonly string[]): Promise<readonly string[]> {
  if (prefixes.length === 0) return []
  const replies = await link.all(
    link.bucketGroupsOf(buckets).map((group) => ({
      run: ownedScript,
      keys: group.map((bucket) => layout.work(bucket)),
      args: ['1', ...prefixes],
    })),
  )
  return replies.flatMap((reply) =>
    (reply as readonly Buffer[]).map((place) => unescapeText(place.toString().slice(16))),
  )
}

/** The keys of executions (escaped); '' for none, and where there is no execution any more. */
export async function keysOf({ link, layout }: Connection, ids: readonly string[]): Promise<readonly string[]> {
  const replies = await link.all(ids.map((id) => ({ run: 'hmget', keys: [layout.execution(id)], args: ['f'] })))
  return replies.map((reply) => keyOfTurn((reply as (Buffer | null)[])[0]?.toString()))
}

/** The key in what says of an execution when it has its turn. */
function keyOfTurn(turn: string | undefined): string {
  return turn === undefined ? '' : turn.slice(0, turn.indexOf('\0'))
}

/** An execution in a queue. */
export interface Turn {
  /** Escaped. */
  readonly key: string
  readonly dueAt: number | undefined
  readonly createdAt: number
}

/** When these have their turns; nothing of those that are gone. */
export async function turnsOf({ link, layout }: Connection, ids: readonly string[]): Promise<readonly Turn[]> {
  const replies = await link.all(
    ids.map((id) => ({ run: 'hmget', keys: [layout.execution(id)], args: ['f', 'y', 't'] })),
  )
  return replies.flatMap((reply) => {
    const [turn, due, place] = (reply as (Buffer | null)[]).map((field) => field?.toString())
    if (place === undefined) return []
    return [
      {
        key: keyOfTurn(turn),
        dueAt: due === undefined ? undefined : timeOf(due),
        createdAt: timeOf(place.slice(0, 16)),
      },
    ]
  })
}

/** Names of queues that are paused or limited, or have something unfinished. */
export async function queueNamesOf(connection: Connection, owners: Owners, limit: number): Promise<string[]> {
  const { link, layout } = connection
  const owned = [...new Set((await owners.inBuckets()).flat())].map((owner) => `u${owner}\0`)
  const [said, held] = await Promise.all([
    link.all(layout.allQueueNames.map((key) => ({ run: 'smembers', keys: [key], args: [] }))),
    // Queues come first behind these letters, as keys do behind others.
    keysUnder(connection, ['p', 'v', 'k', ...owned], { behindKey: undefined, limit }),
  ])
  const names = [
    ...said.flatMap((reply) => (reply as readonly Buffer[]).map(String)),
    ...[...held.values()].flatMap((queues) => [...queues.keys()]),
  ]
  return [...new Set(names)].slice(0, limit).map(unescapeText)
}

export async function readyKeysOf(
  connection: Connection,
  queue: string,
  after: string | undefined,
  limit: number,
): Promise<string[]> {
  // Graphs of which something is still to begin.
  const graphs = [
    ...(await keysUnder(connection, [`p${escapeText(queue)}\0`], { behindKey: undefined, limit: 10_000 })).values(),
  ]
    .flatMap((keys) => [...keys.keys()])
    .map(unescapeText)
  const prefixes = graphs.map((graph) => indexPrefix.inTurn(queue, graph))
  const found = await keysUnder(connection, prefixes, { behindKey: after, limit })
  const keys = new Set([...found.values()].flatMap((some) => [...some.keys()].map(unescapeText)))
  return [...keys]
    .filter((key) => after === undefined || key > after)
    .sort()
    .slice(0, limit)
}
