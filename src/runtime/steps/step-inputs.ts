import type { First } from '../../core/language/race.ts'
import type { Plan, PlanStep } from '../../core/graph/plan.ts'

/** What a step's function gets: the values of its ports, by the ports' names. */
export function inputsOf(plan: Plan, step: PlanStep, values: readonly unknown[]): Record<string, unknown> {
  const { portNames, portSlots, inputsTemplate } = step
  const inputs: Record<string, unknown> = Object.assign({}, inputsTemplate)
  for (let port = 0; port < portNames.length; port++) {
    const name = portNames[port]!
    const value = values[portSlots[port]!]
    if (name === '__proto__')
      Object.defineProperty(inputs, name, { value, enumerable: true, writable: true, configurable: true })
    else inputs[name] = value
  }
  // Outside a batch, an execution is a batch of one.
  if (step.spec.takesAll && !plan.gathers) {
    for (const port of step.spec.ports) if (port.kind === 'all') inputs[port.name] = [inputs[port.name]]
  }
  return inputs
}

/** What a race's function gets: the port that came first, and its value. Its fallback gets none where no port came. */
export function inputsOfRace(first: First | undefined): Record<string, unknown> {
  return (first === undefined ? undefined : { ...first }) as Record<string, unknown>
}

/** Whether a race still has the port that came first: its declaration may have changed since. */
export function isPortOf({ spec }: PlanStep, { port }: First): boolean {
  return spec.kind === 'race' && spec.ports.some(({ name }) => name === port)
}
