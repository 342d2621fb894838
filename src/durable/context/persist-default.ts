import type { PersistSpec, StepSpec } from '../../core/graph/graph-index.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import { isAlwaysRecorded, persistSpecOf } from '../../core/graph/step-spec.ts'
import type { DocketOptions } from './docket-options.ts'

/** The policy of steps that have none: the docket's, worked out once for each. */
export function persistDefault({
  persist,
  graphs,
}: DocketOptions): ((spec: StepSpec) => PersistSpec | undefined) | undefined {
  const specs = new Map<StepSpec, PersistSpec>()
  for (const graph of graphs) {
    for (const spec of requireIndex(graph).specs) {
      if (spec.persist !== undefined) continue
      const policy = isAlwaysRecorded(spec) ? 'execution' : spec.kind === 'value' ? undefined : persist
      if (policy !== undefined) specs.set(spec, persistSpecOf(policy, spec.step, graph))
    }
  }
  return specs.size === 0 ? undefined : (spec) => specs.get(spec)
}
