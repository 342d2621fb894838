import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import type { AnyDataType } from '../../core/language/data-type.ts'
import { isRecord } from '../../core/is-record.ts'

/** The mark of an execution's inputs that names its sensitive types, so that processes without its graph know them; nothing where there are none. */
export function sensitiveMark(types: Iterable<AnyDataType>): { readonly $sensitive?: readonly string[] } {
  const names = [...types].filter(({ isSensitive }) => isSensitive === true).map(({ name }) => name)
  return names.length === 0 ? {} : { $sensitive: names }
}

/** What such a mark says, of inputs as they are stored, which may be anything. */
export function sensitiveNamesOf(stored: unknown): readonly string[] {
  const names = isRecord(stored) ? stored['$sensitive'] : undefined
  return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : []
}

/** Names of the types of an execution of which no tool shows a value: those that were sensitive when it began, and those that its graph says are now. */
export function allSensitive(stored: readonly string[], graph: AnyGraph | undefined): readonly string[] {
  const index = graph === undefined ? undefined : requireIndex(graph)
  const now = index === undefined ? [] : [...index.types.values()].filter(({ isSensitive }) => isSensitive === true)
  const former = index?.former?.types
  return [...new Set([...stored.map((name) => former?.get(name) ?? name), ...now.map(({ name }) => name)])].sort()
}
