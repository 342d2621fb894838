import type { Plan } from '../../core/graph/plan.ts'
import type { StepInfo } from '../records/step-info.ts'

/**
 * Steps of an execution that goes on, with those that were skipped though that is nowhere on record: nobody writes down what a failure let be skipped, since it is skipped again for the same
 * reason. A step that needs what failed, or was skipped, never has a value; a race needs one of its inputs.
 */
export function concludedSteps(plan: Plan | undefined, steps: readonly StepInfo[]): readonly StepInfo[] {
  if (plan === undefined || !steps.some(({ status }) => status === 'unknown')) return steps
  const byName = new Map(steps.filter(({ item }) => item === undefined).map((info) => [info.step, info]))
  const skipped = new Map<string, StepInfo>()
  const hasNone = (slot: number): boolean => {
    const producer = plan.producers[slot]!
    if (producer === -1) return false
    const { name } = plan.steps[producer]!.spec
    const status = byName.get(name)?.status
    return skipped.has(name) || status === 'failed' || status === 'skipped'
  }
  for (const { spec, portSlots } of plan.steps) {
    const info = byName.get(spec.name)
    if (info?.status !== 'unknown') continue
    const needed = portSlots.filter((_, port) => spec.ports[port]?.kind !== 'optional')
    const isSkipped = spec.kind === 'race' ? needed.length > 0 && needed.every(hasNone) : needed.some(hasNone)
    if (isSkipped) skipped.set(spec.name, { ...info, status: 'skipped', waitsFor: undefined })
  }
  return skipped.size === 0
    ? steps
    : steps.map((info) => (info.item === undefined ? (skipped.get(info.step) ?? info) : info))
}
