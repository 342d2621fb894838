import type { Plan } from '../../core/graph/plan.ts'

/** The steps without which a step can't run, by position. */
export function requiredBy(plan: Plan, position: number): readonly number[] {
  const { spec, portSlots } = plan.steps[position]!
  return portSlots.flatMap((slot, port) => {
    const producer = plan.producers[slot]!
    // Of a race one input is enough, whichever that was.
    return producer === -1 || spec.kind === 'race' || spec.ports[port]!.kind === 'optional' ? [] : [producer]
  })
}
