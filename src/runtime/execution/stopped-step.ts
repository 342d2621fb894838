import type { Claimant, SharedClaim } from '../results/claimant.ts'
import type { StepWork } from '../steps/step-work.ts'
import type { EndingStep } from './step-ending.ts'
import type { StepExtras } from './step-extras.ts'
import { releaseSlot } from './step-slots.ts'

/** A step that may be under way. */
interface StoppableStep extends EndingStep {
  readonly extras: StepExtras | undefined
  readonly current: StepWork | undefined
  closeAttempt(reason: unknown): void
}

/** Stops a step because its execution has ended, or does without it; `hasBegun` if its beginning was emitted. */
export function cancelStep(step: StoppableStep & Claimant, reason: unknown, at: number, hasBegun: boolean): void {
  const { extras, current, execution } = step
  const wasWorking = isWorking(step)
  extras?.wait?.cancel()
  extras?.stopWaiting?.()
  const claim: SharedClaim<Claimant> | undefined = extras?.claim
  if (claim !== undefined) claim.leave(step, reason)
  else if (current !== undefined) {
    if (wasWorking) step.recorder?.straggles(step)
    step.closeAttempt(reason)
  }
  releaseSlot(extras)
  step.change({ type: 'CANCEL', error: reason, at })
  // What only waits goes on waiting where its execution goes on.
  if (hasBegun && (wasWorking || execution.released === undefined))
    execution.emitter?.stepCancelled(step, at, 'cancelled', reason)
}

function isWorking({ current }: StoppableStep): boolean {
  return current !== undefined && current.isWaiting !== true
}

/** Stops a step while its execution goes on; `hasBegun` if its beginning was emitted. */
export function dropStep(step: StoppableStep & Claimant, reason: unknown, at: number, hasBegun: boolean): void {
  const { extras } = step
  const isInside = isWorking(step) || extras?.isBeingNoted === true || extras?.stopWaiting !== undefined
  cancelStep(step, reason, at, hasBegun)
  if (isInside) step.execution.leave()
}
