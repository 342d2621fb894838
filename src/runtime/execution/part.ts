import type { Plan } from '../../core/graph/plan.ts'
import type { CallingStep } from '../environment/current-step.ts'

/** A step that waits to be let in. */
export interface Admitted {
  readonly hasEnded: boolean
  /** Goes on, once it is let in. */
  proceedInside(): void
}

/** An item's way through its batch's concurrency limit. */
export interface Admission {
  /** Lets an attempt in, or keeps the step until there is room and then calls its `proceedInside`. */
  enter(step: Admitted): boolean
  /** Lets an attempt in that is running already. */
  enterAnyway(): void
  /** An attempt is over. The slot is kept while the item is busy starting more. */
  leave(isBusy: boolean): void
  /** Gives the slot back if nothing of the item runs. */
  releaseIfIdle(): void
  /** The item has ended. */
  end(): void
}

/** What ties an execution to its batch. */
export interface BatchPart {
  readonly item: number | undefined
  readonly admission: Admission | undefined
  /** The step that waits for the batch: an item begins where another one has ended, and has not been called by that. */
  readonly caller: CallingStep | undefined
  /** Counts the steps of all parts that are open and wait; undefined where none of the batch can wait. */
  readonly waits:
    { add(change: { readonly open: number; readonly waiting: number; readonly retrying: number }): void } | undefined
  /** The whole batch's plan: the way from its target down to a type may lead through the other parts. */
  readonly whole: Plan
  /** Whether the batch has ended, or is about to: then nothing of it may begin any more. */
  hasEnded(): boolean
  failedItems(): number
  /** Whether the batch undoes what the part did, together with its other parts: it ends. */
  undoLater(): boolean
  /** Called before anything of the failing part is stopped. */
  onFailing(error: unknown): void
  onFilled(slot: number, value: unknown): void
  /** Reports to the batch a step that failed though the execution goes on. */
  onDenied(slot: number, error: unknown): void
}
