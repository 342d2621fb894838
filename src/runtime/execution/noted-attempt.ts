import { kindOf } from '../steps/step-kinds.ts'
import type { WorkingStep } from '../steps/step-work.ts'
import { enterAs, runAsStep } from '../environment/current-step.ts'
import type { WaitedFor } from '../environment/current-step.ts'
import type { FullClock } from '../environment/clock.ts'
import type { EffectiveStep, Effects } from './effects.ts'
import type { Emitter } from './emitter.ts'
import type { EndingStep } from './step-ending.ts'
import type { StepExtras } from './step-extras.ts'

/** A step whose function is about to run. */
interface BegunStep extends WorkingStep, Omit<EffectiveStep, 'execution'> {
  readonly hasEnded: boolean
  readonly execution: WorkingStep['execution'] &
    WaitedFor['execution'] & {
      readonly recorder: unknown
      readonly effects: Effects | undefined
      readonly emitter: Pick<Emitter, 'around' | 'within'> | undefined
    }
}

/** A step whose attempt is on its way to the records. */
interface NotedStep extends BegunStep {
  readonly hasEnded: boolean
  readonly execution: BegunStep['execution'] & { readonly clock: FullClock; readonly isOver: boolean }
  attemptStartedAt: number
  attemptBeganAt: number
}

/** A step that is about to begin an attempt. */
export interface BeginningStep extends Omit<NotedStep, 'execution' | keyof EndingStep>, EndingStep {
  readonly execution: NotedStep['execution'] & EndingStep['execution']
  attemptStartedAt: number
  attemptBeganAt: number
  readonly extras: StepExtras | undefined
  /** The extras, made if need be. */
  readonly more: StepExtras
  failed(error: unknown, type: 'FAIL'): void
  /** What it made, or that it begins, could not be written. */
  notKept(error: unknown): void
}

/** Begins an attempt, now or as soon as that is on record. */
export function beginAttempt(step: BeginningStep, now?: number): void {
  const { execution } = step
  // While it waited for a slot, its time may have run out.
  if (execution.isOver) return
  const at = (step.attemptStartedAt = now ?? execution.stepTime())
  step.change({ type: 'START', attempt: step.attempt + 1, at })
  if (execution.emitter?.isHeard === true) {
    step.attemptBeganAt = execution.clock.elapsedAt(at)
    execution.emitter.attemptStarted(step, at)
    if (step.hasEnded) return
  }
  const noted = execution.recorder?.noteStarted(step)
  if (step.hasEnded) return
  if (noted === undefined) beginWork(step, step.extras)
  else goOnOnceNoted(step, noted)
}

// A function of its own: one that makes closures costs memory at each call, whether it comes to them or not.
function goOnOnceNoted(step: BeginningStep, noted: Promise<void>): void {
  void beginOnceNoted(step, noted, step.more).catch((error: unknown) => step.notKept(error))
}

/**
 * Begins an attempt as soon as it is on record: a process may die of it at once, and an attempt that is not counted would be made without end.
 * Rejects where it can't be recorded and the step's policy does not say to run all the same.
 */
async function beginOnceNoted(step: NotedStep, noted: Promise<void>, extras: StepExtras): Promise<void> {
  extras.isBeingNoted = true
  try {
    await noted
  } finally {
    extras.isBeingNoted = false
  }
  // Meanwhile it may have been cancelled, or the process may be about to hand the execution over.
  if (step.hasEnded || step.execution.isOver) return
  // The timeout is the function's, not the store's.
  step.attemptStartedAt = step.execution.clock.now()
  step.attemptBeganAt = step.execution.clock.elapsedAt(step.attemptStartedAt)
  beginWork(step, extras)
}

/** Begins the step's work; one that others may have to wait for is known to what it calls. */
function beginWork(step: BegunStep, extras: StepExtras | undefined): void {
  const { spec } = step.planStep
  const kind = kindOf(spec)
  if (spec.compensate !== undefined) step.execution.effects!.for(step).began(step)
  const { emitter } = step.execution
  if (emitter?.within !== undefined) beginWithin(step, emitter)
  else if (extras === undefined && step.execution.recorder === undefined) kind.begin(step)
  else runAsStep(step, () => kind.begin(step))
}

/** Observers stand around it: what they put into the async context is there for what the step calls, and for nothing else of the execution. */
function beginWithin(step: BegunStep, emitter: Pick<Emitter, 'around'>): void {
  const { context, item } = step.execution
  const begin = (): void => kindOf(step.planStep.spec).begin(step)
  emitter.around(context, { step: step.step, item }, () => enterAs(step, begin))
}
