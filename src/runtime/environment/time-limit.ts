import { ExecutionExpiredError, ExecutionTimeoutError } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import type { FullClock } from './clock.ts'
import { fireAfter, fireAt } from './timers.ts'
import type { Timer } from './timers.ts'

/** A time that counts everything, whatever an execution does: it is cancelled then. */
export interface Lifetime {
  /** When it is over, in milliseconds since the epoch. */
  readonly until: number
  /** What set it, and how long that was. */
  readonly limit: 'maxPending' | 'maxRunning'
  readonly limitMs: number
}

/** What bounds the time of an execution. */
export interface TimeBounds {
  readonly timeoutMs: number | undefined
  /** What earlier lives have taken of the timeout. @default 0 */
  readonly spentMs?: number | undefined
  /** Milliseconds since the epoch. */
  readonly deadline: number | undefined
  /** Only of durable executions. @default none */
  readonly lifetime?: Lifetime | undefined
}

/** When time of day ends an execution at the latest; undefined where it does not. */
export function latestEnd({ deadline, lifetime }: Pick<TimeBounds, 'deadline' | 'lifetime'>): number | undefined {
  return lifetime === undefined ? deadline : Math.min(deadline ?? Infinity, lifetime.until)
}

/**
 * How long an execution may take: its timeout counts steady time from its start, and what earlier lives have taken; its deadline is a
 * time of day and follows the clock when that is set. Whichever comes first ends it.
 */
export class TimeLimit {
  readonly #clock: FullClock
  readonly #bounds: TimeBounds
  /** In steady time; later by what it has rested. */
  #timeoutAt: number
  #restsSince: number | undefined
  readonly #deadline: number
  #timeoutTimer: Timer | undefined
  #deadlineTimer: Timer | undefined
  #onOver: (() => void) | undefined
  #endedByDeadline: boolean | undefined

  constructor(bounds: TimeBounds, clock: FullClock) {
    this.#clock = clock
    this.#bounds = bounds
    const { timeoutMs, spentMs = 0 } = bounds
    this.#timeoutAt = timeoutMs === undefined ? Infinity : clock.elapsed() + timeoutMs - spentMs
    this.#deadline = latestEnd(bounds) ?? Infinity
  }

  /** Whether the time is over: a process that was paused may get to other things before it gets to its timers. */
  get hasPassed(): boolean {
    return this.#isPastDeadline || this.#isPastTimeout
  }

  /** Calls back once, when the time is over. */
  start(onOver: () => void): void {
    this.#onOver = onOver
    this.#armTimeout()
    if (this.#deadline !== Infinity) this.#deadlineTimer = fireAt(this.#clock, this.#deadline, () => this.#over(true))
  }

  /** The timeout does not count what comes now, until `goOn`: it bounds work, and there is none. The deadline counts everything. */
  rest(): void {
    if (this.#timeoutAt === Infinity || this.#restsSince !== undefined || this.#isPastTimeout) return
    this.#restsSince = this.#clock.elapsed()
    this.#timeoutTimer?.cancel()
  }

  goOn(): void {
    if (this.#restsSince === undefined) return
    this.#timeoutAt += this.#clock.elapsed() - this.#restsSince
    this.#restsSince = undefined
    if (this.#onOver !== undefined) this.#armTimeout()
  }

  stop(): void {
    this.#timeoutTimer?.cancel()
    this.#deadlineTimer?.cancel()
    this.#onOver = undefined
  }

  #armTimeout(): void {
    if (this.#timeoutAt !== Infinity && this.#restsSince === undefined)
      this.#timeoutTimer = fireAfter(this.#clock, this.#timeoutAt - this.#clock.elapsed(), () => this.#over(false))
  }

  #over(isDeadline: boolean): void {
    const onOver = this.#onOver
    this.#endedByDeadline = isDeadline
    this.stop()
    onOver?.()
  }

  get #isPastTimeout(): boolean {
    return this.#timeoutAt !== Infinity && this.#restsSince === undefined && this.#clock.elapsed() >= this.#timeoutAt
  }

  /** What an execution ends with whose time is over. */
  error(place: ErrorPlace): ExecutionTimeoutError | ExecutionExpiredError {
    const { timeoutMs, lifetime } = this.#bounds
    const isDeadline = this.#endedByDeadline ?? (timeoutMs === undefined || this.#deadlineIsEarlier)
    if (isDeadline && lifetime?.until === this.#deadline)
      return new ExecutionExpiredError(lifetime.limit, lifetime.limitMs, place)
    return timeoutMs === undefined || isDeadline
      ? new ExecutionTimeoutError({ deadline: new Date(this.#deadline) }, place)
      : new ExecutionTimeoutError({ timeoutMs }, place)
  }

  /** Of two that are over, the one that has been for longer. */
  get #deadlineIsEarlier(): boolean {
    return this.#clock.now() - this.#deadline > this.#clock.elapsed() - this.#timeoutAt
  }

  get #isPastDeadline(): boolean {
    return this.#deadline !== Infinity && this.#clock.now() >= this.#deadline
  }
}

/** The limit of an execution that begins now; undefined where nothing bounds it. */
export function timeLimitOf(bounds: TimeBounds, clock: FullClock): TimeLimit | undefined {
  return bounds.timeoutMs === undefined && latestEnd(bounds) === undefined ? undefined : new TimeLimit(bounds, clock)
}

/** A deadline as a caller gives it, in milliseconds since the epoch. */
export function deadlineMs(deadline: Date | number | undefined): number | undefined {
  return deadline === undefined ? undefined : Number(deadline)
}
