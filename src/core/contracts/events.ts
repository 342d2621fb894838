import type { EventBase } from './event-base.ts'
import type { ActRecorded } from './act-events.ts'
import type { ScheduleEvent } from './schedule-events.ts'

/** What every event about a step has besides. */
interface StepEventBase extends EventBase {
  /** The step's name. */
  readonly step: string
  /** Index of the batch's item; undefined outside batches and for steps that run once for the whole batch. */
  readonly item: number | undefined
}

/** An execution (or a batch of them) began. */
export interface ExecutionStarted extends EventBase {
  readonly type: 'execution.started'
  /** The target type's name. */
  readonly target: string
  /** Of a child: the step that it works for. Absent otherwise. */
  readonly parent?:
    { readonly executionId: string; readonly step: string; readonly item: number | undefined } | undefined
}

/** An execution (or a batch) ended. */
export interface ExecutionEnded extends EventBase {
  readonly type: 'execution.ended'
  /** The target type's name. */
  readonly target: string
  /** How it ended. */
  readonly status: 'completed' | 'failed' | 'cancelled'
  /** Since it began here, in steady time. */
  readonly durationMs: number
  /** What a failed or cancelled one ended with; undefined for a completed one. */
  readonly error: unknown
  /** Types of signals that came and that no step has taken; absent where there is none. */
  readonly unread?: readonly string[] | undefined
}

/**
 * An execution (or a batch) that has not ended is not run by this process any more: it goes on elsewhere, or here, once it does. The last event of it here, in the
 * place of `execution.ended`.
 */
export interface ExecutionReleased extends EventBase {
  readonly type: 'execution.released'
  /** The target type's name. */
  readonly target: string
  /** The docket was closed, or the lease was lost, or `detach()` took the execution out of the docket, or it only waits, and is parked until something comes. */
  readonly cause: 'close' | 'lease-lost' | 'detach' | 'park'
  /** Since it began here. */
  readonly durationMs: number
}

/** A step's inputs are there and it began: it looks into the cache, waits for a slot, or runs. */
export interface StepStarted extends StepEventBase {
  readonly type: 'step.started'
}

/** A step that had begun ended; `error` is what a failed one threw last. */
export interface StepEnded extends StepEventBase {
  readonly type: 'step.ended'
  /** How it ended; a fallback completes it too. */
  readonly status: 'completed' | 'cached' | 'failed'
  /** Attempts made; 0 for a cached step. */
  readonly attempt: number
  /** Since it began, its waits and all its attempts included. */
  readonly durationMs: number
  /** What its last attempt threw, of one that failed or fell back. */
  readonly error: unknown
  /** Whether the value is the step's `fallback`. */
  readonly fellBack: boolean
}

/**
 * A step was stopped because its execution ended, or goes on elsewhere, or a race was decided; or it never began: an input it needs failed, or its `when` said no (`skipped`). One
 * that only waits is not stopped where its execution goes on elsewhere.
 */
export interface StepCancelled extends StepEventBase {
  readonly type: 'step.cancelled'
  /** `cancelled`: it was stopped. `skipped`: an input that it needs failed, or its `when` returned false, so that it never began. */
  readonly status: 'cancelled' | 'skipped'
  /** Attempts that began. */
  readonly attempt: number
  /** What its execution ended with, a RaceLostError, what the step failed with that it needs, or a StepSkippedError. */
  readonly reason: unknown
}

/** One try of a step began. */
export interface AttemptStarted extends StepEventBase {
  readonly type: 'attempt.started'
  /** Which try it is, from 1. */
  readonly attempt: number
}

/** One try of a step failed or timed out. */
export interface AttemptFailed extends StepEventBase {
  readonly type: 'attempt.failed'
  /** Which try it was, from 1. */
  readonly attempt: number
  /** Since the attempt began. */
  readonly durationMs: number
  /** What it threw; a StepTimeoutError where it took too long. */
  readonly error: unknown
  /** Whether it took longer than the step's `timeout`. */
  readonly timedOut: boolean
}

/** A step waits: for a time, or for something from outside. It holds no slot meanwhile. */
export interface StepWaiting extends StepEventBase {
  readonly type: 'step.waiting'
  /** When its time comes, or the wait ends at the latest, in milliseconds since the epoch; undefined where it waits without a limit. */
  readonly dueAt: number | undefined
}

/** A step that waited works again, and may wait again: the machine of a step has invoked something. */
export interface StepResumed extends StepEventBase {
  readonly type: 'step.resumed'
}

/** A durable step begins anew, with other inputs: by `continueAsNew`. */
export interface StepRenewed extends StepEventBase {
  readonly type: 'step.renewed'
}

/** The machine of a step has emitted an event, by XState's `emit`. */
export interface StepEmitted extends StepEventBase {
  readonly type: 'step.emitted'
  /** As the machine emitted it. */
  readonly event: { readonly type: string }
}

/** Another attempt will follow after `delayMs`. */
export interface RetryScheduled extends StepEventBase {
  readonly type: 'retry.scheduled'
  /** The attempt that failed. */
  readonly attempt: number
  /** How long the step waits before the next attempt. */
  readonly delayMs: number
  /** When the next attempt is due, in milliseconds since the epoch. */
  readonly dueAt: number
}

/** A persisted step looked for its result. `shared`: an equal call was running, and its outcome was taken. */
export interface CacheChecked extends StepEventBase {
  /** Whether there was a result. */
  readonly type: 'cache.hit' | 'cache.miss'
  /** The step's `persist.scope`. */
  readonly scope: 'execution' | 'global'
  /** Whether an equal call was running, whose outcome was taken. */
  readonly shared: boolean
}

/** A store failed, and the step goes on without it (`onStoreError: 'run'`). */
export interface StoreFailed extends StepEventBase {
  readonly type: 'store.failed'
  /** Looking for a result, or keeping one. */
  readonly operation: 'find' | 'keep'
  /** What the store failed with: a StoreError. */
  readonly error: unknown
}

/** An execution (or a batch) fails or is cancelled, and begins to undo what its steps did; `execution.ended` follows once that is done. */
export interface ExecutionCompensating extends EventBase {
  readonly type: 'execution.compensating'
  /** The target type's name. */
  readonly target: string
  /** What it ends with. */
  readonly error: unknown
}

/** What a step did is about to be undone. */
export interface UndoStarted extends StepEventBase {
  readonly type: 'undo.started'
  /** Whether nobody knows what the step has done. */
  readonly isUncertain: boolean
}

/** One try to undo what a step did failed or timed out. */
export interface UndoAttemptFailed extends StepEventBase {
  readonly type: 'undo.attempt-failed'
  /** Which try it was, from 1. */
  readonly attempt: number
  /** What it threw; a StepTimeoutError where it took too long. */
  readonly error: unknown
  /** How long the wait for the next try is; undefined where there is none. */
  readonly delayMs: number | undefined
}

/** What a step did is undone, or could not be for good. */
export interface UndoEnded extends StepEventBase {
  readonly type: 'undo.ended'
  /** Whether it could be undone. */
  readonly status: 'undone' | 'failed'
  /** Attempts made. */
  readonly attempt: number
  /** Since the first of them began. */
  readonly durationMs: number
  /** What the last attempt threw, where it could not be undone. */
  readonly error: unknown
}

/** A process goes on with an execution from its records that had begun before: `execution.started` follows. One that begins first, a fork among them, has that alone. */
export interface ExecutionResumed extends EventBase {
  readonly type: 'execution.resumed'
  /** The target type's name. */
  readonly target: string
  /** Whether its last owner died, gave it up, or the execution had ended and was started again. */
  readonly after: 'death' | 'release' | 'end'
  /** Steps whose results were found. */
  readonly restored: number
}

/** The process is not the owner any more: it writes nothing, and the signals of its steps are aborted. */
export interface LeaseLost extends EventBase {
  readonly type: 'lease.lost'
}

/** An execution's records don't fit this process's graph: it is left to others. */
export interface ExecutionIncompatible extends EventBase {
  readonly type: 'execution.incompatible'
  /** What changed. */
  readonly reasons: readonly string[]
}

/** Something kept the event loop from turning for longer than the lease. */
export interface LoopBlocked extends EventBase {
  readonly type: 'loop.blocked'
  /** For how long. */
  readonly durationMs: number
  /** The step that began last before it: the likely culprit. */
  readonly suspect: string | undefined
}

/** A step that is not persisted gave another value than before a restart: what was made of the old one stays. */
export interface StepInputsChanged extends StepEventBase {
  readonly type: 'step.inputs-changed'
}

/** An execution that only waits can't be parked, since a value that it needs can't be stored: it stays in this process as long as it waits. */
export interface ParkingFailed extends EventBase {
  readonly type: 'parking.failed'
  /** A SerializationError. */
  readonly error: unknown
}

/** A signal that came can't be used, since it does not fit its type or can't be read: another one may take its place. */
export interface SignalSetAside extends EventBase {
  readonly type: 'signal.set-aside'
  /** The index of the batch's item that it was for. */
  readonly item: number | undefined
  /** The data type's name. */
  readonly signal: string
  /** An InputError, or a SerializationError. */
  readonly error: unknown
}

/** An event that a step waits for does not fit its type, or can't be read: it is waited for still. */
export interface EventSetAside extends EventBase {
  readonly type: 'event.set-aside'
  /** The event type's name. */
  readonly event: string
  /** The key under which it was emitted. */
  readonly key: string
  /** What is wrong with it. */
  readonly error: unknown
}

/** An item of a batch ended, or gave its value to a step that takes all of them. */
export interface BatchProgress extends EventBase {
  readonly type: 'batch.progress'
  /** Items known so far; undefined while an iterable still gives more. */
  readonly total: number | undefined
  /** Items that have ended with a value so far. */
  readonly succeeded: number
  /** Items that have failed so far. */
  readonly failed: number
  /** How much of the batch is done, from 0 to 1: what an item gives to each `all(T)` and its end count the same. Undefined while the total is unknown. */
  readonly share: number | undefined
  /** The item that got on. */
  readonly item: number
}

/** Everything that happens in an execution: what is logged, traced, counted, streamed. */
export type ExecutionEvent =
  | ExecutionStarted
  | ExecutionEnded
  | ExecutionReleased
  | StepStarted
  | StepEnded
  | StepCancelled
  | AttemptStarted
  | AttemptFailed
  | RetryScheduled
  | StepWaiting
  | StepResumed
  | StepRenewed
  | StepEmitted
  | CacheChecked
  | StoreFailed
  | StepInputsChanged
  | SignalSetAside
  | EventSetAside
  | ParkingFailed
  | ExecutionCompensating
  | UndoStarted
  | UndoAttemptFailed
  | UndoEnded
  | ExecutionResumed
  | ExecutionIncompatible
  | LeaseLost
  | LoopBlocked
  | BatchProgress
  | ScheduleEvent
  | ActRecorded
