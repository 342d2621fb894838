import type { ExecutionInfo } from '../durable/records/execution-info.ts'
import { defined, isoOf } from './defined.ts'
import { errorViewOf } from './error-view.ts'
import type { ExecutionRow } from './protocol.ts'

/** One line of the list: no values. */
export function rowOf(info: ExecutionInfo): ExecutionRow {
  return defined<ExecutionRow>({
    id: info.id,
    graph: info.graph,
    target: info.target,
    status: info.status,
    queue: info.queue,
    key: info.key,
    createdAt: info.createdAt.toISOString(),
    startedAt: isoOf(info.startedAt),
    endedAt: isoOf(info.endedAt),
    owner: info.owner,
    error: errorViewOf(info.error),
    parent: info.parent,
    incompatible: info.incompatible,
  })
}
