import type { Effect } from './effects.ts'
import type { UndoView } from './execution-view.ts'
import type { AwaitedLimit } from '../steps/shared-limits.ts'
import type { StepState } from './step-state.ts'

/** Of which item, and how often before. */
export interface UndoneStep {
  readonly itemKey: string | undefined
  readonly undoings: number
}

/** Writes how far what the steps did is undone. */
export interface UndoRecorder {
  /** Resolves once it is on record what won a race: only then is undone what the others did. */
  noteDecided(race: StepState): Promise<void>
  /** Resolves once it is on record that the execution ends so, and is undone first; undefined where nobody has to wait for that. */
  noteCompensating(error: unknown, itemKey: string | undefined): Promise<void> | undefined
  /** Resolves once an undoing that has begun, waits or has ended is on record; undefined where nobody has to wait for that. */
  noteUndo(effect: Effect, view: UndoView, of: UndoneStep): Promise<void> | undefined
}

/** Writes what a durable execution makes, before dependants or callers see it. */
export interface Recorder extends UndoRecorder {
  /** Names the process that runs the execution. */
  readonly owner: string
  /** Keeps a persisted step's value and gives the one that holds: an attempt that timed out may have brought one before. Rejects when it can't be kept. */
  persist(run: StepState, value: unknown, status: 'completed' | 'cached'): Promise<unknown>
  /** Keeps what an attempt brought after its step had ended: the work is done. */
  persistLate(run: StepState, value: unknown): void
  /**
   * An attempt is about to run: ends the execution instead where this process has no right to it any more. Where attempts are counted,
   * resolves once this one is on record: only then may it run. Rejects when that can't be written.
   */
  noteStarted(run: StepState): Promise<void> | undefined
  /** Whether another function of the execution may be called: ends it here where this process has no right to it any more. */
  mayBegin(): boolean | Promise<boolean>
  /** This, and what has no promise below, is written along with the next commit, and waited for by nobody. */
  noteRetry(run: StepState, error: unknown): void
  noteWaiting(run: StepState): void
  /** It waits for limits that all processes share, since then: whoever goes on with it has its place in line. */
  noteQueued(run: StepState, since: number, limits: readonly AwaitedLimit[]): void
  /** What a step's work is at, with what it has taken from its inbox: resolves once that is on record. By `waitsUntil` it waits then. */
  noteState(
    run: StepState,
    state: unknown,
    waitsUntil: { readonly dueAt: number | undefined } | undefined,
  ): Promise<void>
  noteFailed(run: StepState, error: unknown): void
  noteSkipped(run: StepState, error: unknown): void
  /** The execution has ended as failed or cancelled, and so the step that was begun. */
  noteCancelled(run: StepState, reason: unknown): void
  /** Whether an attempt that failed is to be left open, since the execution is handed over because of what it failed with. */
  handsOverInstead(error: unknown): boolean
  /** Pends while the store decides whether the execution is parked, and gives that. Undefined at other times. */
  readonly parking: Promise<boolean> | undefined
  /** A step has ended, and only the recorder may read it again. */
  forgotten(run: StepState): void
  /** Keeps the execution's output; undefined where it went out with the last step's value already. */
  end(output: unknown): Promise<void> | undefined
  /** The execution, or its batch, is about to end with this error; the first one counts. */
  failing(error: unknown): void
  /**
   * Resolves once it is on record that it ends so, and rejects where that can't be written here any more; undefined where it does not end. What it has begun elsewhere is ended after that: whoever goes on with it, should this
   * process die in between, must not go on without that.
   */
  noteFailing(): Promise<void> | undefined
  /** How the execution ends is written after this: its children are cancelled first, since nobody would do that once it has ended. */
  endsAfter(work: Promise<unknown>): void
  /** The same, of work that ends what it has begun elsewhere: it begins once it is on record that the execution ends, if it does. */
  endsWith(work: () => Promise<unknown>): void
  /** The step was cancelled while its function ran on, which may still bring a value: not one that only waited, of which nothing comes any more. */
  straggles(run: StepState): void
  /** It came to an end without one. */
  endedLate(run: StepState): void
}
