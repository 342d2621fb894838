import type { ExecutionCommit } from '../../core/contracts/execution-record.ts'

/** Whether a commit has something that an execution has come to: a step's value, what a verb of a function came to, or what a message led to. */
export function goesOn({
  steps,
  checkpoints = [],
  consumed = [],
}: Pick<ExecutionCommit, 'steps' | 'checkpoints' | 'consumed'>): boolean {
  return consumed.length > 0 || steps.some(isCompleted) || checkpoints.some(isCompleted)
}

function isCompleted({ status }: { readonly status: string }): boolean {
  return status === 'completed'
}
