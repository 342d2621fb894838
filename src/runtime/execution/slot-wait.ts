import { DeadlockError } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import type { SlotPool } from '../collections/slot-pool.ts'
import { stepsAround, wayRound } from '../environment/current-step.ts'
import type { CallingStep, Slots } from '../environment/current-step.ts'
import { areHeldBy, beginWait, endWait, mayCloseRing } from '../environment/open-waits.ts'
import type { AsyncContext } from '../environment/async-context.ts'
import type { FullClock } from '../environment/clock.ts'
import { turnOf } from '../environment/turn.ts'
import type { StepExtras } from './step-extras.ts'

/** A step that is about to run an attempt. */
export interface SlotTaker {
  readonly inputs: unknown
  readonly hasEnded: boolean
  readonly step: string
  readonly attempt: number
  readonly execution: {
    readonly id: string
    readonly clock: FullClock
    readonly context: AsyncContext
    readonly caller: CallingStep | undefined
    readonly place: ErrorPlace
  }
}

/** Waits in line for a slot of a limit in this process, and then calls `begin`. @throws DeadlockError where it would wait for itself */
export function waitForSlot(taker: SlotTaker, pool: SlotPool, extras: StepExtras, begin: () => void): void {
  const { context } = taker.execution
  const noLongerWaits = (): void => {
    extras.stopWaiting = extras.awaitedSlots = undefined
    endWait(extras)
  }
  const stopWaiting = pool.wait(() => {
    noLongerWaits()
    extras.slot = pool
    const turn = turnOf(taker.execution.clock)
    if (!turn.mustYieldOnTheWay()) context.run(begin)
    else context.run(() => turn.defer(() => !taker.hasEnded && begin()))
  })
  extras.awaitedSlots = pool
  extras.stopWaiting = () => {
    noLongerWaits()
    stopWaiting()
  }
  requireNoCircle(taker, pool, extras)
}

/** Where the steps around hold all slots, none can be given back before this one has run. @throws DeadlockError */
export function requireNoCircle(taker: SlotTaker, slots: Slots, extras: StepExtras): void {
  if (!mayCloseRing(taker)) return
  const { execution, step } = taker
  const { caller, id, place } = execution
  const holders = stepsAround(caller, ({ heldSlots }) => heldSlots === slots)
  if (holders.length < slots.limit) {
    requireNoRing(taker, slots, extras)
    return
  }
  extras.stopWaiting?.()
  const way = wayRound(caller, holders.at(-1)!, `step "${step}" (execution "${id}")`)
  throw new DeadlockError(
    `step "${step}" waits for itself: ${way}, which needs a slot of concurrency ${slots.limit} that the first holds until it has ended; raise the limit, or call it outside of the step`,
    { ...place, step },
  )
}

/** The slots may be held by steps that wait, by a way round, for this one. @throws DeadlockError */
function requireNoRing(taker: SlotTaker, slots: Slots, extras: StepExtras): void {
  const { step, execution } = taker
  const ring = beginWait(extras, {
    waiter: taker,
    needs: (stuck) => areHeldBy(slots, stuck),
    what: `needs a slot of its concurrency ${slots.limit}`,
  })
  if (ring === undefined) return
  extras.stopWaiting?.()
  const message = `step "${step}" waits for itself by way of others: ${ring}; raise the limit, or don't wait within the steps`
  throw new DeadlockError(message, { ...execution.place, step })
}
