import type { Execution } from '../execution/execution.ts'
import type { BatchItem } from './batch-item.ts'

/** The items that are under way, in no order: one that ends leaves its place to the last. A Map would keep the ended ones alive for long. */
export class ItemsInFlight {
  readonly #items: BatchItem[] = []

  get size(): number {
    return this.#items.length
  }

  add(item: BatchItem): void {
    item.place = this.#items.length
    this.#items.push(item)
  }

  delete(item: BatchItem): void {
    const { place } = item
    if (place === -1) return
    const last = this.#items.pop()!
    item.place = -1
    if (last === item) return
    this.#items[place] = last
    last.place = place
  }

  /** A copy: items that end make room for others while one goes through it. */
  toArray(): readonly BatchItem[] {
    return this.#items.slice()
  }
}

/** Whether a step's function is under way. */
export function hasRunning({ runs }: Execution): boolean {
  return runs.some((run) => run?.current !== undefined && run.current.isWaiting !== true)
}
