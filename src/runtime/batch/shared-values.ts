import type { BatchPlan } from '../../core/graph/batch-plan.ts'
import type { Execution } from '../execution/execution.ts'
import type { Turn } from '../environment/turn.ts'
import type { BatchItem } from './batch-item.ts'
import type { ItemsInFlight } from './items-in-flight.ts'

/** A value that is shared by all items of a batch, or why there is none. */
type SharedOutcome =
  { readonly value: unknown; readonly error?: undefined } | { readonly error: unknown; readonly value?: undefined }

/** What all items of a batch share: handed to each, whichever comes first. */
export class SharedValues {
  readonly #plan: BatchPlan
  readonly #shared: Execution
  readonly #open: ItemsInFlight
  readonly #turn: Turn
  readonly #outcomes = new Map<number, SharedOutcome>()
  readonly #copied = new Map<number, SharedOutcome>()

  constructor(plan: BatchPlan, shared: Execution, open: ItemsInFlight, turn: Turn) {
    this.#plan = plan
    this.#shared = shared
    this.#open = open
    this.#turn = turn
  }

  /** A value of the shared plan is there, or never will be. `total` is the number of items, once it is known. */
  put(slot: number, outcome: SharedOutcome, total: number | undefined): void {
    const { imports, copied } = this.#plan
    const index = imports.indexOf(slot)
    if (index !== -1) {
      this.#outcomes.set(index, outcome)
      // Items that come later find the outcome by themselves.
      this.#deliver(this.#open.toArray(), index, outcome)
    }
    if (copied.some((link) => link.from === slot)) {
      this.#copied.set(slot, outcome)
      if (total !== undefined) this.#copy(slot, outcome, total)
    }
  }

  /** Each may go on with it at once, and there may be very many. */
  #deliver(items: readonly BatchItem[], index: number, outcome: SharedOutcome, from = 0): void {
    for (let i = from; i < items.length; i++) {
      if (this.#turn.mustYield()) {
        this.#turn.defer(() => this.#deliver(items, index, outcome, i))
        return
      }
      deliver(items[i]!, index, outcome)
    }
  }

  /** Hands over what came before the item. */
  deliverTo(item: BatchItem): void {
    for (const [index, outcome] of this.#outcomes) deliver(item, index, outcome)
  }

  /** `all(T)` of a type that is the same for every item: as many copies as there are items. */
  copy(total: number): void {
    for (const [slot, outcome] of this.#copied) this.#copy(slot, outcome, total)
  }

  #copy(slot: number, outcome: SharedOutcome, total: number): void {
    for (const link of this.#plan.copied) {
      if (link.from !== slot) continue
      if ('error' in outcome) this.#shared.markUnavailable(link.to, outcome.error)
      else
        this.#shared.provide(
          link.to,
          Array.from({ length: total }, () => outcome.value),
        )
    }
  }
}

/** Gives the outcome to one item's execution, if that has a place for it. */
function deliver({ execution, itemPlan }: BatchItem, index: number, outcome: SharedOutcome): void {
  const slot = itemPlan.importSlots[index]!
  if (slot === -1) return
  if ('error' in outcome) execution.markUnavailable(slot, outcome.error)
  else execution.provide(slot, outcome.value)
}
