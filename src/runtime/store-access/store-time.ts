import type { Store } from '../../core/contracts/store.ts'
import type { FullClock } from '../environment/clock.ts'

// A time of day that is as near as this to the store's is taken for it: clocks that are kept agree within that, and what a caller gives
// to the millisecond is stored as it was given.
const toleranceMs = 1_000
// For how long a comparison holds: it takes a second clock, and there are many times in each step.
const comparedForMs = 50
// A process that stands still while it asks, as they do when they begin, knows nothing of what it is answered.
const mostTries = 3

/**
 * The time of day as the store has it. Whatever other processes act on is in it, so that a machine whose clock is wrong, or is set,
 * changes nothing for them; between two looks at the store it goes on as steady time does.
 */
export class StoreTime {
  /** The process's clock, with the store's time of day. */
  readonly clock: FullClock
  readonly #store: Store
  readonly #host: FullClock
  #known: { readonly at: number; readonly elapsed: number; readonly tookMs: number } | undefined
  /** When, by the process's time of day, that was last found to agree with the store's. */
  #agreedAt = Infinity

  constructor(store: Store, host: FullClock) {
    this.#store = store
    this.#host = host
    this.clock = { ...host, now: () => this.#of(host.now()) }
  }

  /** Asks the store what time it is. @throws StoreError */
  async look(): Promise<void> {
    if (this.#store.time === undefined) return
    let quickestMs = Infinity
    for (let tries = 0; tries < mostTries && quickestMs >= toleranceMs; tries++) {
      const askedAt = this.#host.elapsed()
      const at = await this.#store.time()
      const tookMs = this.#host.elapsed() - askedAt
      if (tookMs >= quickestMs) continue
      quickestMs = tookMs
      // An answer that took long says less than one before, and nothing of what is already known well.
      if (this.#known === undefined || tookMs < this.#known.tookMs || tookMs < toleranceMs)
        this.#known = { at, elapsed: askedAt + tookMs / 2, tookMs }
    }
  }

  /**
   * Gives the store's time for a moment that a caller says now, by this process's clock: later, once the store is open, and whatever that clock is set to
   * meanwhile. As far as the two are known to differ.
   */
  given(moment: number): () => number {
    const givenAt = this.#host.now() - this.#host.elapsed()
    return () => {
      const offMs = this.clock.now() - this.#host.elapsed() - givenAt
      return Math.abs(offMs) < toleranceMs ? moment : Math.round(moment + offMs)
    }
  }

  #of(hostNow: number): number {
    // One that was set since is before it, or well after it.
    if (hostNow >= this.#agreedAt && hostNow < this.#agreedAt + comparedForMs) return hostNow
    if (this.#known === undefined) return hostNow
    const storeNow = this.#known.at + this.#host.elapsed() - this.#known.elapsed
    const agrees = Math.abs(storeNow - hostNow) < toleranceMs
    this.#agreedAt = agrees ? hostNow : Infinity
    return agrees ? hostNow : Math.round(storeNow)
  }
}
