import type { EndingStep } from './step-ending.ts'

/** A wait that began in an earlier process: the time that it waits for, and since when. */
export interface HeldWait {
  readonly dueAt: number | undefined
  readonly since: number | undefined
}

/** The time that an earlier life waits for, unless the timer was given another one since. */
export function heldUntilOf(
  { step, execution: { setup } }: EndingStep,
  held: HeldWait | undefined,
): number | undefined {
  return held === undefined ? undefined : (setup.times?.of(step, setup.itemKey) ?? held.dueAt)
}

/** How long a step has waited in earlier processes, in milliseconds: as far as the time of day can say. */
export function waitedMsOf({ execution: { clock } }: EndingStep, held: HeldWait | undefined): number {
  return held?.since === undefined ? 0 : Math.max(0, clock.now() - held.since)
}

/** A step waits from now on: its time goes on record, so that a restart does not start the wait over. */
export function beginWait(step: EndingStep & { waitsSince: number | undefined }, dueAt: number | undefined): void {
  step.waitsSince = step.execution.clock.now()
  waitUntil(step, dueAt)
}

/** A step waits until another time. */
export function waitUntil(step: EndingStep, dueAt: number | undefined): void {
  const { execution } = step
  const at = execution.clock.now()
  step.change({ type: 'WAIT', at, dueAt })
  step.recorder?.noteWaiting(step)
  execution.emitter?.stepWaiting(step, at, dueAt)
}

/**
 * A wait is over: its step goes on, in a batch once its item has a slot. Where the execution is being parked, not before it is known to stay here: whoever goes on with
 * what is parked would do the same once more.
 */
export function wake(step: EndingStep, goOn: () => void): void {
  const { admission, context, recorder } = step.execution
  const parking = recorder?.parking
  if (parking !== undefined) {
    void parking.then((isParked) => isParked || context.run(() => wake(step, goOn)))
    return
  }
  if (admission === undefined) {
    goOn()
    return
  }
  const admitted = {
    get hasEnded() {
      return step.hasEnded
    },
    proceedInside: () => context.run(goOn),
  }
  if (admission.enter(admitted)) goOn()
}

/** A step waits in line for a slot. */
export function beginQueueing(
  step: EndingStep,
  extras: { waitsSince: number | undefined; queuedAt: number | undefined } | undefined,
): void {
  const at = step.execution.stepTime()
  // A hundred thousand items may wait behind a barrier: no extras are made for this alone.
  if (extras !== undefined) {
    extras.waitsSince = at
    if (step.attempt === 0) extras.queuedAt ??= at
  }
  step.change({ type: 'QUEUE', at })
}
