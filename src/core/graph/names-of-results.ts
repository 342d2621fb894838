import { problemOfLength, problemsOfLimits } from '../check-length.ts'
import type { LimitingStore } from '../check-length.ts'
import type { Problem } from '../check-options.ts'
import type { PersistSpec, StepSpec } from './graph-index.ts'

/** What the longest of the names under which its undoing is on record begins with. */
const longestUndoName = '$inputs '

/** What is wrong with the names of a step, as a store is to keep them. */
export function problemsOfStepNames(
  store: LimitingStore,
  { name, kind, output, version, compensate }: StepSpec,
): readonly Problem[] {
  return [
    problemOfLength(store, 'step', 'the name of step', name) ||
      // What is kept of its undoing has a name that begins otherwise.
      (compensate !== undefined &&
        problemOfLength(
          store,
          'step',
          'the name of a step that can be undone, as its records have it,',
          longestUndoName + name,
        )),
    kind === 'signal' && problemOfLength(store, 'message', `the name of a signal's type`, output.name),
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
