import type { ExecutionQuery, ExecutionRecord } from '../../src/core/contracts/execution-record.ts'
import type { Connection } from './connection.ts'
import { headFields, headRecord } from './head-record.ts'
import { allStatuses, buckets, escapeText, indexPrefix, timeKey, unescapeText } from './layout.ts'
import { idOf, MergedRanges } from './ranges.ts'
import { orElse } from './unreadable.ts'

/** Records of executions, undefined for those that are not there. */
export async function getExecutions(
  connection: Connection,
  ids: readonly string[],
): Promise<(ExecutionRecord | undefined)[]> {
  const { layout, packer } = connection
  const replies = await readHeads(connection, ids)
  return replies.map((reply, index) => headRecord(ids[index]!, layout.execution(ids[index]!), reply, packer))
}

/** Each may be a StoreError of its own. */
function readHeads({ link, layout }: Connection, ids: readonly string[]): Promise<readonly unknown[]> {
  return link.tryAll(ids.map((id) => ({ run: 'hmget', keys: [layout.execution(id)], args: headFields })))
}

/** Executions by creation, the newest first: the heads of all buckets' ranges are merged. */
export async function listExecutions(connection: Connection, query: ExecutionQuery): Promise<ExecutionRecord[]> {
  const { link, layout, packer } = connection
  const { graph, createdFrom, createdBefore, after, limit } = query
  const statuses = [...new Set(query.statuses ?? allStatuses)]
  const ends = [
    ...(createdBefore === undefined ? [] : [timeKey(createdBefore)]),
    ...(after === undefined ? [] : [timeKey(after.createdAt) + escapeText(after.id)]),
  ].sort()
  const ranges = statuses.flatMap((status) => {
    const prefix = graph === undefined ? indexPrefix.status(status) : indexPrefix.graphStatus(graph, status)
    // A time alone is before all ids at that time: exclusive as a lower bound it lets them through.
    const above = createdFrom === undefined ? undefined : timeKey(createdFrom)
    return buckets.map((bucket) => ({ bucket, prefix, above, below: ends[0] }))
  })
  const merged = new MergedRanges(link, layout, ranges, 'descending')
  const found: ExecutionRecord[] = []
  while (found.length < limit) {
    const wanted = limit - found.length
    const entries = await merged.take(wanted)
    const ids = entries.map((entry) => unescapeText(idOf(entry)))
    const heads = await readHeads(connection, ids)
    for (const [index, head] of heads.entries()) {
      const id = ids[index]!
      const record = orElse(undefined, () => headRecord(id, layout.execution(id), head, packer))
      // Between the two reads it may have been deleted, or have come to another status.
      if (record !== undefined && statuses.includes(record.status)) found.push(record)
    }
    if (entries.length < wanted) break
  }
  return found
}
