import { compiledStep } from '../../../machines/index.ts'
import type { Claimant, SharedClaim } from '../results/claimant.ts'
import type { Effect } from './effects.ts'
import type { Recorder } from './recorder.ts'
import type { StepHost } from './step-host.ts'
import type { StepState } from './step-state.ts'

const { completed, failed } = compiledStep.stateCode

/** A step that has ended while its function ran on. */
interface LateStep extends Claimant, Omit<StepState, 'execution'> {
  readonly execution: Claimant['execution'] & StepState['execution'] & Pick<StepHost, 'hasEnded'>
  readonly claim: SharedClaim<Claimant> | undefined
  readonly recorder: Recorder | undefined
}

/**
 * Keeps what an attempt brought after its step had ended: the work is done. What is undone already is not kept; nor, in the records of the execution, what comes after others
 * have gone on without it: whoever takes over must go on with what they were given.
 */
export function keepLate(step: LateStep, effect: Effect | undefined, value: unknown): void {
  effect?.madeLate(value)
  if (effect?.isUndone === true) forget(step)
  else if (step.claim !== undefined) step.claim.commitLate(step, value)
  else if (isReplaced(step)) step.recorder?.endedLate(step)
  else step.recorder?.persistLate(step, value)
}

/** Whether the execution has gone on with a fallback's value, or without one. */
function isReplaced({ state, error, execution }: LateStep): boolean {
  if (state === completed) return error !== undefined
  return state === failed && !execution.hasEnded
}

/** An attempt failed after its step had ended; `knewOf`: perhaps because of that. */
export function endLate(step: LateStep, effect: Effect | undefined, knewOf: boolean): void {
  effect?.endedLate(knewOf)
  forget(step)
}

/** What the step did is undone: its result is not to be found any more, and its next attempt is another deed. */
export function forgetResultOf(step: LateStep & { readonly execution: Pick<StepHost, 'setup' | 'item'> }): void {
  step.claim?.forget(step)
  step.execution.setup.undoings?.add(step.step, step.execution.item)
}

function forget(step: LateStep): void {
  step.claim?.endedLate(step)
  step.recorder?.endedLate(step)
}
