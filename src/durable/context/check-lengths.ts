import { problemOfLength, problemsOfLimits } from '../../core/check-length.ts'
import type { Problem } from '../../core/check-options.ts'
import type { Store } from '../../core/contracts/store.ts'
import { problemsOfResultNames, problemsOfStepNames } from '../../core/graph/names-of-results.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import { persistSpecOf } from '../../core/graph/step-spec.ts'
import type { PersistPolicy, PersistScope } from '../../core/language/policy.ts'
import { ownerNameOf } from '../../runtime/store-access/owner-session.ts'

/** What a docket is given that names something. */
interface Named {
  readonly graphs: readonly AnyGraph[]
  readonly store: Store
  readonly name?: string | undefined
  readonly persist?: PersistScope | PersistPolicy | undefined
}

/** What is wrong with names of graphs, steps and types, and of the process, that a docket's store can't keep. */
export function problemsOfLengths(options: Named): readonly Problem[] {
  const { graphs, store, name = 'docket', persist } = options
  const owner = ownerNameOf(name, '-'.repeat(uuidLength))
  const own = typeof persist === 'object' && persist.store !== undefined ? problemsOfLimits(persist.store) : []
  const problems = [
    ...problemsOfLimits(store),
    ...own,
    problemOfLength(store, 'owner', 'name: the owner', owner),
    ...graphs.flatMap((graph) => problemsOfGraph(graph, options)),
  ]
  // Many steps have the same types.
  return [...new Set(problems)]
}

const uuidLength = 36

function problemsOfGraph(graph: AnyGraph, { store, persist }: Named): readonly Problem[] {
  const { specs, types } = requireIndex(graph)
  return [
    problemOfLength(store, 'graph', 'the name of graph', graph.name),
    ...specs.flatMap((spec) => {
      const kept = spec.persist ?? (persist === undefined ? undefined : persistSpecOf(persist, spec.step, graph))
      const results = kept === undefined ? [] : problemsOfResultNames(kept.store ?? store, spec, kept)
      return [...problemsOfStepNames(store, spec), ...results]
    }),
    ...[...types.keys()].map((type) => problemOfLength(store, 'name', 'the name of type', type)),
  ]
}
