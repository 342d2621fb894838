import { isShared } from '../../core/language/policy.ts'
import { rateLineOf } from '../collections/rate-line.ts'
import { slotPoolOf } from '../collections/slot-pool.ts'
import { endWait } from '../environment/open-waits.ts'
import { fireAfter, timersOf } from '../environment/timers.ts'
import { sharedLimitRefusal } from '../steps/shared-limits.ts'
import { beginQueueing } from './held-wait.ts'
import { beginAttempt } from './noted-attempt.ts'
import type { BeginningStep } from './noted-attempt.ts'
import type { StepExtras } from './step-extras.ts'
import { requireNoCircle, waitForSlot } from './slot-wait.ts'
import type { SlotTaker } from './slot-wait.ts'

/** A step that is about to run an attempt, as far as its limits go. */
type LimitedStep = BeginningStep & SlotTaker

/** Begins the attempt of a step that has limits of its own, as soon as these let it. */
export function takeSlotOrQueue(step: LimitedStep): void {
  const { more } = step
  let isReady = false
  let isQueued = false
  let isLater = false
  const begin = (): void => {
    isReady = true
    if (isLater) beginAttempt(step)
  }
  const queue = (): void => {
    if (isQueued || isReady || step.hasEnded) return
    isQueued = true
    beginQueueing(step, more)
  }
  orFail(step, () => takeSlot(step, () => takeTurn(step, () => enterShared(step, begin, queue))))
  isLater = true
  if (step.hasEnded) return
  if (isReady) beginAttempt(step)
  // A step that has shared limits queues as soon as the store says that it has to.
  else if (more.ticket === undefined) queue()
}

/** The functions of keys are the user's. */
function orFail(step: LimitedStep, take: () => void): void {
  try {
    take()
  } catch (thrown) {
    if (step.hasEnded) return
    step.failed(thrown, 'FAIL')
    step.execution.leave()
  }
}

/** Takes a slot of the step's own limit in this process, or waits in line for one. */
function takeSlot(step: LimitedStep, next: () => void): void {
  const { spec } = step.planStep
  if (spec.concurrency === undefined || isShared(spec.concurrency) || step.more.slot !== undefined) return next()
  const pool = slotPoolOf(spec, step)
  // The key function may have ended the execution.
  if (step.hasEnded) return
  if (!pool.tryTake()) return waitForSlot(step, pool, step.more, () => orFail(step, next))
  step.more.slot = pool
  next()
}

/** Waits for the step's turn in its rate in this process. */
function takeTurn(step: LimitedStep, next: () => void): void {
  const { spec, execution, more } = { spec: step.planStep.spec, execution: step.execution, more: step.more }
  if (spec.rate === undefined || isShared(spec.rate)) return next()
  const { clock, context } = execution
  const time = {
    elapsed: () => clock.elapsed(),
    after: (ms: number, fire: () => void) => fireAfter(clock, ms, fire),
  }
  const line = rateLineOf(spec, step.inputs, timersOf(clock), time)
  if (step.hasEnded) return
  if (line.tryBegin()) return next()
  const stop = line.wait(() => {
    more.stopWaiting = undefined
    if (!step.hasEnded) context.run(() => orFail(step, next))
  })
  more.stopWaiting = stop
}

/** Waits for what limits let begin that all processes share. */
function enterShared(step: LimitedStep, begin: () => void, queue: () => void): void {
  const { spec } = step.planStep
  if (!spec.sharesLimits) return begin()
  const { execution, more } = step
  const { limits, itemKey = '', queue: inQueue = '' } = execution.setup
  if (limits === undefined) throw sharedLimitRefusal(spec, execution.place)
  const { context } = execution
  const noLongerWaits = (): void => {
    more.stopWaiting = more.awaitedLimits = more.queuedSince = undefined
    more.restsInLine = false
    endWait(more)
  }
  const ticket = limits.enter({
    spec,
    inputs: step.inputs,
    execution: execution.id,
    item: itemKey,
    graph: execution.plan.index.firstName,
    queue: inQueue,
    since: more.queuedSince,
    granted() {
      noLongerWaits()
      context.run(begin)
    },
    waits(since, awaited, rests) {
      const isNew = more.awaitedLimits === undefined
      more.awaitedLimits = awaited
      more.queuedSince = since
      more.restsInLine = rests
      if (!isNew || step.hasEnded) return
      queue()
      const slots = ticket.awaitedSlots
      if (slots !== undefined && !step.hasEnded)
        context.run(() => orFail(step, () => requireNoCircle(step, slots, more)))
      if (!step.hasEnded) step.recorder?.noteQueued(step, since, awaited)
    },
    failed(error) {
      noLongerWaits()
      more.ticket = undefined
      if (!step.hasEnded) context.run(() => orFail(step, () => rethrow(error)))
    },
  })
  more.ticket = ticket
  more.stopWaiting = () => {
    noLongerWaits()
    more.ticket = undefined
    ticket.leave()
  }
}

function rethrow(error: unknown): never {
  throw error
}

/** Gives back what the attempt has of limits. */
export function releaseSlot(extras: StepExtras | undefined): void {
  if (extras === undefined) return
  const { slot, ticket } = extras
  if (slot !== undefined) {
    extras.slot = undefined
    slot.release()
  }
  if (ticket !== undefined) {
    extras.ticket = undefined
    ticket.leave()
  }
}

/** Whether a step waits for limits that all processes share, or asks whether it has to. */
export function isInLine(step: { readonly extras: StepExtras | undefined; readonly isWorking: boolean }): boolean {
  return step.extras?.ticket !== undefined && !step.isWorking
}
