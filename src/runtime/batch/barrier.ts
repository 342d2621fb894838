import type { Execution } from '../execution/execution.ts'
import { CollectedValues } from './collected-values.ts'

/**
 * Where the items of a batch wait for each other: for each type that a step takes from all of them, the values so far. Once
 * it is known of every item whether it makes one, the shared execution gets the array.
 */
export class Barrier {
  readonly #slots: readonly number[]
  readonly #shared: Execution
  readonly #gatherings: readonly CollectedValues[]

  /** `slots` are those of the shared plan that take the arrays. */
  constructor(slots: readonly number[], shared: Execution) {
    this.#slots = slots
    this.#shared = shared
    this.#gatherings = slots.map(() => new CollectedValues())
  }

  /** How much of a batch is done, where so many items have ended: what an item gives to each array and its end count the same. */
  shareOf(total: number, ended: number): number {
    if (total === 0) return 1
    const settled = this.#gatherings.reduce((sum, gathering) => sum + gathering.settled, 0)
    return (settled + ended) / (total * (this.#slots.length + 1))
  }

  put(index: number, item: number, value: unknown): void {
    this.#gatherings[index]!.put(item, value)
  }

  /** The item makes no value of this type. */
  leaveOut(index: number, item: number): void {
    this.#gatherings[index]!.leaveOut(item)
  }

  /** The item has failed: nothing of it counts any more. */
  leaveOutEverywhere(item: number): void {
    for (const gathering of this.#gatherings) gathering.leaveOut(item)
  }

  /** There will be no array of this type. */
  deny(index: number, error: unknown): void {
    const gathering = this.#gatherings[index]!
    if (gathering.isOver) return
    gathering.isOver = true
    this.#shared.deny(this.#slots[index]!, error)
  }

  /** Gives the arrays that are complete. */
  check(total: number): void {
    for (const [index, gathering] of this.#gatherings.entries()) {
      if (gathering.isOver || gathering.settled < total) continue
      gathering.isOver = true
      this.#refresh()
      this.#shared.provide(this.#slots[index]!, gathering.toArray())
    }
  }

  /** Items that failed since an array was given are taken out of it before the next is, which may start a step. A new array: others may hold the old one. */
  #refresh(): void {
    for (const [index, gathering] of this.#gatherings.entries()) {
      if (gathering.isOver && gathering.hasChanged) this.#shared.values[this.#slots[index]!] = gathering.toArray()
    }
  }
}
