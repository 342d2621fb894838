import type { DurableTime } from './durable-time.ts'

/** The clock of a machine that can be suspended: meanwhile its steady time stands still, and so do its timers; the time of day goes on. */
export class SuspendedClock {
  readonly #clock: DurableTime
  #sleptMs = 0
  #asleepSince: number | undefined
  #waking: (() => void)[] = []

  constructor(clock: DurableTime) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now()
  }

  elapsed(): number {
    return (this.#asleepSince ?? this.#clock.elapsed()) - this.#sleptMs
  }

  setTimeout(handler: () => void, ms: number): { handle: number } {
    const dueAt = this.elapsed() + ms
    const timer = { handle: 0 }
    const look = (): void => {
      if (this.#asleepSince !== undefined) this.#waking.push(look)
      else if (this.elapsed() < dueAt) timer.handle = this.#clock.setTimeout(look, dueAt - this.elapsed())
      else handler()
    }
    timer.handle = this.#clock.setTimeout(look, ms)
    return timer
  }

  clearTimeout(timer: { handle: number } | undefined): void {
    if (timer !== undefined) this.#clock.clearTimeout(timer.handle)
  }

  setImmediate(handler: () => void): void {
    this.#clock.setImmediate(handler)
  }

  suspend(): void {
    this.#asleepSince = this.#clock.elapsed()
  }

  async wake(): Promise<void> {
    this.#sleptMs += this.#clock.elapsed() - this.#asleepSince!
    this.#asleepSince = undefined
    for (const look of this.#waking.splice(0)) look()
    await this.#clock.advance(0)
  }
}
