import type { PastAttempt } from './past-attempt.ts'
import type { First } from '../../core/language/race.ts'

/** What a snapshot of an execution shows of one step. Times are milliseconds since the epoch. */
export interface StepView {
  /** A state of the step machine: `pending`, `running`, `completed`, … */
  readonly status: string
  /** The current or last attempt; 0 before the first. */
  readonly attempt: number
  /** When its first attempt began. */
  readonly startedAt: number | undefined
  /** When it ended. */
  readonly endedAt: number | undefined
  /** When the next attempt is due, while retrying. */
  readonly dueAt: number | undefined
  /** Its value, once completed or cached. */
  readonly output: unknown
  /** What the last attempt threw, or why the step was cancelled. */
  readonly error: unknown
  /** What came first, of a race that is decided: the port, and its value. */
  readonly first?: First | undefined
  /** The key of the event that it waits for, while it does. */
  readonly awaitedKey?: string | undefined
  /** Since when it waits for limits that all processes share. */
  readonly queuedSince?: number | undefined
  /** When its inputs were there, of one that has not ended and could not begin at once, as far as that is on record. */
  readonly queuedAt?: number | undefined
  /** Its last attempts, of one that has not ended, or was tried more than once, as far as they are on record. */
  readonly attempts?: readonly PastAttempt[] | undefined
  /** What its work was at, of a step that goes on from there. */
  readonly keptState?: unknown
  /** The port that came first, of a race that has ended, as far as that is on record. */
  readonly winner?: string | undefined
}

/** A step of which nothing has happened. */
export const unbegunStep: StepView = Object.freeze({
  status: 'pending',
  attempt: 0,
  startedAt: undefined,
  endedAt: undefined,
  dueAt: undefined,
  output: undefined,
  error: undefined,
})

/** How far what a step did is undone. Times are milliseconds since the epoch. */
export interface UndoView {
  /** `pending`: that it is uncertain is on record, and no more. `failed`: it could not be undone, and is not tried again. */
  readonly status: 'pending' | 'running' | 'retrying' | 'undone' | 'failed'
  /** Whether nobody knows what the step has done. */
  readonly isUncertain: boolean
  /** The current or last attempt, from 1. */
  readonly attempt: number
  /** When its first attempt began. */
  readonly startedAt: number
  /** When it was undone, or given up. */
  readonly endedAt: number | undefined
  /** When the next attempt is due, while retrying. */
  readonly dueAt: number | undefined
  /** What the last attempt threw, if it threw. */
  readonly error: unknown
}

/** The states of an execution in this process; one that is `released` has not ended, and goes on elsewhere. */
export type ExecutionStatus =
  'pending' | 'running' | 'waiting' | 'compensating' | 'completed' | 'failed' | 'cancelled' | 'released'

/** What a snapshot shows of the execution. Times are milliseconds since the epoch. */
export interface ExecutionContext {
  /** The caller's `id`, else a random one. */
  readonly executionId: string
  /** Whether the execution lives in a store: then it goes on from its records, not from a snapshot. */
  readonly isDurable?: true
  /** The graph's name. */
  readonly graph: string
  /** The target type's name. */
  readonly target: string
  /** Names of the types whose values were given in the place of their steps; absent where there are none. */
  readonly overrides?: readonly string[] | undefined
  /** Values that came from outside and may count, by type, in the order in which they came; absent where none has. */
  readonly signals?: Readonly<Record<string, readonly unknown[]>> | undefined
  /** Values that came from outside for what steps receive, and that none has taken yet, in the order in which they came; absent where there are none. */
  readonly unread?: readonly { readonly type: string; readonly value: unknown; readonly at: number }[] | undefined
  /** By the names of steps, what the machines are at that are their work; only in persisted snapshots, absent where there are none. */
  readonly states?: Readonly<Record<string, unknown>> | undefined
  /** Steps of the plan. */
  readonly total: number
  /** Steps that have ended. */
  readonly settled: number
  /** When it began. */
  readonly startedAt: number | undefined
  /** When it ended; undefined where it goes on elsewhere. */
  readonly endedAt: number | undefined
  /** By the names of the steps, what is undone of them, or shall be; absent where nothing is. */
  readonly undos?: Readonly<Record<string, UndoView>> | undefined
  /** Every step of the plan by its name. */
  readonly steps: Readonly<Record<string, StepView>>
}

/** What a restored execution knows. */
export interface PersistedExecution {
  readonly value: ExecutionStatus
  readonly head: Omit<ExecutionContext, 'steps'>
  /** The input records as they were given. */
  readonly input: unknown
  readonly output: unknown
  readonly error: unknown
  readonly steps: ReadonlyMap<string, StepView>
  /** What it has completed with, where only what the losers of its races did is left to be undone. */
  readonly outcome?: { readonly output: unknown } | undefined
  /** What the functions of steps were given that may have to be undone, as far as that is on record. @default the plan's values */
  readonly givenInputs?: ReadonlyMap<string, Record<string, unknown>> | undefined
  /** Of steps that begin anew, how they were tried before. @default nothing is known of that */
  readonly triedBefore?: ReadonlyMap<string, readonly PastAttempt[]> | undefined
}
