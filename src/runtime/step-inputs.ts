import type { Plan, PlanStep } from '../core/plan.ts'

/** What a step's function gets: the values of its ports, by the ports' names. */
export function inputsOf(plan: Plan, step: PlanStep, values: readonly unknown[]): Record<string, unknown> {
  const { portNames, portSlots } = step
  const inputs: Record<string, unknown> = {}
  for (let port = 0; port < portNames.length; port++) inputs[portNames[port]!] = values[portSlots[port]!]
  // Outside a batch, an execution is a batch of one.
  if (step.spec.takesAll && !plan.gathers) {
    for (const port of step.spec.ports) if (port.kind === 'all') inputs[port.name] = [inputs[port.name]]
  }
  return inputs
}
