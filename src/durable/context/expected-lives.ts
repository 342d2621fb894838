import type { Owned } from '../ownership/owned.ts'

type Listener = (owned: Owned) => void

/** What waits for executions to live in this process, by their ids. */
export class ExpectedLives {
  readonly #listeners = new Map<string, Set<Listener>>()

  /** Calls back whenever one of this id begins to live here. Gives a function that takes the listener off. */
  add(id: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(id) ?? new Set()
    this.#listeners.set(id, listeners.add(listener))
    return () => {
      if (listeners.delete(listener) && listeners.size === 0) this.#listeners.delete(id)
    }
  }

  entered(owned: Owned): void {
    if (this.#listeners.size > 0) for (const listener of this.#listeners.get(owned.id) ?? []) listener(owned)
  }
}
