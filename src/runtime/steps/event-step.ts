import { describe } from '../../core/check-options.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import { OptionError } from '../../core/errors.ts'
import { firstEventStep } from '../../core/graph/awaited-events.ts'
import type { StepSpec } from '../../core/graph/graph-index.ts'
import type { Plan } from '../../core/graph/plan.ts'
import type { AnyEventStep } from '../../core/language/event.ts'
import { synchronous } from './retry-decision.ts'
import type { StepKind, WorkingStep } from './step-work.ts'
import { Wait } from './wait.ts'

/** Steps that wait for an event under a key. */
export const eventStep: StepKind<Wait> = {
  begin(step) {
    const wait = new Wait(step)
    const { setup, place, context } = step.execution
    const { events } = setup
    const { spec } = step.planStep
    if (events === undefined) {
      wait.fail(refusalOf(spec, place))
      return
    }
    let key: string
    try {
      key = keyOf(step)
    } catch (thrown) {
      wait.fail(thrown)
      return
    }
    step.awaitsKey(key)
    // What came while nobody was there, and is known to have come.
    const come = events.comeFor(spec, key)
    if (come !== undefined) wait.passOn(come.value)
    else {
      wait.begin(undefined, () => {})
      // Whoever observes it may have ended it.
      if (wait.isOpen)
        events.await(spec, key, {
          come: (value) => context.run(() => wait.passOn(value)),
          failed: (error) => context.run(() => wait.fail(error)),
        })
    }
  },
  close: (wait) => wait.close(),
  moveTo: (wait, step) => wait.moveTo(step),
}

/** @throws RangeError for what is no key, TypeError for a promise, and what the user's function throws */
function keyOf({ planStep: { spec }, inputs, step }: WorkingStep): string {
  const { key, event } = spec.step as AnyEventStep
  const made = synchronous((key as (inputs: unknown) => unknown)(inputs), `key of step "${step}"`)
  if (typeof made === 'string' && made !== '') return made
  throw new RangeError(
    `key of step "${step}" returned ${describe(made)}, which is no key of an event "${event.name}"; return a non-empty string`,
  )
}

/** Why only a docket can run a step that waits for an event, and what to do. */
function refusalOf({ name, output, step }: StepSpec, place: ErrorPlace): OptionError {
  const { event } = step as AnyEventStep
  return new OptionError(
    `step "${name}" waits for the event "${event.name}", and events come to a docket alone: start the graph there, with createDocket({ graphs, store }), or give the value in overrides, { ${output.name}: … }`,
    place,
  )
}

/** Why this plan can't run outside of a docket, if it can't. */
export function eventRefusal(plan: Plan): OptionError | undefined {
  if (plan.eventSteps.length === 0 && !plan.nests) return undefined
  const found = firstEventStep(plan)
  return found === undefined ? undefined : refusalOf(found.spec, { graph: found.graph, step: found.spec.name })
}

/** @throws OptionError where a plan waits for an event: nothing of it runs outside of a docket */
export function refuseEvents(plan: Plan): void {
  const refusal = eventRefusal(plan)
  if (refusal !== undefined) throw refusal
}
