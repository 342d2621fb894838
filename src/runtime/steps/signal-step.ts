import type { ErrorPlace } from '../../core/docket-error.ts'
import { OptionError } from '../../core/errors.ts'
import type { Plan } from '../../core/graph/plan.ts'
import type { StepKind } from './step-work.ts'
import { Wait } from './wait.ts'

/** Steps whose value comes from outside. */
export const signalStep: StepKind<Wait> = {
  begin(step) {
    const wait = new Wait(step)
    const { place, setup } = step.execution
    const { isChild, part, signals } = setup
    const { output } = step.planStep.spec
    if (signals === undefined || (signals.areComplete && !signals.has(output.name))) {
      wait.fail(
        refusal(output.name, step.step, place, isChild === true ? 'child' : part === undefined ? 'call' : 'batch'),
      )
      return
    }
    const take = (): void => {
      const come = signals.of(output.name)
      if (come !== undefined) wait.passOn(come.value)
    }
    signals.listen(output.name, () => step.execution.context.run(take))
    take()
    if (signals.of(output.name) === undefined) wait.begin(undefined, () => {})
  },
  close: (wait) => wait.close(),
  moveTo: (wait, step) => wait.moveTo(step),
}

/** Why nobody can send a signal to what waits for it, and what to do instead. */
function refusal(type: string, step: string, place: ErrorPlace, to: 'call' | 'child' | 'batch'): OptionError {
  const ways = {
    call: `to this call: run the graph as an actor, createActor(fromGraph(…)), give the value with the call, { signals: { ${type}: … } }, or in overrides, or start it in a docket and send it there`,
    child: `to the child of a call, an actor or a batch: start its parent in a docket, and send it to the child's id there, or give the child's value in overrides`,
    batch: `to this batch: give the value with the call, { signals: { ${type}: … } }, which may be a function of the item, or in overrides, or start the batch in a docket and send it there`,
  }
  return new OptionError(`step "${step}" waits for the signal "${type}", which nobody can send ${ways[to]}`, place)
}

/** @throws OptionError where a plan needs a signal that is not given with the call: it has no way to send one */
export function requireGivenSignals({ signalSteps, index }: Plan, given: Readonly<Record<string, unknown>>): void {
  const waiting = signalSteps.find(({ spec }) => !Object.hasOwn(given, spec.output.name))
  if (waiting === undefined) return
  const { name, output } = waiting.spec
  throw refusal(output.name, name, { graph: index.graph.name, step: name }, 'call')
}
