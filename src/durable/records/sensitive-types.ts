import type { AnyGraph, StepSpec } from '../../core/graph/graph-index.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import type { Plan } from '../../core/graph/plan.ts'
import { isSensitiveType } from '../../core/graph/sensitivity.ts'
import type { AnyDataType } from '../../core/language/data-type.ts'
import { isRecord } from '../../core/is-record.ts'

/** The mark of an execution's inputs that names its sensitive types. */
interface SensitiveMark {
  readonly $sensitive?: readonly string[]
}

const marks = new WeakMap<Plan, SensitiveMark>()

/** The mark of an execution's inputs that names its sensitive types, so that processes without its graph know them; nothing where there are none. */
export function sensitiveMark(plan: Plan): SensitiveMark {
  let mark = marks.get(plan)
  if (mark === undefined) {
    const names = sensitiveAmong(
      plan.types,
      plan.steps.map(({ spec }) => spec),
    )
    marks.set(plan, (mark = names.length === 0 ? {} : { $sensitive: names }))
  }
  return mark
}

/** Names of sensitive types: of those that are given, and of what steps receive and publish. */
function sensitiveAmong(
  types: Iterable<AnyDataType>,
  specs: readonly Pick<StepSpec, 'receives' | 'publishes'>[],
): readonly string[] {
  const all = [...types, ...specs.flatMap(({ receives, publishes }) => [...receives, ...publishes])]
  return [...new Set(all.filter(isSensitiveType).map(({ name }) => name))]
}

/** Whether a type of an execution's document is sensitive, by its name; false where none is. */
export function isSensitiveIn(plan: Plan): false | ((name: string) => boolean) {
  const { $sensitive: names } = sensitiveMark(plan)
  return names !== undefined && ((name) => names.includes(name))
}

/** What such a mark says, of inputs as they are stored, which may be anything. */
export function sensitiveNamesOf(stored: unknown): readonly string[] {
  const names = isRecord(stored) ? stored['$sensitive'] : undefined
  return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : []
}

/** Names of the types of an execution of which no tool shows a value: those that were sensitive when it began, and those that its graph says are now. */
export function allSensitive(stored: readonly string[], graph: AnyGraph | undefined): readonly string[] {
  const index = graph === undefined ? undefined : requireIndex(graph)
  const now = index === undefined ? [] : sensitiveAmong(index.types.values(), index.specs)
  const former = index?.former?.types
  return [...new Set([...stored.map((name) => former?.get(name) ?? name), ...now])].sort()
}
