import type { AnyStateMachine, SnapshotFrom } from 'xstate'
import type { UpdateRef } from '../../core/contracts/update-message.ts'
import { isSensitiveType } from '../../core/graph/sensitivity.ts'
import { isRecord } from '../../core/is-record.ts'
import type { AnyMachineStep } from '../../core/language/machine-step.ts'
import type { AnyUpdateType } from '../../core/language/update.ts'
import { withoutSensitiveParts } from '../../core/values/plain-data.ts'
import { checkValue } from '../inputs/check-value.ts'
import type { CheckedValue } from '../inputs/check-value.ts'
import type { UpdateAnswer } from './checkpoints.ts'
import type { Received } from './inbox.ts'
import { outputError } from './output-error.ts'
import { synchronous } from './retry-decision.ts'
import type { WorkingStep } from './step-work.ts'
import { isPromise } from '../../core/own-promise.ts'

type Snapshot = SnapshotFrom<AnyStateMachine>
type Outcome = UpdateAnswer['outcome']

/** An update that a machine has taken, and that is not answered yet: part of what is kept of the machine. */
export interface OpenUpdate {
  /** The name of the event that it came as. */
  readonly event: string
  readonly value: unknown
  readonly update: UpdateRef
}

/** Answers the updates that the machine of a step takes, by what it is at when it is at rest: the answer goes on record with that. */
export class MachineAnswers {
  #open: readonly OpenUpdate[]

  /** `restored`: what an earlier life has taken, and not answered. */
  constructor(step: WorkingStep, restored: readonly OpenUpdate[] = []) {
    this.#open = restored
    // They are in the mailbox until they are answered, and were taken already.
    for (const { update } of restored) step.execution.setup.inbox?.reclaim?.(update)
  }

  /** Those that are not answered. */
  get open(): readonly OpenUpdate[] {
    return this.#open
  }

  /** One was taken. */
  add(event: string, { value }: Received, update: UpdateRef): void {
    this.#open = [...this.#open, { event, value, update }]
  }

  /** Answers all that can be answered in a state in which the machine is at rest. Undefined where nothing has to be waited for; rejects where one can't be answered with its error either. */
  settle(step: WorkingStep, snapshot: Snapshot): Promise<unknown> | undefined {
    if (this.#open.length === 0) return undefined
    const left: OpenUpdate[] = []
    const underWay: Promise<void>[] = []
    for (const open of this.#open) {
      const outcome = outcomeOf(step, open, snapshot)
      if (outcome === undefined) left.push(open)
      else {
        const answered = isPromise(outcome)
          ? outcome.then((late) => answer(step, open, late))
          : answer(step, open, outcome)
        if (answered !== undefined) underWay.push(answered)
      }
    }
    this.#open = left
    return underWay.length === 0 ? undefined : Promise.all(underWay)
  }
}

/** What an update is answered with; undefined where that is still to come. */
function outcomeOf(
  step: WorkingStep,
  { event, value }: OpenUpdate,
  snapshot: Snapshot,
): Outcome | Promise<Outcome> | undefined {
  const { events, answers } = step.planStep.spec.step as AnyMachineStep
  const declared = answers![event]!
  const what = `the answer for "${event}" of step "${step.step}"`
  try {
    const make = isRecord(declared) ? declared.answer : declared
    if (isRecord(declared) && !synchronous(declared.when(snapshot, value), `when of ${what}`)) return undefined
    const type = events[event] as AnyUpdateType
    const checked = checkValue(type.result, synchronous(make(snapshot, value), what))
    return isPromise(checked) ? checked.then((late) => fitting(step, type, late)) : fitting(step, type, checked)
  } catch (error) {
    return { error }
  }
}

function fitting(step: WorkingStep, { name }: AnyUpdateType, checked: CheckedValue): Outcome {
  if (checked.issues === undefined) return { value: checked.value }
  const { issues, thrown } = checked
  const what = `step "${step.step}" answered an update with a value that does not fit the output of "${name}"`
  return { error: outputError(step, what, issues, thrown) }
}

/** An answer that can't be stored fails the update, with the reason. */
function answer(step: WorkingStep, { event, update }: OpenUpdate, outcome: Outcome): Promise<void> | undefined {
  const { inbox } = step.execution.setup
  const type = (step.planStep.spec.step as AnyMachineStep).events[event]!
  const failed = async (thrown: unknown): Promise<void> => {
    const error = withoutSensitiveParts(thrown, isSensitiveType(type))
    await inbox?.answer?.({ update, outcome: { error } })
  }
  try {
    return inbox?.answer?.({ update, outcome })?.catch(failed)
  } catch (thrown) {
    return failed(thrown)
  }
}
