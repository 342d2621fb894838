import { describe } from '../../core/check-options.ts'
import { durationHint, durationMs } from '../../core/duration.ts'
import type { Duration } from '../../core/duration.ts'
import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import { isRecord } from '../../core/is-record.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import { ExecutionExpiredError, ExecutionTimeoutError } from '../../core/errors.ts'
import type { Lifetime, TimeBounds } from '../../runtime/environment/time-limit.ts'

/** How long an execution may take, whatever it does: given with its start, or to its docket. */
export interface LifetimeLimits {
  /**
   * An execution that no process has begun this long after it was started is cancelled, with an ExecutionExpiredError. A retry that begins again is no start.
   * @default none, or that of the docket
   */
  readonly maxPending?: Duration | undefined
  /**
   * An execution that has not ended this long after it began first is cancelled, with an ExecutionExpiredError: everything counts, its waits too. A retry
   * counts anew. @default none, or that of the docket
   */
  readonly maxRunning?: Duration | undefined
}

/** What is wrong with them; absent ones are fine. */
export function problemsOfLifetime(options: object): readonly string[] {
  return (['maxPending', 'maxRunning'] as const).flatMap((name) => {
    const given: unknown = Reflect.get(options, name)
    return given === undefined || durationMs(given)! > 0
      ? []
      : [`${name} ${describe(given)} is not a duration above zero; ${durationHint}`]
  })
}

/** The limits as they stand with the inputs: the record's deadline is the one of them that comes first. */
export interface StoredLimits {
  readonly maxPendingMs?: number | undefined
  readonly maxRunningMs?: number | undefined
  /** The caller's. */
  readonly deadline?: number | undefined
}

/** What limits come to; undefined where none but a deadline is given. */
export function storedLimitsOf(
  { maxPending, maxRunning }: LifetimeLimits,
  defaults: LifetimeLimits,
  deadline: number | undefined,
): StoredLimits | undefined {
  const [pending, running] = [maxPending ?? defaults.maxPending, maxRunning ?? defaults.maxRunning]
  if (pending === undefined && running === undefined) return undefined
  return {
    ...(pending !== undefined && { maxPendingMs: durationMs(pending)! }),
    ...(running !== undefined && { maxRunningMs: durationMs(running)! }),
    ...(deadline !== undefined && { deadline }),
  }
}

/** Reads them from a stored document. */
export function readLimits(stored: unknown): StoredLimits | undefined {
  return isRecord(stored) ? (stored as StoredLimits) : undefined
}

/** The limits with the deadline of the call that goes on with what has ended; the same ones where it gives none. */
export function limitsWith(limits: StoredLimits | undefined, deadline: number | undefined): StoredLimits | undefined {
  return limits === undefined || deadline === undefined ? limits : { ...limits, deadline }
}

type Times = Pick<ExecutionRecord, 'createdAt' | 'startedAt'> & Partial<Pick<ExecutionRecord, 'startAt'>>

/** When an execution with these limits is ended at the latest, as its record has it. */
export function latestEndOf({ deadline, ...limits }: StoredLimits, times: Times): number | undefined {
  const until = endOf(limits, times)?.until
  return until === undefined ? deadline : Math.min(deadline ?? Infinity, until)
}

/** What bounds the time of an execution that begins, or goes on, now. */
export function boundsOf(
  record: Times & Pick<ExecutionRecord, 'deadline'>,
  limits: StoredLimits | undefined,
  now: number,
): Pick<TimeBounds, 'deadline' | 'lifetime'> {
  if (limits === undefined) return { deadline: record.deadline, lifetime: undefined }
  const pending = record.startedAt === undefined ? endOf(limits, record) : undefined
  const isLate = pending !== undefined && now >= pending.until
  return {
    deadline: limits.deadline,
    lifetime: isLate ? pending : endOf(limits, { ...record, startedAt: record.startedAt ?? now }),
  }
}

/** The deadline of the record of an execution that has not begun, once it has; undefined where its beginning changes nothing. */
export function deadlineOnceBegun(
  { createdAt, startedAt }: Times,
  limits: StoredLimits | undefined,
): ((startedAt: number) => number | undefined) | undefined {
  if (limits === undefined || startedAt !== undefined) return undefined
  return (begunAt) => latestEndOf(limits, { createdAt, startedAt: begunAt })
}

/** The deadline of the record of an execution that begins again after its end: a caller may give it another one. */
export function deadlineAnew(
  { createdAt }: Pick<Times, 'createdAt'>,
  deadline: number | undefined,
  limits: StoredLimits | undefined,
  startedAt: number,
): { readonly deadline?: number | undefined } {
  if (limits === undefined) return deadline === undefined ? {} : { deadline }
  return { deadline: latestEndOf({ ...limits, deadline: deadline ?? limits.deadline }, { createdAt, startedAt }) }
}

/** What an execution is ended with whose record's deadline has come. */
export function overdueError(
  record: Times & Pick<ExecutionRecord, 'deadline'>,
  limits: StoredLimits | undefined,
  place: ErrorPlace,
): ExecutionExpiredError | ExecutionTimeoutError {
  const lifetime = limits === undefined ? undefined : endOf(limits, record)
  return lifetime?.until === record.deadline && lifetime !== undefined
    ? new ExecutionExpiredError(lifetime.limit, lifetime.limitMs, place)
    : new ExecutionTimeoutError({ deadline: new Date(record.deadline!) }, place)
}

function endOf(
  { maxPendingMs, maxRunningMs }: StoredLimits,
  { createdAt, startedAt, startAt = createdAt }: Times,
): Lifetime | undefined {
  const [limit, limitMs, since] =
    startedAt === undefined
      ? // Before it may begin, it is not late.
        (['maxPending', maxPendingMs, Math.max(createdAt, startAt)] as const)
      : (['maxRunning', maxRunningMs, startedAt] as const)
  return limitMs === undefined ? undefined : { until: since + limitMs, limit, limitMs }
}
