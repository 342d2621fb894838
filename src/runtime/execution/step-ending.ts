import type { StepEvent } from '../../../machines/index.ts'
import { hasCause } from '../../core/thrown.ts'
import type { SharedClaim, Claimant } from '../results/claimant.ts'
import type { Recorder } from './recorder.ts'
import { decideWhen } from '../steps/condition.ts'
import { skippedErrorOf, stepErrorOf } from './step-failure.ts'
import type { StepHost } from './step-host.ts'
import type { StepState } from './step-state.ts'
import { isPromise } from '../../core/own-promise.ts'

/** A step that comes to its end. */
export interface EndingStep extends StepState {
  readonly execution: StepHost
  /** What keeps the step's result beyond this process's life; undefined where it is not persisted. */
  readonly recorder: Recorder | undefined
  change(event: StepEvent): void
}

/** Ends a step with the value that its attempt has made, unless it has ended meanwhile: the attempt is over. */
export function endMade(step: EndingStep, value: unknown): void {
  completeMade(step, value)
  step.execution.leave()
}

/** The same, of an attempt that was over before. */
export function completeMade(step: EndingStep, value: unknown): void {
  if (step.hasEnded) return
  const { execution } = step
  const at = execution.stepTime()
  step.change({ type: 'SUCCEED', output: value, at })
  const { emitter } = execution
  if (emitter?.isHeard !== true) execution.stepCompleted(step, value)
  else {
    emitter.stepEnded(step, at, 'completed', undefined, false)
    // In a batch it may lead anywhere: to other items, and to the iterable that gives them.
    emitter.justRead = execution.part === undefined ? at : undefined
    execution.stepCompleted(step, value)
    emitter.justRead = undefined
  }
}

/** A result was remembered, or an equal call made it: ends the step with it once it is on record. */
export function endCached(
  step: EndingStep & { failed(error: unknown, type: 'FAIL'): void },
  value: unknown,
  shared: boolean,
): void {
  if (step.hasEnded) return
  const { execution } = step
  execution.emitter?.cacheChecked(step, execution.clock.now(), 'cache.hit', shared)
  if (step.hasEnded) return
  const kept = execution.recorder?.persist(step, value, 'cached')
  if (kept === undefined) endFound(step, value)
  else kept.then(endFound.bind(undefined, step), (error: unknown) => step.failed(error, 'FAIL'))
}

/** Ends a step with a value that was remembered, or that an equal call made, unless it has ended meanwhile. */
function endFound(step: EndingStep, value: unknown): void {
  if (step.hasEnded) return
  const { execution } = step
  const at = execution.clock.now()
  step.change({ type: 'HIT', output: value, at })
  execution.emitter?.stepEnded(step, at, 'cached', undefined, false)
  execution.stepCompleted(step, value)
}

/** Ends a step that has failed for good, and has no fallback that could take the result's place. */
export function endFailed(
  step: EndingStep,
  cause: unknown,
  type: 'FAIL' | 'TIME_OUT',
  policyError: unknown,
  attempts: number,
): void {
  const { execution } = step
  const at = execution.clock.now()
  step.change({ type, error: cause, at })
  step.recorder?.noteFailed(step, cause)
  execution.emitter?.stepEnded(step, at, 'failed', cause, false)
  const error = stepErrorOf(step, execution.whole, cause, attempts, policyError)
  execution.stepFailed(step, error, hasCause(cause, 'EXECUTION_ABORTED'))
}

/** A step that has not been launched. */
type UnbegunStep = EndingStep & { failed(error: unknown, type: 'FAIL'): void }

/** Fails a step before its first attempt: a race of which no port came, or a condition that threw. */
export function failUnbegun(step: UnbegunStep, error: unknown): void {
  const { emitter, clock } = step.execution
  emitter?.stepStarted(step, clock.now())
  if (!step.hasEnded) step.failed(error, 'FAIL')
}

/** Whether a step runs; one whose condition says no, or throws, ends here. */
export function mayRun(step: UnbegunStep): boolean {
  const { execution } = step
  const answer = decideWhen(step.planStep.spec, step.inputs)
  if (step.hasEnded || answer === true) return !step.hasEnded
  if (answer !== false) {
    failUnbegun(step, answer.thrown)
    return false
  }
  const error = skippedErrorOf(step, execution.whole)
  const at = execution.clock.now()
  step.change({ type: 'SKIP', error, at })
  step.recorder?.noteSkipped(step, error)
  execution.emitter?.stepCancelled(step, at, 'skipped', error)
  execution.stepFailed(step, error, false)
  return false
}

/** Ends a step that has failed with its fallback's value. */
export function endFallenBack(step: EndingStep, cause: unknown, type: 'FAIL' | 'TIME_OUT', value: unknown): void {
  const { execution } = step
  const at = execution.clock.now()
  step.change({ type, error: cause, at, fallback: { value } })
  step.recorder?.noteFailed(step, cause)
  execution.emitter?.stepEnded(step, at, 'completed', cause, true)
  execution.stepCompleted(step, value)
}

/** Persists a value wherever the step's policy wants it; gives the one that holds, which may be an earlier one. */
function persistValue(step: EndingStep & Claimant, claim: SharedClaim<Claimant> | undefined, made: unknown): unknown {
  const agreed = claim === undefined ? made : claim.commit(step, made)
  const { recorder } = step.execution
  if (recorder === undefined) return agreed
  if (!isPromise(agreed)) return recorder.persist(step, agreed, 'completed')
  return agreed.then((value: unknown) => recorder.persist(step, value, 'completed'))
}

/** Ends a step with the value that its attempt has made, once it is kept wherever the step's policy wants it. */
export function endOnceKept(step: EndingStep & Claimant, made: unknown, notKept: (error: unknown) => void): void {
  let kept: unknown
  try {
    kept = persistValue(step, step.claim, made)
  } catch (error) {
    notKept(error)
    return
  }
  if (isPromise(kept)) kept.then(endMade.bind(undefined, step), notKept)
  else endMade(step, kept)
}

/** Ends a step that never began, because an input that it needs failed. */
export function skipStep(step: EndingStep, error: unknown): void {
  const at = step.execution.clock.now()
  step.change({ type: 'SKIP', error: undefined, at })
  step.execution.emitter?.stepCancelled(step, at, 'skipped', error)
}
