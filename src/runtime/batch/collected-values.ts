/** The values of one type over all items of a batch, for a step that takes them all. */
export class CollectedValues {
  /** Whether the array was given, or never will be. */
  isOver = false
  readonly #values: unknown[] = []
  readonly #isThere: boolean[] = []
  #settled = 0
  #hasChanged = false

  /** Of how many items it is known whether they make a value. */
  get settled(): number {
    return this.#settled
  }

  /** Whether a value was left out since the last `toArray`. */
  get hasChanged(): boolean {
    return this.#hasChanged
  }

  /** Keeps one item's value. */
  put(item: number, value: unknown): void {
    this.#values[item] = value
    this.#isThere[item] = true
    this.#settled++
  }

  /** An item will not make its value, or has failed since it did: the array leaves it out. */
  leaveOut(item: number): void {
    const wasThere = this.#isThere[item]
    if (wasThere === undefined) this.#settled++
    if (wasThere === true) this.#hasChanged = true
    this.#isThere[item] = false
    this.#values[item] = undefined
  }

  /** The values of the items that made one, in the items' order. */
  toArray(): readonly unknown[] {
    this.#hasChanged = false
    return this.#values.filter((_, item) => this.#isThere[item] === true)
  }
}
