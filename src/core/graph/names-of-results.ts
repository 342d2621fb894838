import { problemOfLength, problemsOfLimits } from '../check-length.ts'
import type { LimitingStore } from '../check-length.ts'
import type { Problem } from '../check-options.ts'
import type { PersistSpec, StepSpec } from './graph-index.ts'

/** What is wrong with the names of a step, as a store is to keep them. */
export function problemsOfStepNames(store: LimitingStore, { name, output, version }: StepSpec): readonly Problem[] {
  return [
    problemOfLength(store, 'step', 'the name of step', name),
    problemOfLength(store, 'name', `step "${name}": version`, version),
    problemOfLength(store, 'name', 'the name of type', output.name),
    problemOfLength(store, 'name', `type "${output.name}": version`, output.version ?? ''),
  ]
}

/** What is wrong with the names that a step's results would have in a store. */
export function problemsOfResultNames(
  store: LimitingStore,
  spec: StepSpec,
  { namespace }: PersistSpec,
): readonly Problem[] {
  const what = `step "${spec.name}": the namespace of its results`
  return [...problemsOfStepNames(store, spec), problemOfLength(store, 'graph', what, namespace)]
}

/** What is wrong with a store that a step's results have of their own, and with their names there. */
export function problemsInOwnStore(spec: StepSpec): readonly Problem[] {
  const { persist } = spec
  if (persist?.store === undefined) return []
  return [...problemsOfLimits(persist.store), ...problemsOfResultNames(persist.store, spec, persist)]
}
