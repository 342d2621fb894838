import { DeadlockError } from '../core/errors.ts'
import { callingStep, isUnderWay, stepsAround, wayRound } from '../runtime/environment/current-step.ts'
import type { CallingStep, WaitedFor } from '../runtime/environment/current-step.ts'
import { beginWait, cantEndBefore } from '../runtime/environment/open-waits.ts'
import type { DocketContext } from './context/docket-context.ts'
import type { Owned } from './ownership/owned.ts'
import type { LiveSteps } from './records/live-steps.ts'

/** A step can't wait for the end of the execution, or the batch, that it is part of. @throws DeadlockError */
export function requireNoCircle(context: DocketContext, id: string, wait: object): void {
  const caller = callingStep()
  const owned = caller === undefined ? undefined : context.owned.get(id)
  if (caller === undefined || owned === undefined || !isUnderWay(caller)) return
  const states: readonly unknown[] = statesOf(owned)
  const [around] = stepsAround(caller, (step) => states.includes(step))
  if (around === undefined) {
    requireNoRing(owned, wait, caller)
    return
  }
  const way = wayRound(caller, around, `the result of execution "${id}"`)
  const message = `step "${around.step}" waits for itself: ${way}, which the first is part of; give what it starts an id of its own, or don't wait for it`
  throw new DeadlockError(message, { executionId: id, graph: owned.graph, step: around.step })
}

/** The execution may wait, by a way round, for the step that waits for it. @throws DeadlockError */
function requireNoRing(owned: Owned, wait: object, { step, attempt }: CallingStep): void {
  const ring = beginWait(wait, {
    waiter: step,
    attempt,
    needs: (stuck) =>
      statesOf(owned).some(
        (one) => one !== undefined && !one.hasEnded && cantEndBefore(one as unknown as WaitedFor, stuck),
      ),
    what: `waits for the result of execution "${owned.id}"`,
  })
  if (ring === undefined) return
  const message = `step "${step.step}" waits for itself by way of others: ${ring}; don't wait for that execution within the step`
  throw new DeadlockError(message, { executionId: owned.id, graph: owned.graph, step: step.step })
}

/** The steps of an execution, and those of the items of a batch that are under way. */
function statesOf({ liveSteps, liveBatch }: Owned): LiveSteps['states'] {
  if (liveSteps !== undefined) return liveSteps.states
  return liveBatch === undefined ? [] : [...liveBatch.steps.values()].flatMap(({ states }) => states)
}
