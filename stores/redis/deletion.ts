import type { Store } from '../../src/core/contracts/store.ts'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import type { Connection } from './connection.ts'
import { removeScript } from './execution-scripts.ts'
import { buckets, indexPrefix, ownerText, timeKey, timeKeyLength, unescapeText } from './layout.ts'
import type { Owners } from './owners.ts'
import { idOf, MergedRanges } from './ranges.ts'

const endings: readonly string[] = ['completed', 'failed', 'cancelled']

/** Deletes executions while they are the owner's. */
export async function deleteExecutions(
  { link, layout }: Connection,
  executions: readonly Pick<ExecutionCommit, 'id' | 'owner' | 'epoch'>[],
): Promise<boolean[]> {
  const replies = await link.all(
    executions.map((execution) => ({
      run: removeScript,
      keys: layout.executionKeys(execution.id),
      args: ['owner', ownerText(execution.owner), execution.epoch],
    })),
  )
  return replies.map((reply) => reply === 1)
}

/** Deletes executions that ended before a time, those that ended first before others. Whether their owners live is read first. */
export async function purgeExecutions(
  { link, layout }: Connection,
  owners: Owners,
  { statuses, endedBefore, limit }: Parameters<Store['purge']>[0],
): Promise<number> {
  const ranges = [...new Set(statuses)]
    .filter((status) => endings.includes(status))
    .flatMap((status) =>
      buckets.map((bucket) => ({ bucket, prefix: indexPrefix.ended(status), below: timeKey(endedBefore) })),
    )
  const merged = new MergedRanges(link, layout, ranges, 'ascending')
  let purged = 0
  while (purged < limit) {
    const wanted = Math.min(limit - purged, 1_000)
    const entries = await merged.take(wanted)
    const ids = entries.map((entry) => unescapeText(idOf(entry)))
    const heads = await link.tryAll(ids.map((id) => ({ run: 'hget', keys: [layout.execution(id)], args: ['o'] })))
    const last = heads.map((owner) => (owner instanceof Buffer ? owner.toString() : ''))
    const dead = await owners.deadOf(new Set(last.filter((owner) => owner !== '')))
    const replies = await link.all(
      entries.flatMap((entry, index) => {
        const owner = last[index]!
        if (owner !== '' && !dead.has(owner)) return []
        const args = ['ended', entry.member[1]!, entry.place.slice(0, timeKeyLength), entry.member, owner]
        return [{ run: removeScript, keys: layout.executionKeys(ids[index]!), args }]
      }),
    )
    purged += replies.filter((reply) => reply === 1).length
    if (entries.length < wanted) break
  }
  return purged
}
