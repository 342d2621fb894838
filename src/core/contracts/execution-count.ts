import type { ExecutionQuery } from './execution-record.ts'
import type { ExecutionStatus } from './statuses.ts'

/** Which executions to count. */
export interface CountRequest extends Omit<ExecutionQuery, 'after' | 'limit'> {
  /** Counting stops there in each status: so it costs no more the more there are. */
  readonly upTo: number
}

/** How many executions there are in each status; statuses that have none may be left out. A count that has come to `upTo` may be higher. */
export type StatusCounts = Readonly<Partial<Record<ExecutionStatus, number>>>
