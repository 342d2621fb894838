import type { Plan } from '../../core/graph/plan.ts'
import type { AnyEventStep } from '../../core/language/event.ts'
import type { StepView } from '../../runtime/execution/execution-view.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { readEvent } from '../ownership/event-waits.ts'
import type { HeldEvent, HeldEvents } from '../ownership/event-waits.ts'
import { eventIdOf } from '../records/event-place.ts'

/**
 * What has come of the events that an execution's steps waited for before it lives here: it counts before timers that are overdue. One that does not fit
 * is left to the wait itself, which sets it aside. @throws StoreError
 */
export async function heldEvents(
  { connection, clock }: DocketContext,
  execution: string,
  { eventSteps }: Plan,
  steps: ReadonlyMap<string, StepView>,
): Promise<HeldEvents | undefined> {
  if (eventSteps.length === 0) return undefined
  const held = new Map<string, HeldEvent>()
  const reads = eventSteps.map(async ({ spec }) => {
    const view = steps.get(spec.name)
    if (view?.status !== 'waiting' || view.awaitedKey === undefined) return
    const { event: type } = spec.step as AnyEventStep
    const key = view.awaitedKey
    const id = eventIdOf(connection.encoding, type, key)
    const found = await connection.eventWaits.add({ event: id, execution, at: clock.now() }, clock.elapsed())
    if (found === undefined) held.set(id, { spec, key, found })
    else
      try {
        held.set(id, { spec, key, found: await readEvent(connection, type, key, found) })
      } catch {
        // The wait reads it again, and says so.
      }
  })
  await Promise.all(reads)
  return held
}
