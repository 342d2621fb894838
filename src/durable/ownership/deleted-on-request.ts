import { ExecutionCancelledError } from '../../core/errors.ts'
import { isError } from '../../core/thrown.ts'

/** What the callers of an execution here get while it runs; later ones find that there is none. */
export function deletedOnRequest(executionId: string, graph: string): ExecutionCancelledError {
  return new ExecutionCancelledError(messageOf(executionId), { graph, executionId })
}

/** Whether that is what an execution ends with: it may have been written down since, while it was undone. */
export function isDeletedOnRequest(error: unknown, executionId: string): boolean {
  return isError(error) && error.message === messageOf(executionId)
}

function messageOf(executionId: string): string {
  return `execution "${executionId}" was deleted on request`
}
