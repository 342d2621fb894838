import { describeThrown, ExecutionCancelledError, ExecutionTimeoutError } from '../core/errors.ts'
import type { ErrorPlace } from '../core/errors.ts'

/** Why steps are stopped that still ran when their execution ended: what their signals are aborted with. */
export function endReason(error: unknown, place: ErrorPlace): ExecutionCancelledError | ExecutionTimeoutError {
  if (error instanceof ExecutionCancelledError || error instanceof ExecutionTimeoutError) return error
  const what = error === undefined ? 'ended without needing this step' : `failed: ${describeThrown(error)}`
  return new ExecutionCancelledError(`the execution of graph "${place.graph}" ${what}`, place, { cause: error })
}
