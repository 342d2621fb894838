import type { StepSpec } from './graph-index.ts'
import { isSubgraph } from './nested-graph.ts'
import { planOf } from './plan.ts'
import type { Plan } from './plan.ts'

/** The first step of a plan, or of a graph within its graph, whose limits all processes share, with the name of its graph; undefined where none has such limits. */
export function firstSharingStep(plan: Plan): { readonly graph: string; readonly spec: StepSpec } | undefined {
  for (const { spec } of plan.steps) {
    if (spec.sharesLimits) return { graph: plan.index.graph.name, spec }
    const found = isSubgraph(spec.step) ? firstSharingStep(planOf(spec.step.graph, spec.step.target)) : undefined
    if (found !== undefined) return found
  }
  return undefined
}
