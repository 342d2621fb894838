import { createActor } from 'xstate'
import type { ActorScope, EventObject, Snapshot } from 'xstate'
import { compiledStep } from '../../../machines/index.ts'
import type { StepEvent } from '../../../machines/index.ts'
import type { Execution } from '../execution/execution.ts'
import type { StepActorRef } from './execution-snapshot.ts'
import { own, stepLogicFor } from './step-logic.ts'
import type { StepState } from '../execution/step-state.ts'

/** What XState lets an actor do with its children. */
export type ParentScope = Pick<ActorScope<Snapshot<unknown>, EventObject>, 'self' | 'stopChild'>

/**
 * The steps of an execution as child actors, each a real actor of the step machine. An actor comes to life when somebody
 * looks at it, in the state that its step is in, and from then on goes through the same transitions.
 */
export class StepActors {
  readonly #execution: Execution
  readonly #scope: ParentScope
  readonly #refs: (StepActorRef | undefined)[]
  #children: Readonly<Record<string, StepActorRef>> | undefined

  constructor(execution: Execution, scope: ParentScope) {
    this.#execution = execution
    this.#scope = scope
    this.#refs = new Array<StepActorRef | undefined>(execution.total)
  }

  /** Whether somebody has looked at the step's actor. */
  isAlive(run: StepState): boolean {
    return this.#refs[run.planStep.position] !== undefined
  }

  /** Sends a step's actor, if it lives, what its step has just gone through. */
  mirror(run: StepState, event: StepEvent): void {
    this.#refs[run.planStep.position]?.send(own(event))
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

  /** Those that are alive. */
  get living(): readonly StepActorRef[] {
    return this.#refs.filter((ref) => ref !== undefined)
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
    const { spec } = this.#execution.plan.steps[position]!
    const record = run ?? compiledStep.createRecord({ step: spec.name })
    const actor = createActor(stepLogicFor(spec), {
      id: spec.name,
      parent: this.#scope.self,
      // Pending ones too: an actor may be looked up inside a user's action, where XState warns of making a machine's context.
      snapshot: compiledStep.snapshotOf(record) as never,
      input: undefined as never,
    })
    // One that comes to life after its end is stopped as if it had lived. Starting it would report to the execution that it is
    // done: its subscribers would hear of something, or XState would warn that nobody hears any more.
    if (run?.hasEnded === true) this.#scope.stopChild(actor)
    else actor.start()
    return actor as unknown as StepActorRef
  }
}
