import { afterAll } from 'vitest'

/** What a kind of places is made, emptied and removed with. */
export interface PlaceKeeping {
  /** A name that no place has. */
  newName(): string
  /** Removes what the stores of a place have written, all of it. */
  empty(name: string): Promise<unknown>
  /** Removes the place. */
  remove(name: string): Promise<unknown>
}

/**
 * Places whose tables are emptied and used again: to make tables anew takes longer than most tests. They are removed at the end of
 * the test file.
 */
export class EmptiedPlaces {
  readonly #keeping: PlaceKeeping
  readonly #names: string[] = []
  readonly #free: string[] = []

  constructor(keeping: PlaceKeeping) {
    this.#keeping = keeping
    afterAll(async () => {
      for (const name of this.#names) await keeping.remove(name)
    })
  }

  /** The name of a place without anything in it, which nobody else has. */
  take(): string {
    const emptied = this.#free.pop()
    if (emptied !== undefined) return emptied
    const name = this.#keeping.newName()
    this.#names.push(name)
    return name
  }

  /** For the next one to take it. All its stores must be closed. */
  async giveBack(name: string): Promise<void> {
    await this.#keeping.empty(name)
    this.#free.push(name)
  }
}
