import type { BatchPlan } from '../../core/graph/batch-plan.ts'
import { signalSlotOf } from '../../core/graph/signal-slot-of.ts'
import type { RestoredBatch } from './restore-batch.ts'

/** Slots of the signals that what is run again of a batch waits for, or will wait for. */
export function awaitedSlots(
  { shared, item: itemPlan }: BatchPlan,
  keys: readonly string[],
  restored: RestoredBatch | undefined,
): readonly string[] {
  const slots: string[] = []
  const waits = (step: string, key: string): boolean => restored?.views.get(step, key)?.endedAt === undefined
  for (const { spec } of shared.signalSteps) if (waits(spec.name, '')) slots.push(signalSlotOf(spec.output))
  for (const { spec } of itemPlan.plan.signalSteps)
    for (const [item, key] of keys.entries())
      if (restored?.outcomes.has(key) !== true && waits(spec.name, key)) slots.push(signalSlotOf(spec.output, item))
  return slots
}
