/** What waits until nothing with its key is under way any more, in order. */
export class HeldKeys<Waiting> {
  readonly #held = new Map<string, { count: number; readonly waiting: Waiting[] }>()

  get size(): number {
    return this.#held.size
  }

  /** `waiting` is what waits for it already, where it was not held before. */
  hold(key: string, waiting: Waiting[] = []): void {
    const held = this.#held.get(key)
    if (held === undefined) this.#held.set(key, { count: 1, waiting })
    else held.count++
  }

  /** Keeps something back; false where its key is not held. */
  keepBack(key: string, one: Waiting): boolean {
    const held = this.#held.get(key)
    held?.waiting.push(one)
    return held !== undefined
  }

  /** What may go out now; the list is the caller's. */
  release(key: string): Waiting[] {
    const held = this.#held.get(key)
    if (held === undefined || --held.count > 0) return []
    this.#held.delete(key)
    return held.waiting
  }
}
