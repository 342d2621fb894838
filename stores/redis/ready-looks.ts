import { append } from '../../src/core/append.ts'
import type { AcquireRequest } from '../../src/core/contracts/execution-record.ts'
import type { Candidate, QueueRoom } from '../../src/core/contracts/queue-order.ts'
import { defaultQueue } from '../../src/core/contracts/queue-record.ts'
import type { Connection } from './connection.ts'
import { beginDueScript } from './execution-scripts.ts'
import { buckets, escapeText, indexPrefix, timeKey, timeKeyLength, unescapeText } from './layout.ts'
import { errorOfKey, script } from './link.ts'
import { packedLists } from './packed-lists.ts'
import { idOf, memberOf, MergedRanges } from './ranges.ts'
import type { IndexEntry, IndexRange } from './ranges.ts'

/** An execution that may be taken if its owner is still this one. */
export interface ReadyCandidate extends Candidate {
  readonly owner: string
  /** The index member that led to it. */
  readonly member: string
}

// What becomes due at the same moment is made ready in portions.
const mostDue = 1_000

/**
 * Keys in buckets' work. KEYS: the work. ARGV: how many keys of each at most, '1' if a key was given, that key, then prefixes. Gives a text for
 * each bucket and prefix: the keys behind the one that was given, then the others, with NUL between, which is in none.
 */
const keysScript = script(`${errorOfKey}
local most, found = tonumber(ARGV[1]), {}
local function walk(work, prefix, low, last, keys)
  while #keys < most do
    local members = redis.pcall('ZRANGEBYLEX', work, low, '(' .. prefix .. '\\255', 'LIMIT', 0, 1)
    if members.err then return members end
    if not members[1] then return end
    local key = string.match(string.sub(members[1], #prefix + 1), '^[^%z]*')
    if last and key > last then return end
    keys[#keys + 1] = key
    -- 255 is in no UTF-8 text: it is behind everything of this key.
    low = '(' .. prefix .. key .. '\\0\\255'
  end
end
for i, work in ipairs(KEYS) do
  for n = 4, #ARGV do
    local prefix, keys = ARGV[n], {}
    local failed
    if ARGV[2] == '1' then
      failed = walk(work, prefix, '(' .. prefix .. ARGV[3] .. '\\0\\255', nil, keys)
      failed = failed or walk(work, prefix, '[' .. prefix, ARGV[3], keys)
    else
      failed = walk(work, prefix, '[' .. prefix, nil, keys)
    end
    if failed then return errorOfKey(failed, i) end
    -- An empty key is one, too.
    found[#found + 1] = #keys == 0 and '' or '=' .. table.concat(keys, '\\0')
  end
end
return found
`)

/** Keys under some prefixes (escaped), with the buckets that have them, by the prefix. */
export async function keysUnder(
  { link, layout }: Connection,
  prefixes: readonly string[],
  { behindKey, limit }: { readonly behindKey: string | undefined; readonly limit: number },
): Promise<ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>> {
  const found = new Map(prefixes.map((prefix) => [prefix, new Map<string, number[]>()]))
  if (prefixes.length === 0) return found
  const groups = link.bucketGroupsOf(buckets)
  const behind = behindKey === undefined ? ['', ''] : ['1', escapeText(behindKey)]
  const replies = await link.all(
    groups.map((group) => ({
      run: keysScript,
      keys: group.map((bucket) => layout.work(bucket)),
      args: [limit, ...behind, ...prefixes],
    })),
  )
  for (const [index, group] of groups.entries()) {
    const texts = (replies[index] as readonly Buffer[]).map(String)
    for (const [place, bucket] of group.entries())
      for (const [at, prefix] of prefixes.entries()) {
        const text = texts[place * prefixes.length + at]!
        if (text === '') continue
        const keys = found.get(prefix)!
        for (const key of text.slice(1).split('\0')) {
          const known = keys.get(key)
          if (known === undefined) keys.set(key, [bucket])
          else known.push(bucket)
        }
      }
  }
  return found
}

/** What is still to begin, of each key in turn. */
export async function findInTurn(
  connection: Connection,
  { queue = defaultQueue, behindKey, limit }: AcquireRequest,
  {
    graphs,
    except,
    room,
  }: {
    readonly graphs: readonly string[]
    readonly except: ReadonlySet<string>
    readonly room: QueueRoom | undefined
  },
): Promise<readonly ReadyCandidate[]> {
  const { link, layout } = connection
  const prefixes = graphs.map((graph) => indexPrefix.inTurn(queue, graph))
  const found = await keysUnder(connection, prefixes, { behindKey, limit: limit + 100 })
  const ranges = new Map<string, IndexRange[]>()
  for (const [prefix, keys] of found)
    for (const [key, inBuckets] of keys) {
      if (room !== undefined && room.ofKey(key) < 1) continue
      const some = ranges.get(key) ?? []
      ranges.set(key, some)
      for (const bucket of inBuckets) some.push({ bucket, prefix: `${prefix}${key}\0` })
    }
  const behind = behindKey === undefined ? undefined : escapeText(behindKey)
  const isBehind = (key: string): boolean => behind === undefined || key > behind
  const keys = [...ranges.keys()].sort(
    (one, other) => Number(isBehind(other)) - Number(isBehind(one)) || (one < other ? -1 : 1),
  )
  const candidates: ReadyCandidate[] = []
  const laneOf = (key: string) => ({
    key,
    merged: new MergedRanges(link, (bucket) => layout.work(bucket), ranges.get(key)!, 'ascending'),
    count: 0,
  })
  const takeOf = async (lane: ReturnType<typeof laneOf>, count: number): Promise<void> => {
    const { key, merged } = lane
    const some = await takeWanted(merged, count, except, (entry) => {
      // Behind the prefix stand priority, time and id.
      const id = unescapeText(idOf(entry).slice(timeKeyLength))
      return { id, owner: '', member: memberOf(entry), key, priority: 0, age: entry.place, isNew: true }
    })
    lane.count += some.length
    append(candidates, some)
  }
  const quota = Math.ceil(limit / Math.max(1, Math.min(limit, keys.length)))
  const lanes: ReturnType<typeof laneOf>[] = []
  // Of some keys nothing is wanted: then the next ones have their turns.
  for (let at = 0; at < keys.length && lanes.length < limit;) {
    const some = keys.slice(at, (at += limit - lanes.length)).map(laneOf)
    await Promise.all(some.map((lane) => takeOf(lane, quota)))
    append(
      lanes,
      some.filter(({ count }) => count > 0),
    )
  }
  // Of some there are fewer: the others have theirs.
  const left = limit - candidates.length
  if (left > 0) await Promise.all(lanes.map((lane) => (lane.count < quota ? undefined : takeOf(lane, left))))
  return candidates
}

/** The next entries that are wanted, up to so many. */
export async function takeWanted(
  merged: MergedRanges,
  limit: number,
  except: ReadonlySet<string>,
  read: (entry: IndexEntry) => ReadyCandidate,
): Promise<ReadyCandidate[]> {
  const found: ReadyCandidate[] = []
  while (found.length < limit) {
    const wanted = limit - found.length
    const entries = await merged.take(wanted)
    for (const entry of entries) {
      const one = read(entry)
      if (!except.has(one.id)) found.push(one)
    }
    if (entries.length < wanted) break
  }
  return found
}

/** Lets what is due begin, in portions. */
export async function beginDue(
  connection: Connection,
  queue: string,
  graphs: readonly string[],
  time: number,
): Promise<void> {
  const { link, layout } = connection
  const below = timeKey(time + 1)
  const ranges = buckets.flatMap((bucket) =>
    graphs.map((graph) => ({ bucket, prefix: indexPrefix.later(queue, graph), below })),
  )
  const merged = new MergedRanges(link, (bucket) => layout.work(bucket), ranges, 'ascending')
  const due = (await merged.take(mostDue)).map((entry) => ({
    id: unescapeText(idOf(entry)),
    member: memberOf(entry),
  }))
  if (due.length === 0) return
  await link.all(
    link.groupsOf(due).map((group) => ({
      run: beginDueScript,
      keys: group.flatMap(({ id }) => layout.executionKeys(id)),
      args: [packedLists(group.map(({ member }) => [member]))],
    })),
  )
}
