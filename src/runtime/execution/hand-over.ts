import { kindOf } from '../steps/step-kinds.ts'
import type { StepWork, WorkingStep } from '../steps/step-work.ts'
import type { StepEvent } from '../../../machines/index.ts'
import type { EffectiveStep, Effects } from './effects.ts'
import type { Emitter } from './emitter.ts'
import type { Recorder } from './recorder.ts'
import type { StepExtras } from './step-extras.ts'
import type { StepState } from './step-state.ts'

/** A step that gives up its attempt, or takes one over. */
interface AttemptHolder extends EffectiveStep, Omit<WorkingStep, 'execution' | 'attemptStartedAt'> {
  attemptStartedAt: number
  attemptBeganAt: number
  readonly extras: StepExtras | undefined
  /** The extras, made if need be. */
  readonly more: StepExtras
  readonly recorder: Recorder | undefined
  readonly execution: StepState['execution'] &
    WorkingStep['execution'] & {
      readonly emitter: Emitter | undefined
      readonly effects: Effects | undefined
      readonly admission: { enterAnyway(): void } | undefined
    }
  change(event: StepEvent): void
}

/** Hands a running attempt, and its slot, to an equal call that waited for its result: its own execution was cancelled. */
export function handOver(from: AttemptHolder & { readonly current: StepWork | undefined }, to: AttemptHolder): void {
  const work = from.current!
  kindOf(from.planStep.spec).moveTo(work, to)
  from.execution.effects?.of(from.step)?.handedOver()
  if (to.planStep.spec.compensate !== undefined) to.execution.effects!.for(to).began(to)
  const { extras } = from
  if (extras !== undefined) {
    const { slot, ticket } = extras
    if (slot !== undefined || ticket !== undefined) Object.assign(to.more, { slot, ticket })
    extras.slot = extras.ticket = undefined
  }
  const { execution } = to
  execution.admission?.enterAnyway()
  const at = (to.attemptStartedAt = execution.clock.now())
  to.attemptBeganAt = execution.clock.elapsedAt(at)
  to.change({ type: 'START', attempt: work.attempt, at })
  execution.emitter?.attemptStarted(to, at)
  if (!to.hasEnded) to.recorder?.noteStarted(to)?.catch(() => {})
}
