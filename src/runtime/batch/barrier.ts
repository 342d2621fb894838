import type { Execution } from '../execution/execution.ts'
import { CollectedValues } from './collected-values.ts'

/**
 * Where the items of a batch wait for each other: for each type that a step takes from all of them, the values so far. Once
 * it is known of every item whether it makes one, the shared execution gets the array.
 */
export class Barrier {
  readonly #slots: readonly number[]
  readonly #shared: Execution
  readonly #collected: readonly CollectedValues[]

  /** `slots` are those of the shared plan that take the arrays. */
  constructor(slots: readonly number[], shared: Execution) {
    this.#slots = slots
    this.#shared = shared
    this.#collected = slots.map(() => new CollectedValues())
  }

  /** How much of a batch is done, where so many items have ended: what an item gives to each array and its end count the same. */
  shareOf(total: number, ended: number): number {
    if (total === 0) return 1
    const settled = this.#collected.reduce((sum, values) => sum + values.settled, 0)
    return (settled + ended) / (total * (this.#slots.length + 1))
  }

  put(index: number, item: number, value: unknown): void {
    this.#collected[index]!.put(item, value)
  }

  /** The item makes no value of this type. */
  leaveOut(index: number, item: number): void {
    this.#collected[index]!.leaveOut(item)
  }

  /** The item has failed: nothing of it counts any more. */
  leaveOutEverywhere(item: number): void {
    for (const values of this.#collected) values.leaveOut(item)
  }

  /** There will be no array of this type. */
  markUnavailable(index: number, error: unknown): void {
    const values = this.#collected[index]!
    if (values.isOver) return
    values.isOver = true
    this.#shared.markUnavailable(this.#slots[index]!, error)
  }

  /** Gives the arrays that are complete; none are while the number of items is not known. */
  check(total: number | undefined): void {
    if (total === undefined) return
    for (const [index, values] of this.#collected.entries()) {
      if (values.isOver || values.settled < total) continue
      values.isOver = true
      this.#refresh()
      this.#shared.provide(this.#slots[index]!, values.toArray())
    }
  }

  /** Items that failed since an array was given are taken out of it before the next is, which may start a step. A new array: others may hold the old one. */
  #refresh(): void {
    for (const [index, values] of this.#collected.entries()) {
      if (values.isOver && values.hasChanged) this.#shared.values[this.#slots[index]!] = values.toArray()
    }
  }
}
