import { ExecutionCancelledError, ExecutionTimeoutError } from '../core/errors.ts'
import type { ErrorPlace } from '../core/errors.ts'

/** Why steps are stopped that still ran when what they are part of ended: what their signals are aborted with. */
export function endReason(
  error: unknown,
  message: string,
  place: ErrorPlace,
): ExecutionCancelledError | ExecutionTimeoutError {
  if (error instanceof ExecutionCancelledError || error instanceof ExecutionTimeoutError) return error
  return new ExecutionCancelledError(message, place, { cause: error })
}
