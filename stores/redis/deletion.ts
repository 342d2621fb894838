import { StoreError } from '../../src/core/errors.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import type { ExecutionFence } from '../../src/core/contracts/execution-record.ts'
import type { Connection } from './connection.ts'
import { purgeScript, removeScript } from './deletion-scripts.ts'
import {
  buckets,
  indexPrefix,
  openCodes,
  ownerText,
  parentIn,
  timeKey,
  timeKeyLength,
  timeOf,
  unescapeText,
} from './layout.ts'
import type { Reply } from './link.ts'
import type { OwnersConnection } from './owners.ts'
import { idOf, memberOf, MergedRanges } from './ranges.ts'
import type { IndexEntry } from './ranges.ts'
import { intact, writeAll } from './script-writes.ts'
import type { Write } from './script-writes.ts'
import { orElse } from './unreadable.ts'

const entriesAtOnce = 1_000
const endings: readonly string[] = ['completed', 'failed', 'cancelled']

/** Deletes executions while they are the owner's. */
export async function deleteExecutions(
  { link, layout }: Connection,
  executions: readonly ExecutionFence[],
): Promise<boolean[]> {
  const replies = await link.all(
    executions.map((execution) => ({
      run: removeScript,
      keys: layout.executionKeys(execution.id),
      args: [ownerText(execution.owner), execution.epoch, execution.sequence ?? 0],
    })),
  )
  return replies.map((reply) => reply === 1)
}

/** Deletes executions that ended before a time, those that ended first before others. Whether their owners live is judged before. */
export async function purgeExecutions(
  connection: OwnersConnection,
  { statuses, endedBefore, limit }: Parameters<Store['purge']>[0],
): Promise<number> {
  const { link, layout } = connection
  const ranges = [...new Set(statuses)]
    .filter((status) => endings.includes(status))
    .flatMap((status) =>
      buckets.map((bucket) => ({ bucket, prefix: indexPrefix.ended(status), below: timeKey(endedBefore) })),
    )
  const merged = new MergedRanges(link, (bucket) => layout.index(bucket), ranges, 'ascending')
  const underWay: Promise<void>[] = []
  let purged = 0
  // Not purged yet, of the limit, and not on their way.
  let left = limit
  const purgeSome = async (entries: readonly IndexEntry[]): Promise<void> => {
    const count = await purgeEntries(connection, entries)
    purged += count
    left += entries.length - count
  }
  while (left > 0 || underWay.length > 0) {
    const wanted = Math.min(left, entriesAtOnce)
    if (wanted > 0) {
      const entries = await merged.take(wanted)
      left -= entries.length
      const purging = purgeSome(entries)
      purging.catch(() => {}) // It is awaited below, or not at all where another one has failed.
      underWay.push(purging)
      if (entries.length < wanted) break
    }
    // The server deletes some while the next ones are looked up and put together here.
    if (left <= 0 || underWay.length > 1) await underWay.shift()
  }
  await Promise.all(underWay)
  return purged
}

/** What is to be purged, and what was judged of it before. */
interface Judged {
  readonly entry: IndexEntry
  /** Its owner, as it stands in hashes: '' for nobody. */
  readonly owner: string
  /** '' for one that has no parent. */
  readonly lineage: string
}

/** Leaves out children whose parents may still wait for them. What a parent has taken it has: nothing changes that while this is judged. */
async function withoutAwaited({ link, layout }: Connection, found: readonly Judged[]): Promise<readonly Judged[]> {
  const parents = found.map(({ lineage }) => parentIn(lineage))
  const ids = [...new Set(parents.filter((id) => id !== undefined))]
  if (ids.length === 0) return found
  const calls = ids.map((id) => ({ run: 'hmget', keys: [layout.execution(id)], args: ['s', 'k'] }))
  const replies = await link.tryAll(calls)
  const known = new Map(ids.map((id, index) => [id, replies[index]!]))
  return found.filter(({ entry: { place } }, index) => {
    const parent = parents[index]
    if (parent === undefined) return true
    const fields = textsOf(known.get(parent))
    // Of a parent that can't be read nobody knows whether it waits.
    if (fields === undefined) return false
    const [status, parkedAt] = fields
    if (status === undefined || !openCodes.includes(status)) return true
    return parkedAt !== undefined && Number(parkedAt) > timeOf(place.slice(0, timeKeyLength))
  })
}

/** Fields that were read; undefined where there is something else under the key. @throws StoreError that may pass */
function textsOf(reply: Reply): readonly (string | undefined)[] | undefined {
  if (reply instanceof StoreError && reply.isTransient) throw reply
  return Array.isArray(reply) ? reply.map((field: Buffer | null) => field?.toString()) : undefined
}

async function purgeEntries(connection: OwnersConnection, found: readonly IndexEntry[]): Promise<number> {
  // A script takes out of an index at once what is next to each other here.
  const entries = found.toSorted((one, other) => one.range.bucket - other.range.bucket)
  // Mostly they have no owner any more, and no parent.
  const first = await purgeEach(
    connection,
    entries.map((entry) => ({ entry, owner: '', lineage: '' })),
  )
  const others = first.flatMap((reply, index): Judged[] => {
    if (!Array.isArray(reply)) return []
    const [owner, lineage] = (reply as readonly Buffer[]).map(String)
    return [{ entry: entries[index]!, owner: owner!, lineage: lineage! }]
  })
  const dead = await connection.owners.deadOf(new Set(others.flatMap(({ owner }) => (owner === '' ? [] : [owner]))))
  const unowned = others.filter(({ owner }) => owner === '' || dead.has(owner))
  const then = await purgeEach(connection, await withoutAwaited(connection, unowned))
  return [...first, ...then].filter((reply) => reply === 1).length
}

/** What became of each, by what was judged of it; one that is damaged is left out. @throws StoreError */
async function purgeEach({ link, layout }: Connection, judged: readonly Judged[]): Promise<readonly Reply[]> {
  const writes = judged.map(({ entry, owner, lineage }, index): Write => {
    const id = unescapeText(idOf(entry))
    const member = memberOf(entry)
    const list = [member[1]!, entry.place.slice(0, timeKeyLength), member, owner, lineage]
    return { index, id, keys: layout.executionKeys(id), list }
  })
  const replies = await writeAll(link, layout.hints, [{ run: purgeScript, writes }])
  return replies.map((reply, index) => orElse(undefined, () => intact(reply, writes[index]!.id, layout)))
}
