import type { RandomSource } from './random-source.ts'
import type { Scheduled, Scheduler } from './scheduler.ts'

interface ProcessTimer {
  scheduled: Scheduled
  isCleared: boolean
}

interface SimulatedClock {
  readonly now: () => number
  readonly elapsed?: () => number
  readonly setTimeout: (handler: () => void, timeoutMs: number) => ProcessTimer
  readonly clearTimeout: (timer: ProcessTimer | undefined) => void
  readonly setImmediate: (handler: () => void) => void
}

interface Arrival {
  readonly kind: 'timer' | 'message'
  readonly run: () => void
}

/**
 * A process as the operating system sees it: it can be stopped and continued at any moment, and killed. It has a clock of
 * its own, which goes as fast as all others and may be wrong.
 */
export class SimulatedProcess {
  readonly name: string
  /** Whether the processor gets to it. */
  state: 'up' | 'paused' | 'dead' = 'up'
  readonly #scheduler: Scheduler
  readonly #random: RandomSource
  /** How far its clock is off. */
  offsetMs: number
  /** When it went on that had been stopped. */
  wokeAt = -Infinity
  readonly #timers = new Set<ProcessTimer>()
  /** Those that functions of its user wait for. */
  readonly #sleeps = new Set<ProcessTimer>()
  /** What came while it was paused. */
  #arrivals: Arrival[] = []

  /** `isSteady`: timers count a time of their own, whatever is done to the time of day. */
  constructor(name: string, scheduler: Scheduler, random: RandomSource, offsetMs: number, isSteady = false) {
    this.name = name
    this.#scheduler = scheduler
    this.#random = random
    this.offsetMs = offsetMs
    const startedAt = scheduler.now
    if (isSteady) this.clock = { ...this.clock, elapsed: () => this.#scheduler.now - startedAt }
  }

  /** What this process takes for the time. */
  get now(): number {
    return Math.floor(this.#scheduler.now + this.offsetMs)
  }

  /** Timers that its docket has set and that have not fired: a function that heeds no signal sleeps on after the end. */
  get timers(): number {
    return this.#timers.size - this.#sleeps.size
  }

  readonly clock: SimulatedClock = {
    now: (): number => this.now,
    setTimeout: (handler: () => void, timeoutMs: number): ProcessTimer => {
      const fire = (): void => {
        if (timer.isCleared) return
        this.#forget(timer)
        handler()
      }
      const scheduled = this.#scheduler.after(Math.max(1, timeoutMs), () => this.#deliver({ kind: 'timer', run: fire }))
      const timer: ProcessTimer = { scheduled, isCleared: false }
      this.#timers.add(timer)
      return timer
    },
    clearTimeout: (timer: ProcessTimer | undefined): void => {
      if (timer === undefined) return
      timer.isCleared = timer.scheduled.isCancelled = true
      this.#forget(timer)
    },
    setImmediate: (handler: () => void): void => this.post(0, handler),
  }

  /** Something reaches the process from outside: an answer, a request, a hint. */
  post(delayMs: number, run: () => void): void {
    this.#scheduler.after(delayMs, () => this.#deliver({ kind: 'message', run }))
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.clock.clearTimeout(timer)
        reject(signal!.reason as Error)
      }
      const timer = this.clock.setTimeout(() => {
        signal?.removeEventListener('abort', stop)
        resolve()
      }, ms)
      this.#sleeps.add(timer)
      if (signal?.aborted === true) stop()
      else signal?.addEventListener('abort', stop, { once: true })
    })
  }

  pause(): void {
    if (this.state === 'up') this.state = 'paused'
  }

  /** Goes on; what came meanwhile is dealt with now, in one of the orders that an event loop may take. */
  resume(): void {
    if (this.state !== 'paused') return
    this.state = 'up'
    this.wokeAt = this.#scheduler.now
    const arrivals = this.#arrivals
    this.#arrivals = []
    const timers = arrivals.filter(({ kind }) => kind === 'timer')
    const messages = arrivals.filter(({ kind }) => kind === 'message')
    const order = this.#random.pick([arrivals, [...timers, ...messages], [...messages, ...timers]])
    for (const arrival of order) this.#scheduler.after(0, () => this.#deliver(arrival))
  }

  kill(): void {
    this.state = 'dead'
    for (const timer of this.#timers) timer.scheduled.isCancelled = true
    this.#timers.clear()
    this.#sleeps.clear()
    this.#arrivals = []
  }

  #forget(timer: ProcessTimer): void {
    this.#timers.delete(timer)
    this.#sleeps.delete(timer)
  }

  #deliver(arrival: Arrival): void {
    if (this.state === 'up') arrival.run()
    else if (this.state === 'paused') this.#arrivals.push(arrival)
  }
}
