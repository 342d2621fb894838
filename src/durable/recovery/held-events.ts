import { append } from '../../core/append.ts'
import type { BatchPlan } from '../../core/graph/batch-plan.ts'
import type { Plan } from '../../core/graph/plan.ts'
import type { AnyEventStep } from '../../core/language/event.ts'
import type { StepView } from '../../runtime/execution/execution-view.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { readEvent } from '../ownership/event-waits.ts'
import type { FoundEvent, HeldEvents, HeldWait } from '../ownership/event-waits.ts'
import { eventIdOf } from '../records/event-place.ts'
import type { RestoredBatch } from '../records/restore-batch.ts'

/**
 * What has come of the events that an execution's steps waited for before it lives here: it counts before timers that are overdue. One that does not fit
 * is left to the wait itself, which sets it aside. @throws StoreError
 */
export async function heldEvents(
  context: DocketContext,
  execution: string,
  { eventSteps }: Plan,
  steps: ReadonlyMap<string, StepView>,
): Promise<HeldEvents | undefined> {
  if (eventSteps.length === 0) return undefined
  const waits = eventSteps.flatMap(({ spec }) => waitOf(spec, '', steps.get(spec.name)))
  return readHeld(context, execution, waits)
}

/** The same of a batch, whose items have keys of their own. @throws StoreError */
export async function heldEventsOfBatch(
  context: DocketContext,
  execution: string,
  { shared, item }: BatchPlan,
  keys: readonly string[],
  restored: RestoredBatch | undefined,
): Promise<HeldEvents | undefined> {
  const ofItems = item.plan.eventSteps
  if (restored === undefined || shared.eventSteps.length + ofItems.length === 0) return undefined
  const { views, outcomes } = restored
  const waits = shared.eventSteps.flatMap(({ spec }) => waitOf(spec, '', views.get(spec.name, '')))
  for (const { spec } of ofItems)
    for (const key of keys) if (!outcomes.has(key)) append(waits, waitOf(spec, key, views.get(spec.name, key)))
  return readHeld(context, execution, waits)
}

function waitOf(spec: HeldWait['spec'], item: string, view: StepView | undefined): HeldWait[] {
  if (view?.status !== 'waiting' || view.awaitedKey === undefined) return []
  return [{ spec, item, key: view.awaitedKey }]
}

async function readHeld(
  { connection, clock }: DocketContext,
  execution: string,
  waits: readonly HeldWait[],
): Promise<HeldEvents> {
  const found = new Map<string, FoundEvent | undefined>()
  const reads: Promise<void>[] = []
  for (const { spec, key } of waits) {
    const { event: type } = spec.step as AnyEventStep
    const id = eventIdOf(connection.encoding, type, key)
    // Items may wait under one key.
    if (found.has(id)) continue
    found.set(id, undefined)
    const read = async (): Promise<void> => {
      const wait = { event: id, execution, at: clock.now() }
      const emitted = await connection.eventWaits.add(wait, clock.elapsed())
      try {
        if (emitted !== undefined) found.set(id, await readEvent(connection, type, key, emitted))
      } catch {
        // The wait reads it again, and says so.
        found.delete(id)
      }
    }
    reads.push(read())
  }
  await Promise.all(reads)
  return { waits, found }
}
