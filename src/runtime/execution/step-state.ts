import type { PersistSpec } from '../../core/graph/graph-index.ts'
import type { First } from '../../core/language/race.ts'
import type { PlanStep } from '../../core/graph/plan.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import type { FullClock } from '../environment/clock.ts'
import type { PastAttempt } from './past-attempt.ts'
import type { AwaitedLimit } from '../steps/shared-limits.ts'

/** What was before the attempt that runs. */
interface StepHistory {
  readonly queuedAt: number | undefined
  readonly pastAttempts: readonly PastAttempt[] | undefined
}

/** A step of an execution as emitter, recorder and snapshots see it. Times are milliseconds since the epoch. */
export interface StepState {
  readonly planStep: PlanStep
  readonly step: string
  /** Number of the step machine's state. */
  readonly state: number
  /** The current or last attempt; 0 before the first. */
  readonly attempt: number
  readonly startedAt: number | undefined
  readonly endedAt: number | undefined
  readonly dueAt: number | undefined
  /** When the running or last attempt began, or the search for its result. */
  readonly attemptStartedAt: number
  /** Since when it waits for its next attempt, or for a slot; undefined where an earlier process had it wait. */
  readonly waitsSince: number | undefined
  /** In steady time, as is the next. */
  readonly beganAt: number
  readonly attemptBeganAt: number
  readonly output: unknown
  readonly error: unknown
  readonly persist: PersistSpec | undefined
  /** What came first, of a race that is decided. */
  readonly first: First | undefined
  /** The limits of all processes that it waits for; undefined where it waits for none. */
  readonly awaitedLimits: readonly AwaitedLimit[] | undefined
  /** Whether it waits for such limits, and its execution needs no slot of the worker meanwhile. */
  readonly restsInLine: boolean
  /** The key of the event that it waits for, if it waits for one. */
  readonly awaitedKey: string | undefined
  /** What its work was at when that was kept last. */
  readonly heldState: unknown
  /** What is remembered of its attempts, and since when it had its inputs; undefined for most. */
  readonly extras: StepHistory | undefined
  readonly inputs: Record<string, unknown>
  readonly hasOutput: boolean
  readonly hasEnded: boolean
  readonly execution: {
    /** Index of the batch's item. */
    readonly item: number | undefined
    readonly place: ErrorPlace
    readonly clock: FullClock
  }
}
