// Those of Node: a test that fakes the global ones, also before this is loaded, means those of its steps.
import { setImmediate, setTimeout } from 'node:timers'
import type { Clock, WorkClock } from '../../runtime/environment/clock.ts'

interface Timer {
  readonly dueAt: number
  readonly handler: () => void
  /** Upkeep: it keeps nobody waiting, so time does not stop for it. */
  isUpkeep: boolean
}

/** A function that somebody waits for, as people call it. */
export interface FunctionAtWork {
  readonly what: string
}

/** Lets all microtasks run, and one turn of the event loop pass. */
export function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(() => resolve()))
}

/** Lets a moment of real time pass, for what is no matter of virtual time: I/O of a step. */
export function moment(): Promise<void> {
  return new Promise((resolve) => void setTimeout(() => resolve(), 1))
}

/** The time of a test docket: it stands still until it is moved from one due time to the next. */
export class TestTime {
  #now: number
  #pendingTurns = 0
  readonly #timers = new Set<Timer>()
  readonly #functions = new Set<FunctionAtWork>()

  constructor(start: number) {
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  /** Whether something waits for the end of a turn of the event loop. */
  get hasPendingTurns(): boolean {
    return this.#pendingTurns > 0
  }

  /** The functions at work that no event reports. */
  get functionsAtWork(): ReadonlySet<FunctionAtWork> {
    return this.#functions
  }

  /** When the next timer is due that somebody waits for; of upkeep, with `ofUpkeep`. */
  nextDue(ofUpkeep = false): number | undefined {
    let next: number | undefined
    for (const { dueAt, isUpkeep } of this.#timers)
      if ((!isUpkeep || ofUpkeep) && (next === undefined || dueAt < next)) next = dueAt
    return next
  }

  /**
   * Moves on, and fires what is due, the earliest first; upkeep that would have come several times on the way comes once. `between` is awaited
   * after each.
   */
  async moveTo(time: number, between: () => Promise<void>): Promise<void> {
    this.#now = Math.max(this.#now, time)
    const due = [...this.#timers].filter(({ dueAt }) => dueAt <= this.#now).toSorted((a, b) => a.dueAt - b.dueAt)
    for (const timer of due) {
      if (!this.#timers.delete(timer)) continue
      timer.handler()
      await between()
    }
  }

  /** The clock of one process: all its timers are gone once it has stopped, and nobody waits for its functions. */
  clock(): Clock & WorkClock & { stop(): void } {
    const own = new Set<Timer>()
    const functions = new Set<FunctionAtWork>()
    let isStopped = false
    return {
      now: () => this.#now,
      elapsed: () => this.#now,
      setTimeout: (handler, timeoutMs) => {
        const timer: Timer & { unref(): void; markAsLook(): void } = {
          dueAt: this.#now + Math.max(0, timeoutMs),
          isUpkeep: false,
          handler: () => {
            own.delete(timer)
            handler()
          },
          unref: () => void (timer.isUpkeep = true),
          markAsLook: () => void (timer.isUpkeep = true),
        }
        if (!isStopped) {
          own.add(timer)
          this.#timers.add(timer)
        }
        return timer
      },
      clearTimeout: (timer: Timer) => {
        own.delete(timer)
        this.#timers.delete(timer)
      },
      setImmediate: (handler) => {
        this.#pendingTurns++
        setImmediate(() => {
          this.#pendingTurns--
          if (!isStopped) handler()
        })
      },
      functionBegan: (what) => {
        const one = { what }
        if (!isStopped) for (const all of [functions, this.#functions]) all.add(one)
        return () => {
          for (const all of [functions, this.#functions]) all.delete(one)
        }
      },
      stop: () => {
        isStopped = true
        for (const one of functions) this.#functions.delete(one)
        for (const timer of own) this.#timers.delete(timer)
        own.clear()
      },
    }
  }
}
