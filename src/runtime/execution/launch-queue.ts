import type { FullClock } from '../environment/clock.ts'
import { turnOf } from '../environment/turn.ts'
import type { Turn } from '../environment/turn.ts'

// A burst is started in slices, a microtask apart, so that steps that are done at once are done, and their memory free, before more begin:
// starting 100,000 in one go costs the garbage collector twice the time of a step. Timers and I/O have their turn when it is due.
const sliceSize = 1_024
// Most executions have no more steps than these: they are begun without a look at the clock.
const uncounted = 16

/** What an execution does with its queue. */
export interface Launcher {
  readonly clock: FullClock
  readonly hasEnded: boolean
  launch(position: number): void
  /** The queue is empty again. */
  releaseIfIdle(): void
}

/** The steps of one execution that are ready to begin, in order. */
export class LaunchQueue {
  /** Whether steps are being started right now. */
  isDraining = false
  readonly #launcher: Launcher
  readonly #ready: number[] = []
  #next = 0
  #launched = 0
  #turn: Turn | undefined

  constructor(launcher: Launcher) {
    this.#launcher = launcher
  }

  push(position: number): void {
    this.#ready.push(position)
  }

  /** Starts what is ready. A loop, not recursion: a chain of thousands of synchronous steps must not grow the stack. */
  drain(): void {
    if (this.isDraining) return
    this.isDraining = true
    const launcher = this.#launcher
    const until = this.#next + sliceSize
    while (this.#next < this.#ready.length && this.#next < until && !launcher.hasEnded) {
      if (++this.#launched > uncounted && (this.#turn ??= turnOf(launcher.clock)).mustYield()) {
        this.#turn.defer(this.#goOn)
        return
      }
      launcher.launch(this.#ready[this.#next++]!)
    }
    if (this.#next < this.#ready.length && !launcher.hasEnded) {
      queueMicrotask(this.#goOn)
      return
    }
    this.#ready.length = 0
    this.#next = 0
    this.isDraining = false
    launcher.releaseIfIdle()
  }

  readonly #goOn = (): void => {
    this.isDraining = false
    this.drain()
  }
}
