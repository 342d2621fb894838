import { ExecutionTimeoutError } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/errors.ts'
import type { FullClock } from './clock.ts'

/** What bounds the time of an execution. */
export interface TimeBounds {
  readonly timeoutMs: number | undefined
  /** What earlier lives have taken of the timeout. @default 0 */
  readonly spentMs?: number | undefined
  /** Milliseconds since the epoch. */
  readonly deadline: number | undefined
}

/** When the time of an execution is over, and what it then ends with. */
export interface TimeLimit {
  readonly at: number
  error(place: ErrorPlace): ExecutionTimeoutError
}

/** The earlier of an execution's timeout, which counts from its start and what earlier lives have taken, and its deadline. */
export function timeLimitOf(
  { timeoutMs, spentMs = 0, deadline }: TimeBounds,
  startedAt: number,
): TimeLimit | undefined {
  const timeoutAt = timeoutMs === undefined ? Infinity : startedAt + timeoutMs - spentMs
  if (deadline !== undefined && deadline < timeoutAt)
    return { at: deadline, error: (place) => new ExecutionTimeoutError({ deadline: new Date(deadline) }, place) }
  if (timeoutMs === undefined) return undefined
  return { at: timeoutAt, error: (place) => new ExecutionTimeoutError({ timeoutMs }, place) }
}

/** A deadline as a caller gives it, in milliseconds since the epoch. */
export function deadlineMs(deadline: Date | number | undefined): number | undefined {
  return deadline === undefined ? undefined : Number(deadline)
}

/** Whether the time is over: a process that was paused may get to other things before it gets to its timers. */
export function hasPassed(limit: TimeLimit | undefined, clock: Pick<FullClock, 'now'>): boolean {
  return limit !== undefined && clock.now() >= limit.at
}
