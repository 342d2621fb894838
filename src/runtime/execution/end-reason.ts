import { DocketClosedError, ExecutionCancelledError, ExecutionTimeoutError, LeaseLostError } from '../../core/errors.ts'
import { describeThrown } from '../../core/thrown.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import type { StepHost } from './step-host.ts'
import { StepRun } from './step-run.ts'

/** An execution that has ended, and its steps. */
interface EndedExecution extends StepHost {
  /** Whether steps are looked at that never began. */
  readonly keepsRuns: boolean
  readonly runs: (StepRun | undefined)[]
}

/** The status that an execution or a batch ends with. */
export function endStatusOf(event: string): 'completed' | 'cancelled' | 'failed' {
  if (event === 'SUCCEED') return 'completed'
  return event === 'CANCEL' ? 'cancelled' : 'failed'
}

/** What an execution or a batch is ended with from outside. */
export type CancelReason = ExecutionCancelledError | ExecutionTimeoutError | LeaseLostError | DocketClosedError

/** Why steps are stopped that still ran when what they are part of ended: what their signals are aborted with. */
export function endReason(error: unknown, message: string, place: ErrorPlace): CancelReason {
  if (
    error instanceof ExecutionCancelledError ||
    error instanceof ExecutionTimeoutError ||
    error instanceof LeaseLostError ||
    error instanceof DocketClosedError
  )
    return error
  return new ExecutionCancelledError(message, place, { cause: error })
}

/** What an execution ends with whose caller's signal is aborted. */
export function abortError(reason: unknown, place: ErrorPlace, what = 'execution of'): ExecutionCancelledError {
  const message = `the ${what} graph "${place.graph}" was cancelled: ${describeThrown(reason)}`
  return new ExecutionCancelledError(message, place, { cause: reason })
}

/** Ends an execution with what an earlier life of it was to end with. */
export function endWith(
  execution: { cancel(error: CancelReason): void; fail(error: unknown): void },
  error: unknown,
): void {
  if (error instanceof ExecutionCancelledError) execution.cancel(error)
  else execution.fail(error)
}

/** Cancels what has not ended of an execution that has; `error` is what ended it. */
export function cancelRest(execution: EndedExecution, at: number, error: unknown): void {
  const { place, keepsRuns, runs, plan, recorder } = execution
  const what = error === undefined ? 'ended without needing this step' : `failed: ${describeThrown(error)}`
  const reason = endReason(error, `the execution of graph "${place.graph}" ${what}`, place)
  for (let position = 0; position < runs.length; position++) {
    let run = runs[position]
    const hadStarted = run !== undefined
    if (run === undefined) {
      if (!keepsRuns) continue
      run = runs[position] = new StepRun(execution, plan.steps[position]!)
    }
    if (run.hasEnded) continue
    // Where it succeeded, it is written and given up by now.
    if (error !== undefined && run.attempt > 0 && run.persist !== undefined) recorder?.noteCancelled(run, reason)
    run.cancel(reason, at, hadStarted)
  }
}
