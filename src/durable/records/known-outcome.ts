import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'

/** Whether an execution has completed: its record stays open while what the losers of its races did is undone. */
export function hasCompleted({ status, output }: Pick<ExecutionRecord, 'status' | 'output'>): boolean {
  return status === 'completed' || (status === 'compensating' && output !== undefined)
}

/** Whether it is known what an execution comes to. */
export function hasOutcome(record: Pick<ExecutionRecord, 'status' | 'output'>): boolean {
  return isTerminal(record.status) || hasCompleted(record)
}
