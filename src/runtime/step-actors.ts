import { createActor } from 'xstate'
import type { ActorLogic, AnyActorRef, Snapshot, SnapshotFrom } from 'xstate'
import { compiledStep, stepMachine } from '../../machines/index.ts'
import type { StepEvent } from '../../machines/index.ts'
import type { Execution } from './execution.ts'
import type { StepActorRef } from './execution-snapshot.ts'
import type { StepRun } from './step-run.ts'

// The step machine moves with its execution only: what anybody else sends to a step's actor is not for it.
const ownEvents = new WeakSet<object>()

type StepSnapshot = SnapshotFrom<typeof stepMachine>

/** The step machine as actor logic that listens to its execution alone. */
const stepLogic: ActorLogic<StepSnapshot, StepEvent, { readonly step: string }> = {
  config: stepMachine.config,
  getInitialSnapshot: (scope, input) => stepMachine.getInitialSnapshot(scope as never, input),
  transition: (snapshot, event, scope) => (ownEvents.has(event) || event.type.startsWith('xstate.') ? stepMachine.transition(snapshot, event, scope as never) : snapshot),
  start: (snapshot) => stepMachine.start(snapshot),
  // Not the machine's own two: they walk through whatever a context holds, the users' outputs too, and change them.
  getPersistedSnapshot: ({ status, value, context, output }) =>
    ({ status, value, context: { ...context }, output, error: undefined, children: {}, historyValue: {} }) as unknown as Snapshot<unknown>,
  restoreSnapshot: (persisted) => stepMachine.resolveState(persisted as never),
}

/**
 * The steps of an execution as child actors, each a real actor of the step machine. An actor comes to life when somebody
 * looks at it, in the state that its step is in, and from then on goes through the same transitions.
 */
export class StepActors {
  readonly #execution: Execution
  readonly #parent: AnyActorRef
  readonly #refs: (StepActorRef | undefined)[]
  #children: Readonly<Record<string, StepActorRef>> | undefined
  #standIn: AnyActorRef | undefined

  constructor(execution: Execution, parent: AnyActorRef) {
    this.#execution = execution
    this.#parent = parent
    this.#refs = new Array<StepActorRef | undefined>(execution.total)
  }

  /** Sends a step's actor, if it lives, what its step has just gone through. */
  mirror(run: StepRun, event: StepEvent): void {
    const ref = this.#refs[run.planStep.position]
    if (ref === undefined) return
    ownEvents.add(event)
    ref.send(event)
  }

  /** The actor of a step by the step's name. */
  get(name: string): StepActorRef | undefined {
    const position = this.#execution.plan.steps.findIndex(({ spec }) => spec.name === name)
    return position === -1 ? undefined : this.#at(position)
  }

  /** All actors by their steps' names; each comes to life when it is read. */
  get children(): Readonly<Record<string, StepActorRef>> {
    if (this.#children === undefined) {
      const children: Record<string, StepActorRef> = {}
      for (const [position, { spec }] of this.#execution.plan.steps.entries()) {
        Object.defineProperty(children, spec.name, { enumerable: true, get: () => this.#at(position) })
      }
      this.#children = Object.freeze(children)
    }
    return this.#children
  }

  /** Brings all to life. */
  wake(): void {
    for (let position = 0; position < this.#refs.length; position++) this.#at(position)
  }

  #at(position: number): StepActorRef {
    return (this.#refs[position] ??= this.#create(position))
  }

  #create(position: number): StepActorRef {
    const run = this.#execution.runs[position]
    const step = this.#execution.plan.steps[position]!.spec.name
    const parent = (this.#standIn ??= standInFor(this.#parent))
    const isPending = run === undefined || run.state === compiledStep.initial
    const actor = createActor(stepLogic, {
      id: step,
      parent,
      input: { step },
      ...(isPending ? {} : { snapshot: compiledStep.snapshotOf(run) as never }),
    })
    return actor.start() as unknown as StepActorRef
  }
}

/**
 * The execution's actor as its steps see it: one that is not told that they are done. It knows already, and to be told would
 * show its subscribers the same snapshot again as soon as somebody looks at a step. (`_send` is XState's own; without it
 * they would be told too often, nothing worse.)
 */
function standInFor(parent: AnyActorRef): AnyActorRef {
  return Object.create(parent, { _send: { value: () => {} } }) as AnyActorRef
}
