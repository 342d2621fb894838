import type { FullClock } from './clock.ts'
import { hostImmediate, isNodesImmediate } from '../../core/host-immediate.ts'

// How long work that never waits may hold the event loop before timers and I/O have their turn: less than the 10 ms that are promised, since
// the piece that is under way ends first. What is begun already has a little longer: mostly it is through by then, and to put off
// each of its pieces costs more than they do.
const newWorkMs = 5
const begunWorkMs = 7
// How far looks at the clock are apart: one costs as much as a small step, and a piece may suddenly take a thousand times as long.
const lookEveryMs = 0.25
const mostPieces = 32

/**
 * The turn of the event loop that is under way, for work that could fill it: each piece is counted before it begins, and once the turn has
 * lasted long enough, what is left waits for the next one. A piece costs a decrement; the clock is looked at every few.
 */
export class Turn {
  readonly #clock: FullClock
  /** Pieces until the next look. */
  #left = 0
  #every = 1
  #since = 0
  #lookedAt = 0
  #loops: number | undefined
  /** What reports the end of this turn: the host's setImmediate of the moment. */
  #reporter: unknown
  #canEnd = false

  constructor(clock: FullClock) {
    this.#clock = clock
  }

  /** Counts pieces of new work, which are about to begin. True if they must wait (see `defer`): timers and I/O have waited long enough. */
  mustYield(pieces = 1): boolean {
    this.#left -= pieces
    return this.#left < 0 && this.#look(newWorkMs)
  }

  /** The same for a further piece of work that has begun. */
  mustYieldOnTheWay(): boolean {
    return --this.#left < 0 && this.#look(begunWorkMs)
  }

  /** Calls back as soon as a turn has time for it, in the async context of now. */
  defer(act: () => void): void {
    this.#clock.setImmediate(() => {
      if (this.mustYield()) this.defer(act)
      else act()
    })
  }

  /** The same, for a loop of its own: `if (turn.mustYield()) await turn.next()`. */
  next(): Promise<void> {
    return new Promise((resolve) => this.defer(resolve))
  }

  #look(budgetMs: number): boolean {
    const setImmediate = hostImmediate()
    const now = this.#clock.elapsed()
    if (this.#reporter !== setImmediate) {
      this.#reporter = setImmediate
      // Time that a test moves by hand says nothing of the event loop.
      this.#canEnd = this.#clock.kind !== 'injected' && isNodesImmediate(this.#clock.setImmediate(this.#end))
      return this.#begin(now)
    }
    // Where a test fakes it, it would fire when the test says so, or never.
    if (!this.#canEnd) {
      this.#left = mostPieces
      return false
    }
    const isOver = now - this.#since >= budgetMs
    // Immediates that were set earlier run before the report, in the next turn.
    if (isOver && this.#loops !== loopCount()) return this.#begin(now)
    const fitting = Math.floor((this.#every * lookEveryMs) / (now - this.#lookedAt))
    this.#every = Math.max(1, Math.min(fitting, this.#every * 2, mostPieces))
    this.#left = this.#every - 1
    this.#lookedAt = now
    return isOver
  }

  #begin(now: number): false {
    this.#loops = loopCount()
    this.#since = this.#lookedAt = now
    this.#left = 0
    this.#every = 1
    return false
  }

  readonly #end = (): void => {
    this.#reporter = undefined
    this.#left = 0
  }
}

const turns = new WeakMap<FullClock, Turn>()
let last: { readonly clock: FullClock; readonly turn: Turn } | undefined

/** The turn that all work by this clock shares. */
export function turnOf(clock: FullClock): Turn {
  if (last?.clock === clock) return last.turn
  let turn = turns.get(clock)
  if (turn === undefined) turns.set(clock, (turn = new Turn(clock)))
  last = { clock, turn }
  return turn
}

/** How often the event loop has gone round; undefined where a test fakes what knows it. */
function loopCount(): number | undefined {
  return (globalThis.performance.nodeTiming as typeof performance.nodeTiming | undefined)?.uvMetricsInfo?.loopCount
}
