import type { CompensationError } from '../../core/errors.ts'
import type { Plan } from '../../core/graph/plan.ts'
import { Compensation } from '../execution/compensation.ts'
import type { Execution } from '../execution/execution.ts'

/** The undoing of a batch, while it is under way. */
export interface BatchUndo {
  /** Resolves once all is undone, with what could not be. */
  readonly done: Promise<readonly CompensationError[]>
  /** Stops it for a reason: it goes on elsewhere. */
  giveUp(reason: unknown): void
}

/** Undoes what the parts of a batch did that live here, and those that are on record alone; undefined where there is nothing to undo. */
export type UndoStored = (parts: readonly Execution[], reason: unknown) => BatchUndo | undefined

/**
 * What the parts of a batch did, if it fails or is cancelled. All of it is undone together, since what items share was there before them;
 * but what a consumer has been given stays, with what it shares.
 */
export class BatchUndoing {
  readonly #parts = new Set<Execution>()
  readonly #handsOver: boolean
  readonly #undoStored: UndoStored | undefined
  #hasHandedOver = false

  /** `handsOver`: whether a consumer is given the values of items before all have ended. `undoStored`: present where what completed items did is on record. */
  constructor(handsOver: boolean, undoStored: UndoStored | undefined) {
    this.#handsOver = handsOver
    this.#undoStored = undoStored
  }

  /** Takes a part that has ended, and has something to undo. */
  add(part: Execution): true {
    this.#parts.add(part)
    return true
  }

  /** An item has its value. */
  completed({ execution }: { readonly execution: Execution }): void {
    if (this.#handsOver) this.#hasHandedOver = true
    else if (execution.effects !== undefined && this.#undoStored === undefined) this.#parts.add(execution)
  }

  /** Undoes all of it, once items that failed before have been undone; undefined where there is nothing to undo. */
  begin(whole: Plan, reason: unknown, shared: Execution, open: readonly Execution[]): BatchUndo | undefined {
    if (this.#hasHandedOver) this.#parts.delete(shared)
    else this.#parts.add(shared)
    if (this.#undoStored !== undefined) return this.#undoStored([...this.#parts, ...open], reason)
    const parts = [...this.#parts].filter(({ effects }) => effects !== undefined && !effects.areNone)
    const begun = open.flatMap(({ undoing }) => undoing?.done ?? [])
    if (parts.length === 0 && begun.length === 0) return undefined
    return {
      done: Promise.all(begun).then(() => new Compensation(whole, parts, () => reason).done),
      // What has no record goes on nowhere else.
      giveUp: () => {},
    }
  }
}

/** Whether losers of an execution's races are still undone: what is on record as completed has none. Then `goOn` is called once they are. */
export function waitsForLosers(execution: Execution | undefined, goOn: () => void): boolean {
  const { losses } = execution ?? {}
  if (losses?.areOpen !== true) return false
  void losses.done.then(goOn)
  return true
}
