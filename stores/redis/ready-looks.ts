import { append } from '../../src/core/append.ts'
import type { AcquireRequest } from '../../src/core/contracts/execution-record.ts'
import type { Candidate, QueueRoom } from '../../src/core/contracts/queue-order.ts'
import { defaultQueue } from '../../src/core/contracts/queue-record.ts'
import type { Connection } from './connection.ts'
import { beginDueScript } from './execution-scripts.ts'
import { buckets, escapeText, indexPrefix, timeKey, timeKeyLength, unescapeText } from './layout.ts'
import { errorOfKey, script } from './link.ts'
import { packedLists } from './packed-lists.ts'
import { firstOf, idOf, memberOf, MergedRanges } from './ranges.ts'
import type { IndexEntry } from './ranges.ts'

/** An execution that may be taken if its owner is still this one. */
export interface ReadyCandidate extends Candidate {
  readonly owner: string
  /** The index member that led to it. */
  readonly member: string
}

// What becomes due at the same moment is made ready in portions.
const mostDue = 1_000

/**
 * Keys in buckets' work. KEYS: the work. ARGV: how many keys of each at most, '1' if a key was given, that key, '1' if the first place of each is wanted, then prefixes. Gives a text for
 * each bucket and prefix: the keys behind the one that was given, then the others, each with its first place if that is wanted, with NUL between, which is in none of these.
 */
const keysScript = script(`${errorOfKey}
local most, found = tonumber(ARGV[1]), {}
local withPlaces = ARGV[4] == '1'
local mostTexts = withPlaces and 2 * most or most
local function walk(work, prefix, low, last, keys)
  while #keys < mostTexts do
    local members = redis.pcall('ZRANGEBYLEX', work, low, '(' .. prefix .. '\\255', 'LIMIT', 0, 1)
    if members.err then return members end
    if not members[1] then return end
    local key = string.match(string.sub(members[1], #prefix + 1), '^[^%z]*')
    if last and key > last then return end
    keys[#keys + 1] = key
    if withPlaces then keys[#keys + 1] = string.sub(members[1], #prefix + #key + 2) end
    -- 255 is in no UTF-8 text: it is behind everything of this key.
    low = '(' .. prefix .. key .. '\\0\\255'
  end
end
for i, work in ipairs(KEYS) do
  for n = 5, #ARGV do
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

/** Which keys are looked for: those behind one, then the others. */
interface KeysWanted {
  readonly behindKey: string | undefined
  readonly limit: number
}

/** Keys under some prefixes (escaped), with the buckets that have them, by the prefix. */
export async function keysUnder(
  connection: Connection,
  prefixes: readonly string[],
  wanted: KeysWanted,
): Promise<ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>> {
  const found = new Map(prefixes.map((prefix) => [prefix, new Map<string, number[]>()]))
  for (const { bucket, prefix, texts } of await keysIn(connection, prefixes, wanted, false)) {
    const keys = found.get(prefix)!
    for (const key of texts) {
      const known = keys.get(key)
      if (known === undefined) keys.set(key, [bucket])
      else known.push(bucket)
    }
  }
  return found
}

/** What stands first under each key (escaped) of each prefix in a bucket, by the key. */
async function firstOfKeys(
  connection: Connection,
  prefixes: readonly string[],
  wanted: KeysWanted,
): Promise<ReadonlyMap<string, readonly IndexEntry[]>> {
  const found = new Map<string, IndexEntry[]>()
  for (const { bucket, prefix, texts } of await keysIn(connection, prefixes, wanted, true))
    for (let at = 0; at < texts.length; at += 2) {
      const [key, place] = [texts[at]!, texts[at + 1]!]
      const entry = { range: { bucket, prefix: `${prefix}${key}\0` }, place }
      const known = found.get(key)
      if (known === undefined) found.set(key, [entry])
      else known.push(entry)
    }
  return found
}

async function keysIn(
  { link, layout }: Connection,
  prefixes: readonly string[],
  { behindKey, limit }: KeysWanted,
  withPlaces: boolean,
): Promise<readonly { readonly bucket: number; readonly prefix: string; readonly texts: readonly string[] }[]> {
  if (prefixes.length === 0) return []
  const groups = link.bucketGroupsOf(buckets)
  const behind = behindKey === undefined ? ['', ''] : ['1', escapeText(behindKey)]
  const replies = await link.all(
    groups.map((group) => ({
      run: keysScript,
      keys: group.map((bucket) => layout.work(bucket)),
      args: [limit, ...behind, withPlaces ? '1' : '', ...prefixes],
    })),
  )
  return groups.flatMap((group, index) => {
    const replied = (replies[index] as readonly Buffer[]).map(String)
    return group.flatMap((bucket, place) =>
      prefixes.flatMap((prefix, at) => {
        const text = replied[place * prefixes.length + at]!
        return text === '' ? [] : [{ bucket, prefix, texts: text.slice(1).split('\0') }]
      }),
    )
  })
}

/** What is still to begin, of each key in turn. */
export async function findInTurn(
  connection: Connection,
  { queue = defaultQueue, behindKey, limit }: AcquireRequest,
  {
    graphs,
    except,
    room,
    keysWithoutRoom,
  }: {
    readonly graphs: readonly string[]
    readonly except: ReadonlySet<string>
    readonly room: QueueRoom | undefined
    /** How many there may be at the most. */
    readonly keysWithoutRoom: number
  },
): Promise<readonly ReadyCandidate[]> {
  const { link, layout } = connection
  const prefixes = graphs.map((graph) => indexPrefix.inTurn(queue, graph))
  // The first ones of all are among the first ones of each bucket. Each has something, but for those of which all is left out, or that have no room.
  const wantedKeys = limit + except.size + keysWithoutRoom
  const firsts = await firstOfKeys(connection, prefixes, { behindKey, limit: wantedKeys })
  const behind = behindKey === undefined ? undefined : escapeText(behindKey)
  const isBehind = (key: string): boolean => behind === undefined || key > behind
  const keys = [...firsts.keys()]
    .filter((key) => room === undefined || room.ofKey(key) >= 1)
    .sort((one, other) => Number(isBehind(other)) - Number(isBehind(one)) || (one < other ? -1 : 1))
  const candidates: ReadyCandidate[] = []
  const taken = new Set(except)
  interface Lane {
    readonly key: string
    merged: MergedRanges | undefined
    count: number
  }
  const takeOf = async (lane: Lane, count: number): Promise<void> => {
    const { key } = lane
    const entries = firsts.get(key)!
    const first = lane.count === 0 && count === 1 ? candidateOf(firstOf(entries), key) : undefined
    let some: readonly ReadyCandidate[]
    if (first !== undefined && !taken.has(first.id)) some = [first]
    else {
      const ranges = entries.map(({ range }) => range)
      lane.merged ??= new MergedRanges(link, (bucket) => layout.work(bucket), ranges, 'ascending')
      some = await takeWanted(lane.merged, count, taken, (entry) => candidateOf(entry, key))
    }
    for (const { id } of some) taken.add(id)
    lane.count += some.length
    append(candidates, some)
  }
  const quota = Math.ceil(limit / Math.max(1, Math.min(limit, keys.length)))
  const lanes: Lane[] = []
  // Of some keys nothing is wanted: then the next ones have their turns.
  for (let at = 0; at < keys.length && lanes.length < limit;) {
    const some = keys.slice(at, (at += limit - lanes.length)).map((key): Lane => ({ key, merged: undefined, count: 0 }))
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

function candidateOf(entry: IndexEntry, key: string): ReadyCandidate {
  // Behind the prefix stand priority, time and id.
  const id = unescapeText(idOf(entry).slice(timeKeyLength))
  return { id, owner: '', member: memberOf(entry), key, priority: 0, age: entry.place, isNew: true }
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
