import { outsideCalls } from './async-context.ts'
import { longestTimeoutMs } from './long-timeout.ts'
import { TimerHeap } from './timer-heap.ts'
import type { QueuedTimer } from './timer-heap.ts'

/** What a queue of timers needs of its host. */
export interface TimerHost {
  /** Steady time: what the queue's due times are counted in. */
  elapsed(): number
  setTimeout(handler: () => void, timeoutMs: number): unknown
  clearTimeout(handle: unknown): void
}

/**
 * All timers of one clock in one heap of due times, behind a single `setTimeout`. Nothing stays armed when the queue is empty: a script that is done exits at once.
 */
export class TimerQueue {
  readonly #host: TimerHost
  readonly #heap = new TimerHeap(() => this.#disarm())
  #armed: unknown
  #armedFor = Infinity
  /** The time that it is when what is armed fires, even if the host's steady time is slow, or stands still in a test. */
  #armedUntil = 0

  constructor(host: TimerHost) {
    this.#host = host
  }

  get size(): number {
    return this.#heap.size
  }

  schedule(dueAt: number, fire: () => void): QueuedTimer {
    const timer = this.#heap.add(dueAt, fire)
    if (dueAt < this.#armedFor) this.#arm()
    return timer
  }

  #arm(): void {
    this.#disarm()
    const { first } = this.#heap
    if (first === undefined) return
    this.#armedFor = first.dueAt
    const now = this.#host.elapsed()
    const waitMs = Math.min(Math.max(0, Math.ceil(first.dueAt - now)), longestTimeoutMs)
    this.#armedUntil = Math.min(first.dueAt, now + waitMs)
    this.#armed = outsideCalls.run(() => this.#host.setTimeout(this.#onDue, waitMs))
  }

  #disarm(): void {
    if (this.#armed === undefined) return
    this.#host.clearTimeout(this.#armed)
    this.#armed = undefined
    this.#armedFor = Infinity
  }

  readonly #onDue = (): void => {
    this.#armed = undefined
    this.#armedFor = Infinity
    const now = Math.max(this.#host.elapsed(), this.#armedUntil)
    try {
      this.#heap.fireUntil(now)
    } finally {
      this.#arm()
    }
  }
}
