import type { StepSpec } from '../../core/graph/graph-index.ts'
import { slotPoolOf } from '../collections/slot-pool.ts'
import type { AsyncContext } from '../environment/async-context.ts'
import type { StepExtras } from './step-extras.ts'

/** A step that is about to run an attempt. */
interface SlotTaker {
  readonly inputs: unknown
  readonly hasEnded: boolean
  readonly execution: { readonly context: AsyncContext }
}

/**
 * Takes a slot of the step's own concurrency limit, or waits in line for one and then calls `begin`. May throw: the limit's key
 * function is the user's.
 */
export function takeSlot(taker: SlotTaker, spec: StepSpec, extras: StepExtras, begin: () => void): void {
  const pool = slotPoolOf(spec, taker.inputs)
  // The key function may have ended the execution.
  if (taker.hasEnded) return
  let context: AsyncContext | undefined
  extras.stopWaiting = pool.take(() => {
    extras.stopWaiting = undefined
    extras.slot = pool
    context!.run(begin)
  })
  if (extras.stopWaiting === undefined) extras.slot = pool
  else ({ context } = taker.execution)
}

/** Gives the slot back, if there is one. */
export function releaseSlot(extras: StepExtras | undefined): void {
  if (extras?.slot === undefined) return
  const { slot } = extras
  extras.slot = undefined
  slot.release()
}
