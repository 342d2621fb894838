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
    const { signals } = setup
    const { output } = step.planStep.spec
    if (signals === undefined) {
      wait.fail(refusal(output.name, step.step, place))
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

/** Why a call can't wait for a signal. */
function refusal(type: string, step: string, place: ErrorPlace): OptionError {
  return new OptionError(
    `step "${step}" waits for the signal "${type}", which nobody can send to this call: run the graph as an actor, createActor(fromGraph(…)), give the value with the call, { signals: { ${type}: … } }, or in overrides, or start it in a docket and send it there`,
    place,
  )
}

/** @throws OptionError where a plan needs a signal that is not given with the call: it has no way to send one */
export function requireGivenSignals({ steps, index }: Plan, given: Readonly<Record<string, unknown>>): void {
  const waiting = steps.find(({ spec }) => spec.kind === 'signal' && !Object.hasOwn(given, spec.output.name))
  if (waiting === undefined) return
  const { name, output } = waiting.spec
  throw refusal(output.name, name, { graph: index.graph.name, step: name })
}
