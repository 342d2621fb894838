import type { DurableTime } from './durable-time.ts'

/** The clock of a process that can be stopped for a while, as a laptop that sleeps: its timers fire when it goes on. */
export class PausedClock {
  readonly #clock: DurableTime
  #isPaused = false
  #due: (() => void)[] = []

  constructor(clock: DurableTime) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now()
  }

  setTimeout(handler: () => void, ms: number): number {
    return this.#clock.setTimeout(() => {
      if (this.#isPaused) this.#due.push(handler)
      else handler()
    }, ms)
  }

  clearTimeout(handle: number): void {
    this.#clock.clearTimeout(handle)
  }

  setImmediate(handler: () => void): void {
    this.#clock.setImmediate(handler)
  }

  pause(): void {
    this.#isPaused = true
  }

  /** Goes on: first what was ready to go on, then the timers that came due. */
  async resume(): Promise<void> {
    this.#isPaused = false
    await this.#clock.advance(0)
    for (const handler of this.#due.splice(0)) handler()
    await this.#clock.advance(0)
  }
}
