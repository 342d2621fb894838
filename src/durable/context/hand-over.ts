/** The time from which a docket that closes gives up what is left: nobody can wait here for it any more. */
export class HandOver {
  #hasBegun = false
  readonly #listeners = new Set<() => void>()
  readonly #looks = new Set<Promise<unknown>>()

  get hasBegun(): boolean {
    return this.#hasBegun
  }

  begin(): void {
    this.#hasBegun = true
    for (const listener of this.#listeners) listener()
    this.#listeners.clear()
  }

  /** Calls back when it begins. Gives a function that takes the listener off. */
  onBegin(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Looks at the store for somebody who waits: it is not closed before that is answered, since what is waited for may have ended already. */
  async look<Found>(look: () => Promise<Found>): Promise<Found> {
    const found = look()
    this.#looks.add(found)
    try {
      return await found
    } finally {
      this.#looks.delete(found)
    }
  }

  /** Resolves once all looks that are under way are answered, whether they fail or not. */
  async untilLooked(): Promise<void> {
    while (this.#looks.size > 0) await Promise.allSettled(this.#looks)
  }
}
