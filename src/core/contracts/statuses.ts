/** The states of an execution; the machine's, by a test. */
export type ExecutionStatus = 'pending' | 'running' | 'waiting' | 'compensating' | 'completed' | 'failed' | 'cancelled'

/** All statuses of an execution. */
export const executionStatuses: readonly ExecutionStatus[] = [
  'pending',
  'running',
  'waiting',
  'compensating',
  'completed',
  'failed',
  'cancelled',
]

/** The states of a step; the machine's, by a test. */
export type StepStatus =
  | 'pending'
  | 'claiming'
  | 'running'
  | 'retrying'
  | 'queued'
  | 'waiting'
  | 'completed'
  | 'cached'
  | 'failed'
  | 'cancelled'
  | 'skipped'

/** All statuses of a step. */
export const stepStatuses: readonly StepStatus[] = [
  'pending',
  'claiming',
  'running',
  'retrying',
  'queued',
  'waiting',
  'completed',
  'cached',
  'failed',
  'cancelled',
  'skipped',
]

/** Whether an execution has ended, however it did. */
export function isTerminal(status: ExecutionStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}

/** Whether an execution is known not to have ended: one whose status this version does not know may have. */
export function isOpenStatus(status: string): boolean {
  return (executionStatuses as readonly string[]).includes(status) && !isTerminal(status as ExecutionStatus)
}

/** Whether a step has ended, however it did. */
export function isTerminalStep(status: StepStatus | 'unknown'): boolean {
  return !['pending', 'claiming', 'running', 'retrying', 'queued', 'waiting', 'unknown'].includes(status)
}

/** The statuses in which an execution has ended. */
export const endStatuses: readonly ExecutionStatus[] = executionStatuses.filter(isTerminal)

/** The statuses in which it has not. */
export const openStatuses: readonly ExecutionStatus[] = executionStatuses.filter((status) => !isTerminal(status))
