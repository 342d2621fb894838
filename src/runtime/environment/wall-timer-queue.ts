import { TimerHeap } from './timer-heap.ts'
import type { QueuedTimer } from './timer-heap.ts'

/** What a queue of times of day needs of its host. */
interface WallTimerHost {
  /** The time of day, in milliseconds since the epoch. */
  now(): number
  /** Steady time. */
  elapsed(): number
  /** Calls back after a duration of steady time. */
  after(ms: number, fire: () => void): { cancel(): void }
  /** How long it may take until it is noticed that the time of day was set, while the first is so far off. */
  lookAgainMs(leftMs: number): number
}

/**
 * All that waits for a time of day, by one clock, behind a single timer: however much waits, one look every second notices that the time was
 * set, forward or back, and nothing stays armed when nothing waits.
 */
export class WallTimerQueue {
  readonly #host: WallTimerHost
  readonly #heap = new TimerHeap(() => this.#disarm())
  #armed: { cancel(): void } | undefined
  /** In steady time. */
  #looksAt = Infinity

  constructor(host: WallTimerHost) {
    this.#host = host
  }

  schedule(dueAt: number, fire: () => void): QueuedTimer {
    const timer = this.#heap.add(dueAt, fire)
    this.#lookFor(dueAt)
    return timer
  }

  #lookFor(dueAt: number): void {
    const { now, elapsed, after, lookAgainMs } = this.#host
    const leftMs = Math.max(0, dueAt - now())
    const waitMs = Math.min(leftMs, lookAgainMs(leftMs))
    const looksAt = elapsed() + waitMs
    if (looksAt >= this.#looksAt) return
    this.#disarm()
    this.#looksAt = looksAt
    this.#armed = after(waitMs, this.#look)
  }

  #disarm(): void {
    this.#armed?.cancel()
    this.#armed = undefined
    this.#looksAt = Infinity
  }

  readonly #look = (): void => {
    this.#armed = undefined
    this.#looksAt = Infinity
    try {
      this.#heap.fireUntil(this.#host.now())
    } finally {
      const { first } = this.#heap
      if (first !== undefined) this.#lookFor(first.dueAt)
    }
  }
}
