import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import type { ExecutionStatus } from '../../core/contracts/statuses.ts'
import { dateOf } from './date-of.ts'

/** What is known of a child of an execution: the rest is in `details()` of its own. */
export interface ChildInfo {
  /** The child's id. */
  readonly id: string
  /** The name of its graph. */
  readonly graph: string
  /** The name of its target type. */
  readonly target: string
  /** Where it is in its life. */
  readonly status: ExecutionStatus
  /** When its parent has begun it. */
  readonly createdAt: Date
  /** When it completed, failed or was cancelled. */
  readonly endedAt: Date | undefined
}

export function childInfoOf({ id, graph, target, status, createdAt, endedAt }: ExecutionRecord): ChildInfo {
  return { id, graph, target, status, createdAt: new Date(createdAt), endedAt: dateOf(endedAt) }
}
