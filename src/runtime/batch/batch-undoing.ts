import type { CompensationError } from '../../core/errors.ts'
import type { Plan } from '../../core/graph/plan.ts'
import { Compensation } from '../execution/compensation.ts'
import type { Compensated } from '../execution/compensation.ts'
import type { Execution } from '../execution/execution.ts'

/**
 * What the parts of a batch did, if it fails or is cancelled. All of it is undone together, since what items share was there before them;
 * but what a consumer has been given stays, with what it shares.
 */
export class BatchUndoing {
  readonly #parts = new Set<Compensated>()
  readonly #handsOver: boolean
  #hasHandedOver = false

  /** `handsOver`: whether a consumer is given the values of items before all have ended. */
  constructor(handsOver: boolean) {
    this.#handsOver = handsOver
  }

  /** Takes a part that has ended, and has something to undo. */
  add(part: Compensated): true {
    this.#parts.add(part)
    return true
  }

  /** An item has its value. */
  completed({ execution }: { readonly execution: Execution }): void {
    if (this.#handsOver) this.#hasHandedOver = true
    else if (execution.effects !== undefined) this.#parts.add(execution)
  }

  /** Undoes all of it, once items that failed before have been undone; undefined where there is nothing to undo. */
  begin(
    whole: Plan,
    reason: unknown,
    shared: Execution,
    open: readonly Execution[],
  ): Promise<readonly CompensationError[]> | undefined {
    if (this.#hasHandedOver) this.#parts.delete(shared)
    else this.#parts.add(shared)
    const parts = [...this.#parts].filter(({ effects }) => effects !== undefined && !effects.areNone)
    const begun = open.flatMap(({ undoing }) => undoing?.done ?? [])
    if (parts.length === 0 && begun.length === 0) return undefined
    return Promise.all(begun).then(() => new Compensation(whole, parts, () => reason).done)
  }
}
