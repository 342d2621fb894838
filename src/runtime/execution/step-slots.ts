import type { StepSpec } from '../../core/graph/graph-index.ts'
import { slotPoolOf } from '../collections/slot-pool.ts'
import { DeadlockError } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/errors.ts'
import type { SlotPool } from '../collections/slot-pool.ts'
import { stepsAround, wayRound } from '../environment/current-step.ts'
import type { CallingStep } from '../environment/current-step.ts'
import type { AsyncContext } from '../environment/async-context.ts'
import type { FullClock } from '../environment/clock.ts'
import { turnOf } from '../environment/turn.ts'
import type { StepExtras } from './step-extras.ts'

/** A step that is about to run an attempt. */
interface SlotTaker {
  readonly inputs: unknown
  readonly hasEnded: boolean
  readonly step: string
  readonly execution: {
    readonly id: string
    readonly clock: FullClock
    readonly context: AsyncContext
    readonly caller: CallingStep | undefined
    readonly place: ErrorPlace
  }
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
    const turn = turnOf(taker.execution.clock)
    if (!turn.mustYieldOnTheWay()) context!.run(begin)
    else context!.run(() => turn.defer(() => !taker.hasEnded && begin()))
  })
  if (extras.stopWaiting === undefined) extras.slot = pool
  else {
    requireNoCircle(taker, pool, extras)
    ;({ context } = taker.execution)
  }
}

/** Where the steps around hold all slots, none can be given back before this one has run. @throws DeadlockError */
function requireNoCircle({ execution, step }: SlotTaker, pool: SlotPool, extras: StepExtras): void {
  const { caller, id, place } = execution
  const holders = stepsAround(caller, (one) => (one as { readonly slot?: SlotPool }).slot === pool)
  if (holders.length < pool.limit) return
  extras.stopWaiting?.()
  extras.stopWaiting = undefined
  const way = wayRound(caller, holders.at(-1)!, `step "${step}" (execution "${id}")`)
  throw new DeadlockError(
    `step "${step}" waits for itself: ${way}, which needs a slot of concurrency ${pool.limit} that the first holds until it has ended; raise the limit, or call it outside of the step`,
    { ...place, step },
  )
}

/** Gives the slot back, if there is one. */
export function releaseSlot(extras: StepExtras | undefined): void {
  if (extras?.slot === undefined) return
  const { slot } = extras
  extras.slot = undefined
  slot.release()
}
