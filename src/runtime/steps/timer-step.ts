import { describe } from '../../core/check-options.ts'
import { durationHint, durationMs } from '../../core/duration.ts'
import { isDate } from '../../core/is-builtin.ts'
import type { AnyStep } from '../../core/language/step.ts'
import { synchronous } from './retry-decision.ts'
import type { StepKind, WorkingStep } from './step-work.ts'
import { Wait } from './wait.ts'

/** What a timer declares. */
type Declared = AnyStep & {
  readonly after?: unknown
  readonly at?: (inputs: unknown) => unknown
}

/** Timers: the time is worked out once, and then waited for. */
export const timerStep: StepKind<Wait> = {
  begin(step) {
    const wait = new Wait(step)
    let dueAt: number
    try {
      dueAt = movedTo(step) ?? step.heldUntil ?? dueTimeOf(step)
    } catch (thrown) {
      wait.fail(thrown)
      return
    }
    const fire = (): void =>
      wait.succeedWith(() => wait.step.planStep.spec.run(wait.step.inputs, { dueAt: new Date(wait.dueAt ?? dueAt) }))
    if (dueAt <= step.execution.clock.now()) fire()
    else wait.begin(dueAt, fire)
  },
  close: (wait) => wait.close(),
  moveTo: (wait, step) => wait.moveTo(step),
  reschedule: (wait, dueAt) => wait.reschedule(dueAt),
}

/** The time that the timer was given from outside; undefined where it has its own. */
function movedTo({ step, execution: { setup } }: WorkingStep): number | undefined {
  return setup.times?.of(step, setup.itemKey)
}

/** @throws RangeError for what is no time, TypeError for a promise */
function dueTimeOf({ planStep: { spec }, inputs, step, execution }: WorkingStep): number {
  const { after, at } = spec.step as Declared
  if (at !== undefined) {
    const time = synchronous(at(inputs), `at of timer "${step}"`)
    if (isDate(time) && !Number.isNaN(time.getTime())) return time.getTime()
    throw new RangeError(
      `at of timer "${step}" returned ${isDate(time) ? 'an invalid Date' : describe(time)}, which is not a time; return a Date`,
    )
  }
  const duration: unknown =
    typeof after === 'function'
      ? synchronous((after as (inputs: unknown) => unknown)(inputs), `after of timer "${step}"`)
      : after
  const ms = durationMs(duration)
  if (ms === undefined)
    throw new RangeError(
      `after of timer "${step}" returned ${describe(duration)}, which is not a duration; ${durationHint}`,
    )
  const dueAt = execution.clock.now() + ms
  if (Number.isNaN(new Date(dueAt).getTime()))
    throw new RangeError(`after of timer "${step}" returned ${describe(duration)}, which is longer than dates reach`)
  return dueAt
}
