import type { StepSpec } from './graph-index.ts'
import { isSubgraph } from './nested-graph.ts'
import { planOf } from './plan.ts'
import type { Plan } from './plan.ts'

/** The first step of a plan, or of a graph within its graph, that waits for an event, with the name of its graph; undefined where none does. */
export function firstEventStep(plan: Plan): { readonly graph: string; readonly spec: StepSpec } | undefined {
  const { eventSteps, nests, steps, index } = plan
  if (eventSteps.length > 0) return { graph: index.graph.name, spec: eventSteps[0]!.spec }
  if (!nests) return undefined
  for (const { spec } of steps) {
    const found = isSubgraph(spec.step) ? firstEventStep(planOf(spec.step.graph, spec.step.target)) : undefined
    if (found !== undefined) return found
  }
  return undefined
}
