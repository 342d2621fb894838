import { AsyncResource } from 'node:async_hooks'
import { performance } from 'node:perf_hooks'
import { clearTimeout, setTimeout } from 'node:timers'

/** How often work is done. */
export interface Pace {
  /** Between the end of one and the beginning of the next, at least. */
  readonly leastMs: number
  /** The same where nothing calls for it; undefined where it is done on call alone. */
  readonly idleMs?: number
}

/** The time that it goes by. */
export interface PacerClock {
  /** Milliseconds of a time that only moves forward. */
  elapsed(): number
  /** Calls back once, and keeps no process alive for it. */
  setTimeout(handler: () => void, ms: number): unknown
  clearTimeout(handle: never): void
}

/** The machine's own. */
export const machineClock: PacerClock = {
  elapsed: () => performance.now(),
  setTimeout: (handler, ms) => setTimeout(handler, ms).unref(),
  clearTimeout: (handle) => clearTimeout(handle),
}

/** So much of the time the work may take at the most, as one part of as many. */
const share = { busy: 10, idle: 20 } as const
/** What takes so long that this is less has waited, as for a store that was away. */
const longestPauseMs = 10_000

/** Does one piece of work again and again: soon after something calls for it, now and then otherwise, one at a time, and for no more than a tenth of the time, as far as pauses of 10 s make that. */
export class Pacer {
  readonly #work: () => Promise<void> | void
  readonly #pace: Pace
  readonly #clock: PacerClock
  // Whoever calls for it may be in the middle of an execution, in its async context.
  readonly #context = new AsyncResource('docket-inspector')
  #timer: unknown
  #dueAt = Infinity
  #endedAt = -Infinity
  #tookMs = 0
  #isRunning = false
  #isCalledFor = false
  #isStopped = false

  /** @param work must not reject */
  constructor(work: () => Promise<void> | void, pace: Pace, clock: PacerClock = machineClock) {
    this.#work = work
    this.#clock = clock
    this.#pace = pace
  }

  /** Something has changed. */
  call(): void {
    if (this.#isCalledFor || this.#isStopped) return
    this.#isCalledFor = true
    if (!this.#isRunning) this.#schedule()
  }

  stop(): void {
    this.#isStopped = true
    this.#clock.clearTimeout(this.#timer as never)
  }

  #schedule(): void {
    const { leastMs, idleMs } = this.#pace
    const pauseMs = this.#isCalledFor
      ? Math.max(leastMs, Math.min(longestPauseMs, share.busy * this.#tookMs))
      : idleMs === undefined
        ? Infinity
        : Math.max(idleMs, Math.min(longestPauseMs, share.idle * this.#tookMs))
    const dueAt = Math.max(this.#clock.elapsed(), this.#endedAt + pauseMs)
    if (dueAt === Infinity || (this.#timer !== undefined && dueAt >= this.#dueAt)) return
    this.#clock.clearTimeout(this.#timer as never)
    this.#dueAt = dueAt
    this.#context.runInAsyncScope(() => {
      this.#timer = this.#clock.setTimeout(() => void this.#run(), Math.max(0, dueAt - this.#clock.elapsed()))
    })
  }

  async #run(): Promise<void> {
    this.#timer = undefined
    this.#isCalledFor = false
    this.#isRunning = true
    const beganAt = this.#clock.elapsed()
    try {
      await this.#work()
    } finally {
      this.#endedAt = this.#clock.elapsed()
      this.#tookMs = this.#endedAt - beganAt
      this.#isRunning = false
      if (!this.#isStopped) this.#schedule()
    }
  }
}
