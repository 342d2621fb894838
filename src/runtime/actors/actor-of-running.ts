import { createActor } from 'xstate'
import type { AnyActorRef, Observer, SnapshotFrom, Subscription } from 'xstate'
import { ExecutionActor } from './execution-actor.ts'
import type { LogicScope, LogicSnapshot } from './execution-actor.ts'
import { executionLogic } from './execution-logic.ts'
import type { ExecutionActorRef } from './execution-logic.ts'
import { inspectorOfSystem } from './inspector.ts'
import type { HarmlessInspector } from './inspector.ts'
import type { Execution } from '../execution/execution.ts'
import type { ResolvedOptions } from '../execution/execution-setup.ts'
import type { GivenInputs } from '../inputs/given-inputs.ts'

/** An execution that is about to run, runs or has run, and how its actor is made. */
export interface RunningExecution {
  readonly execution: Execution
  readonly given: GivenInputs
  /** The inputs as the caller gave them. */
  readonly input: unknown
  readonly options: ResolvedOptions
  /** Gets the inspection events of the actor's system. */
  readonly inspect?: HarmlessInspector | undefined
  /** What the actor is part of, and its place there. @default a system of its own, in which its id is the execution's */
  readonly within?: { readonly parent: AnyActorRef; readonly id: string; readonly systemId: string }
}

/** Makes the actor of an execution in the state that it is in; from there it goes on with it. */
export function actorOfRunning({
  execution,
  given,
  input,
  options,
  inspect,
  within,
}: RunningExecution): ExecutionActorRef {
  const { index, target } = given.plan
  const begin = (scope: LogicScope): LogicSnapshot =>
    new ExecutionActor({ scope, input, given, options, running: execution, systemId: within?.systemId }).snapshot()
  const actor = createActor(executionLogic(index, target, begin), {
    id: within?.id ?? execution.id,
    input,
    ...(within !== undefined && { parent: within.parent }),
    ...(inspect !== undefined && { inspect: inspectorOfSystem(inspect) }),
  })
  withoutDuties(actor).start()
  return actor
}

/**
 * XState takes an error that a subscriber has no listener for as uncaught, and ends the process. Here the outcome goes to the handles:
 * a subscriber of the actor need not listen to errors.
 */
function withoutDuties(actor: ExecutionActorRef): ExecutionActorRef {
  const subscribe = actor.subscribe.bind(actor)
  actor.subscribe({ error: ignore })
  const value = (
    observer: Observer<ActorSnapshot> | ((snapshot: ActorSnapshot) => void),
    onError: (error: unknown) => void = ignore,
    onComplete?: () => void,
  ): Subscription =>
    typeof observer === 'function'
      ? subscribe(observer, onError, onComplete)
      : subscribe({
          next: (snapshot) => observer.next?.(snapshot),
          error: (error) => observer.error?.(error),
          complete: () => observer.complete?.(),
        })
  return Object.defineProperty(actor, 'subscribe', { value })
}

type ActorSnapshot = SnapshotFrom<ExecutionActorRef>

function ignore(): void {}
