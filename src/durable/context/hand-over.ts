/** The time from which a docket that closes gives up what is left: nobody can wait here for it any more. */
export class HandOver {
  #hasBegun = false
  readonly #listeners = new Set<() => void>()

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
}
