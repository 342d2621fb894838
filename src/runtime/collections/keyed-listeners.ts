/** What is called back for one key, such as an id: of many listeners, each is called for its own key alone. */
export class KeyedListeners<Given> {
  readonly #listeners = new Map<string, Set<(given: Given) => void>>()

  /** Calls back for this key until the returned function is called. */
  add(key: string, listener: (given: Given) => void): () => void {
    const listeners = this.#listeners.get(key) ?? new Set()
    this.#listeners.set(key, listeners.add(listener))
    return () => {
      if (listeners.delete(listener) && listeners.size === 0 && this.#listeners.get(key) === listeners)
        this.#listeners.delete(key)
    }
  }

  has(key: string): boolean {
    return this.#listeners.has(key)
  }

  call(key: string, given: Given): void {
    if (this.#listeners.size > 0) for (const listener of this.#listeners.get(key) ?? []) listener(given)
  }
}
