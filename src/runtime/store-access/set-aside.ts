import { sleep } from '../environment/clock.ts'
import type { FullClock } from '../environment/clock.ts'
import type { Portion, Unsettled } from './batched-call.ts'
import { pauseAfter } from './store-patience.ts'

// As many connections as these may take of a pool.
const maxInFlight = 4

/**
 * What must not hold up others: what somebody else has locked, and what was slow before. It goes out in calls of its own, a few at a
 * time, until each item's time is over.
 */
export class SetAside<Item, Answer> {
  readonly #clock: FullClock
  readonly #send: (portion: Portion<Item, Answer>) => Promise<Unsettled<Item, Answer>>
  readonly #due: (readonly [portion: Portion<Item, Answer>, tries: number])[] = []
  #inFlight = 0
  #size = 0

  constructor(clock: FullClock, send: (portion: Portion<Item, Answer>) => Promise<Unsettled<Item, Answer>>) {
    this.#clock = clock
    this.#send = send
  }

  /** How many portions there are. */
  get size(): number {
    return this.#size
  }

  /** Sends a portion as soon as there is room. */
  add(portion: Portion<Item, Answer>, tries = 0): void {
    this.#size++
    this.#due.push([portion, tries])
    this.#next()
  }

  /** The same after a while: it was locked just now, or has failed. */
  async addLater(portion: Portion<Item, Answer>, tries: number, failure: unknown): Promise<void> {
    const pauseMs = pauseAfter(tries)
    const next = this.#clock.elapsed() + pauseMs
    for (const { until, reject } of portion) if (until < next) reject(failure)
    const again = portion.filter(({ until }) => until >= next)
    if (again.length === 0) return
    this.#size++
    await sleep(this.#clock, pauseMs)
    this.#size--
    this.add(again, tries + 1)
  }

  #next(): void {
    while (this.#inFlight < maxInFlight && this.#due.length > 0) void this.#deliver(...this.#due.shift()!)
  }

  async #deliver(portion: Portion<Item, Answer>, tries: number): Promise<void> {
    this.#inFlight++
    const { left, locked, failure } = await this.#send(portion)
    this.#inFlight--
    if (left.length > 0) void this.addLater(left, tries, failure)
    for (const part of locked) {
      // What can't be parted is what is locked.
      if (part.length === portion.length) void this.addLater(part, tries, failure)
      else this.add(part)
    }
    this.#size--
    this.#next()
  }
}
