import type { PersistSpec, StepSpec } from '../../core/graph/graph-index.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import { persistSpecOf } from '../../core/graph/step-spec.ts'
import type { DocketOptions } from './docket-options.ts'

/** The policy of steps that have none: the docket's, worked out once for each. */
export function persistDefault({
  persist,
  graphs,
}: DocketOptions): ((spec: StepSpec) => PersistSpec | undefined) | undefined {
  if (persist === undefined) return undefined
  const specs = new Map<StepSpec, PersistSpec>()
  for (const graph of graphs)
    for (const spec of requireIndex(graph).specs)
      if (spec.persist === undefined && spec.kind !== 'value') specs.set(spec, persistSpecOf(persist, spec.step, graph))
  return (spec) => specs.get(spec)
}
