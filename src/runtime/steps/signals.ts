/** Values that came to one execution from outside: one for each type, the first that came. */
export class Signals {
  readonly #values = new Map<string, { readonly value: unknown }>()
  readonly #waiting = new Map<string, () => void>()

  /** A value comes; only the first of its type counts. */
  give(type: string, value: unknown): void {
    if (this.#values.has(type)) return
    this.#values.set(type, { value })
    this.#waiting.get(type)?.()
  }

  /** What came, if something did. */
  of(type: string): { readonly value: unknown } | undefined {
    return this.#values.get(type)
  }

  /** What came did not fit: another one may come. */
  setAside(type: string): void {
    this.#values.delete(type)
  }

  /** All that came, by type. */
  get all(): Readonly<Record<string, unknown>> | undefined {
    if (this.#values.size === 0) return undefined
    return Object.fromEntries([...this.#values].map(([type, { value }]) => [type, value]))
  }

  /** Calls back whenever a value of the type counts. */
  listen(type: string, onCome: () => void): void {
    this.#waiting.set(type, onCome)
  }
}
