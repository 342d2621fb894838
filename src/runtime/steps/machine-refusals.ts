import type { Actor, AnyActorLogic, AnyActorRef, AnyStateMachine } from 'xstate'
import type { ErrorPlace } from '../../core/docket-error.ts'
import { OptionError } from '../../core/errors.ts'
import type { StepSpec } from '../../core/graph/graph-index.ts'
import type { AnyMachineStep } from '../../core/language/machine-step.ts'
import { actorsOf, logicOf, mayBeginAgain } from './machine-actors.ts'

/** @throws OptionError where a machine declares actors of which another process could not go on with the work */
export function refusalOfDeclared(spec: StepSpec, place: ErrorPlace): void {
  const { machine, restartable = [] } = spec.step as AnyMachineStep
  for (const [name, declared] of Object.entries(machine.implementations.actors))
    if (!restartable.includes(name) && !mayBeginAgain(logicIn(declared))) throw refusalOf(spec, name, place)
}

/** @throws OptionError where a machine runs such an actor */
export function refusalOfActors(spec: StepSpec, root: AnyActorRef, place: ErrorPlace): void {
  const { restartable = [] } = spec.step as AnyMachineStep
  for (const { path, ref } of actorsOf(root)) {
    const isActive = (ref.getSnapshot() as { readonly status: string }).status === 'active'
    if (path.length === 0 || !isActive || restartable.includes(String(ref.src)) || mayBeginAgain(logicOf(ref))) continue
    throw refusalOf(spec, typeof ref.src === 'string' ? ref.src : path.join('.'), place)
  }
}

/** Why a machine would wait for ever. */
export function refusalToWait(
  { name, receives }: StepSpec,
  actor: Actor<AnyStateMachine>,
  place: ErrorPlace,
): OptionError {
  const types = receives.map((type) => type.name)
  const way =
    types.length === 0
      ? 'it receives nothing: give the step events, or the machine an after'
      : `nobody can send ${types.map((type) => `"${type}"`).join(', ')} to this call: run the graph as an actor, createActor(fromGraph(…)), give all values with the call, { signals: { ${types[0]}: […] } }, or start it in a docket and send them there`
  return new OptionError(
    `the machine of step "${name}" waits in ${JSON.stringify(actor.getSnapshot().value)} for an event that can't come; ${way}`,
    { ...place, step: name },
  )
}

/** Why a machine takes no update in the state that it is in. */
export function refusalOfUpdate(
  { name }: StepSpec,
  actor: Actor<AnyStateMachine>,
  event: string,
  place: ErrorPlace,
): OptionError {
  const { value } = actor.getSnapshot() as { readonly value: unknown }
  return new OptionError(`the machine of step "${name}" takes no "${event}" in ${JSON.stringify(value)}`, {
    ...place,
    step: name,
  })
}

function refusalOf({ name }: StepSpec, actor: string, place: ErrorPlace): OptionError {
  return new OptionError(
    `the machine of step "${name}" has the actor "${actor}", a callback or a subscription: what it has done is lost when another process goes on with the machine. Make it a promise or a machine, or say that it may begin again: restartable: ["${actor}"]`,
    { ...place, step: name },
  )
}

/** XState allows logic with an input beside it. */
function logicIn(declared: unknown): AnyActorLogic {
  const { src } = declared as { readonly src?: AnyActorLogic }
  return src ?? (declared as AnyActorLogic)
}
