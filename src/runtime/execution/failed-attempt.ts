import { hasCause } from '../../core/thrown.ts'
import type { Claimant, SharedClaim } from '../results/claimant.ts'
import { fallBack } from '../steps/fallback.ts'
import type { FallbackOutcome } from '../steps/fallback.ts'
import { decideRetry } from '../steps/retry-decision.ts'
import { completeMade, endFailed, endFallenBack, endMade } from './step-ending.ts'
import { rememberAttempt } from './past-attempts.ts'
import type { EndingStep } from './step-ending.ts'
import type { StepExtras } from './step-extras.ts'
import { isPromise } from '../../core/own-promise.ts'

/** A step of which an attempt has failed. */
interface FailingStep extends EndingStep {
  waitsSince: number | undefined
  /** The extras, made if need be. */
  readonly more: StepExtras
  /** Begins the next attempt after so long. */
  proceedAfter(ms: number): void
  failed(error: unknown, type: 'FAIL' | 'TIME_OUT', policyError: unknown): void
}

/** Waits for the next attempt, or ends the step where there is none. */
export function retryOrFail(step: FailingStep, error: unknown, timedOut: boolean): void {
  const { execution } = step
  const { emitter } = execution
  const at = execution.clock.now()
  const type = timedOut ? 'TIME_OUT' : 'FAIL'
  emitter?.attemptFailed(step, at, error, timedOut)
  const { spec } = step.planStep
  // What goes on elsewhere, or from its records, is known by the number of its attempt.
  const mayRepeat = spec.kind === 'step' || spec.kind === 'race'
  const decision = decideRetry(spec, error, step.attempt, execution, mayRepeat)
  // The user's own policies have run: they may have ended the execution.
  if (step.hasEnded) return
  if (decision.delayMs === undefined) {
    step.failed(error, type, decision.policyError)
  } else {
    const dueAt = at + decision.delayMs
    const { attempt } = step
    step.change({ type, error, at, dueAt, ...(decision.isRepeated && { attempt: attempt - 1 }) })
    step.waitsSince = at
    rememberAttempt(step, attempt, error, at)
    step.recorder?.noteRetry(step, error)
    emitter?.retryScheduled(step, at, decision.delayMs, attempt)
    if (step.hasEnded) return
    step.proceedAfter(decision.delayMs)
  }
  execution.leave()
}

/** What an earlier attempt brought late is on its way to the store, or there: it holds, whatever becomes of this one; unless it can't be written. */
export function holdOrFail(step: FailingStep, late: Promise<unknown>, error: unknown, timedOut: boolean): void {
  late.then(endMade.bind(undefined, step), () => {
    if (step.hasEnded) step.execution.leave()
    else retryOrFail(step, error, timedOut)
  })
}

/** A step that has failed for good. */
interface FallingBackStep extends EndingStep, Omit<Claimant, 'execution'> {
  readonly execution: EndingStep['execution'] & Claimant['execution']
  readonly claim: SharedClaim<Claimant> | undefined
  /** What an attempt brought, on its way to the store or there. */
  readonly persisting: Promise<unknown> | undefined
}

/** No further attempt will be made: the fallback takes the result's place, or the step has failed. */
export function fallBackOrFail(
  step: FallingBackStep,
  cause: unknown,
  type: 'FAIL' | 'TIME_OUT',
  policyError: unknown,
  attempts: number,
): void {
  step.claim?.fail(step, cause)
  if (step.hasEnded) return
  const { fallback } = step.planStep.spec
  if (fallback === undefined || hasCause(cause, 'EXECUTION_ABORTED')) {
    endFailed(step, cause, type, policyError, attempts)
    return
  }
  const settle = (outcome: FallbackOutcome): void => {
    if (step.hasEnded) return
    // What an attempt brought while the fallback took its time holds.
    if (step.persisting !== undefined) step.persisting.then(completeMade.bind(undefined, step), () => settle(outcome))
    else if (outcome.hasFailed) endFailed(step, cause, type, outcome.policyError, attempts)
    else endFallenBack(step, cause, type, outcome.value)
  }
  const begin = (): void => {
    const outcome = fallBack(step, cause)
    if (isPromise(outcome)) void outcome.then(settle)
    else settle(outcome)
  }
  const isHeld = typeof fallback.value !== 'function' || (step.execution.recorder?.mayBegin() ?? true)
  if (isHeld === true) begin()
  else if (isHeld !== false) void isHeld.then((isStillHeld) => isStillHeld && !step.hasEnded && begin())
}
