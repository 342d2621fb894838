import type { ActorRefFrom } from 'xstate'
import type { stepMachine } from '../../../machines/index.ts'
import { stepViewsAt } from './execution-journal.ts'
import type { JournalMark } from './execution-journal.ts'
import type { ExecutionContext, ExecutionStatus } from '../execution/execution-view.ts'

/** A step of an execution as an actor; its snapshots are the step machine's. */
export type StepActorRef = ActorRefFrom<typeof stepMachine>

/** What an `ExecutionSnapshot` is made of. */
export interface SnapshotParts {
  readonly value: ExecutionStatus
  readonly output: unknown
  readonly error: unknown
  readonly head: Omit<ExecutionContext, 'steps'>
  readonly input: unknown
  readonly names: readonly string[]
  readonly mark: JournalMark
  /** The execution while it lives in this process. */
  readonly host: SnapshotHost | undefined
}

/** What a snapshot needs of the live execution that it was taken of. */
export interface SnapshotHost {
  readonly children: Readonly<Record<string, StepActorRef>>
}

const noChildren: Readonly<Record<string, StepActorRef>> = Object.freeze({})

/**
 * The live execution that a snapshot was taken of; for the actor logic alone. Filled in by the class, where alone `#private` fields can be
 * read: a public getter would be part of what users of a snapshot see.
 */
export let hostOf: (snapshot: ExecutionSnapshot<unknown>) => SnapshotHost | undefined

/**
 * A snapshot of an execution in XState's shape. Cheap to take: what it shows of the steps, and the steps' actors, are worked
 * out when somebody looks.
 */
export class ExecutionSnapshot<Output> {
  /** XState's status: `error` for one that failed, was cancelled or goes on elsewhere. */
  readonly status: 'active' | 'done' | 'error' | 'stopped'
  /** The state of the execution machine. */
  readonly value: ExecutionStatus
  /** The target's value, once completed. */
  readonly output: Output | undefined
  /** What it failed with, was cancelled by, or why it does not go on here; of one that is compensating, what it will end with. */
  readonly error: unknown
  /** The input records that the execution was given. */
  readonly input: unknown
  readonly #parts: SnapshotParts
  #context: ExecutionContext | undefined

  constructor(parts: SnapshotParts, isStopped = false) {
    const { value } = parts
    this.#parts = parts
    this.value = value
    this.input = parts.input
    // A failed execution is a final state to the machine, and an error to what waits for the actor.
    this.status = isStopped
      ? 'stopped'
      : value === 'completed'
        ? 'done'
        : value === 'pending' || value === 'running' || value === 'waiting' || value === 'compensating'
          ? 'active'
          : 'error'
    this.output = this.status === 'done' ? (parts.output as Output) : undefined
    this.error = this.status === 'error' || value === 'compensating' ? parts.error : undefined
  }

  /** What is known of the execution and its steps; worked out when it is read. */
  get context(): ExecutionContext {
    return (this.#context ??= { ...this.#parts.head, steps: stepViewsAt(this.#parts.mark, this.#parts.names) })
  }

  /** The steps' actors by the steps' names. */
  get children(): Readonly<Record<string, StepActorRef>> {
    return this.#parts.host?.children ?? noChildren
  }

  static {
    hostOf = (snapshot) => snapshot.#parts.host
  }

  /** The same snapshot of a stopped actor. */
  stopped(): ExecutionSnapshot<Output> {
    return new ExecutionSnapshot(this.#parts, true)
  }

  /** The same snapshot of an execution that has ended meanwhile. */
  endedAs(value: ExecutionStatus, output: Output | undefined, error: unknown): ExecutionSnapshot<Output> {
    return new ExecutionSnapshot({ ...this.#parts, value, output, error })
  }

  /** Whether the execution is in this state. */
  matches(value: ExecutionStatus): boolean {
    return this.value === value
  }

  /** What goes over the wire to inspectors. Steps are left out: they send their own, and n snapshots of n steps would be quadratic. */
  toJSON(): object {
    const { status, value, output, error } = this
    return { status, value, context: this.#parts.head, output, error, children: {} }
  }
}
