import type { ExecutionEvent } from './events.ts'

/**
 * The time for which an execution (or a batch) lives in one process: from its start, or from when the process takes it over, to its end, or until it is given up. One that
 * is in no docket has one life.
 */
export interface ExecutionLife {
  /** Stands for the life: the same object for all that observe it, on which they can share what they know of it, under symbols. */
  readonly key: object
  /** The execution's id: not unique in a process outside of dockets. */
  readonly executionId: string
  /** The graph's name. */
  readonly graph: string
  /** The target type's name. */
  readonly target: string
  /** Whether graph, steps and types are named by the program; else by whatever made them at run time, so that there may be any number of names. */
  readonly hasDeclaredNames: boolean
  /** What the caller gave as `headers`. */
  readonly headers: Readonly<Record<string, string>>
  /** Of a child that lives in the process of its parent, the step that it works for. */
  readonly parent:
    { readonly executionId: string; readonly step: string; readonly item: number | undefined } | undefined
  /** When it begins, in milliseconds since the epoch, by the execution's clock. */
  readonly at: number
  /** What is on record of it; undefined outside of dockets, and where nothing of the execution is written. */
  readonly record: LifeRecord | undefined
}

/** What is on record of an execution as a life begins. Times are milliseconds since the epoch, by the store's clock. */
export interface LifeRecord {
  /** The process that has it. */
  readonly owner: string
  /** Which life it is: grows with each. */
  readonly epoch: number
  /** The queue in which it stands. */
  readonly queue: string
  /** When a caller started it. */
  readonly createdAt: number
  /** When a process began it first; undefined where that is now. */
  readonly startedAt: number | undefined
  /** It did not begin before. */
  readonly startAt: number | undefined
  /** Why another life came before it: see `execution.resumed`. Undefined for the first one. */
  readonly after: 'death' | 'release' | 'end' | undefined
  /** What the observer has kept in a life before; undefined where it has kept nothing, or the store keeps no such thing. */
  readonly kept: string | undefined
  /** Keeps a text for the next life, in the place of what was kept before. Nobody waits for it, and what can't be written is lost. */
  keep(text: string): void
}

/** Types of events of steps that go well. */
export type ObserverEvents = readonly ('step.started' | 'attempt.started' | 'step.ended' | 'cache.hit' | 'cache.miss')[]

/** An attempt of a step, or to undo it, that is about to begin. */
export interface LifeAttempt {
  /** The step's name. */
  readonly step: string
  /** Index of the batch's item; undefined outside batches and for steps that run once for the whole batch. */
  readonly item: number | undefined
  /** Whether what the step did is about to be undone: then it is its `compensate` that begins. @default false */
  readonly isUndo?: boolean | undefined
}

/** What an observer does for one life. */
export interface LifeObserver {
  /** Types of events that it does without, as in the observer: see there. @default none */
  readonly doesWithout?: ObserverEvents | undefined
  /** Gets the events of the life, in the place of the observer. @default nothing does */
  readonly next?: ((event: ExecutionEvent) => void) | undefined
  /**
   * Stands around the work of an attempt: calls `begin` once, at once. What that calls, then and later, is in the async context in which it was called.
   * @default nothing does
   */
  readonly within?: ((attempt: LifeAttempt, begin: () => void) => void) | undefined
  /**
   * Whether `within` puts the same into the async context of every attempt: then it is called for the first one, and what it has put there is kept for the others, which costs
   * less. In a batch it is called for the first attempt of each item.
   * @default false
   */
  readonly entersOnce?: boolean | undefined
}
