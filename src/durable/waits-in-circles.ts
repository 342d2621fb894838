import { DeadlockError } from '../core/errors.ts'
import { callingStep, stepsAround, wayRound } from '../runtime/environment/current-step.ts'
import type { CallingStep, WaitedFor } from '../runtime/environment/current-step.ts'
import { beginWait, cantEndBefore } from '../runtime/environment/open-waits.ts'
import type { DocketContext } from './context/docket-context.ts'
import type { LiveSteps } from './records/live-steps.ts'

/** A step can't wait for the end of the execution that it is part of. @throws DeadlockError */
export function requireNoCircle(context: DocketContext, id: string, wait: object): void {
  const caller = callingStep()
  const live = caller === undefined ? undefined : context.owned.get(id)?.liveSteps
  if (caller === undefined || live === undefined) return
  const states: readonly unknown[] = live.states
  const [around] = stepsAround(caller, (step) => states.includes(step))
  if (around === undefined) {
    requireNoRing(id, wait, caller, live)
    return
  }
  const way = wayRound(caller, around, `the result of execution "${id}"`)
  const message = `step "${around.step}" waits for itself: ${way}, which the first is part of; give what it starts an id of its own, or don't wait for it`
  throw new DeadlockError(message, { executionId: id, graph: live.plan.index.graph.name, step: around.step })
}

/** The execution may wait, by a way round, for the step that waits for it. @throws DeadlockError */
function requireNoRing(id: string, wait: object, { step }: CallingStep, { plan, states }: LiveSteps): void {
  const ring = beginWait(wait, {
    waiter: step,
    needs: (stuck) =>
      states.some((one) => one !== undefined && !one.hasEnded && cantEndBefore(one as unknown as WaitedFor, stuck)),
    what: `waits for the result of execution "${id}"`,
  })
  if (ring === undefined) return
  const message = `step "${step.step}" waits for itself by way of others: ${ring}; don't wait for that execution within the step`
  throw new DeadlockError(message, { executionId: id, graph: plan.index.graph.name, step: step.step })
}
