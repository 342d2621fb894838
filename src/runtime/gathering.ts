/** The values of one type over all items of a batch, for a step that takes them all. */
export class Gathering {
  readonly #values: unknown[] = []
  readonly #isThere: boolean[] = []
  #settled = 0

  /** Keeps one item's value. */
  put(item: number, value: unknown): void {
    this.#values[item] = value
    this.#isThere[item] = true
    this.#settled++
  }

  /** An item will not make its value, unless it has already: the array leaves it out. */
  leaveOut(item: number): void {
    if (this.#isThere[item] !== undefined) return
    this.#isThere[item] = false
    this.#settled++
  }

  /** Of how many items it is known whether they make a value. */
  get settled(): number {
    return this.#settled
  }

  isComplete(total: number): boolean {
    return this.#settled === total
  }

  /** The values of the items that made one, in the items' order. */
  toArray(): readonly unknown[] {
    return this.#values.filter((_, item) => this.#isThere[item] === true)
  }
}
