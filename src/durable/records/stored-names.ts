import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import { formerNamesOfStep } from '../../core/graph/former-names.ts'
import type { GraphIndex } from '../../core/graph/graph-index.ts'
import type { KeyNames } from '../../runtime/steps/key-names.ts'
import { graphHashOf } from './graph-hash.ts'

/**
 * Under `$names` in the stored inputs: the names that keys of an execution's attempts are made of, where something of its graph had
 * another name before. They stand there so that keys stay the same when it is renamed once more, or when `formerly` is taken away.
 */
export interface StoredNames {
  readonly graph?: string
  /** First names of steps, by their names when that was written. */
  readonly steps?: Readonly<Record<string, string>>
}

/** The names of an execution that begins now; undefined where they are those that everything has. */
export function namesAtStart({ graph, former, firstName, specs }: GraphIndex): StoredNames | undefined {
  if (former === undefined) return undefined
  const renamed = specs.filter((spec) => spec.firstName !== spec.name).map((spec) => [spec.name, spec.firstName])
  return namesOf(
    firstName === graph.name ? undefined : firstName,
    Object.fromEntries(renamed) as Record<string, string>,
  )
}

/** The names of an execution that goes on, by present names; `recorded`: names of steps that it has records of. */
export function namesAtResumption(
  record: ExecutionRecord,
  stored: StoredNames | undefined,
  recorded: ReadonlySet<string>,
  index: GraphIndex,
): StoredNames | undefined {
  const known = Object.entries(stored?.steps ?? {})
  const steps = Object.fromEntries(known.map(([name, first]) => [index.former?.steps.get(name) ?? name, first]))
  for (const { name, step } of index.specs) {
    const former = formerNamesOfStep(step)
    if (former.length === 0 || Object.hasOwn(steps, name)) continue
    // It may have begun when it had another name, and left no record: then it was the first one, or that would stand here.
    const isNew = recorded.has(name) || record.graphHash === graphHashOf(index)
    steps[name] = former.find((old) => recorded.has(old)) ?? (isNew ? name : former.at(-1)!)
  }
  return namesOf(stored?.graph ?? (index.graph.formerly.length === 0 ? undefined : record.graph), steps)
}

/** What a step is called in a graph that does not know its name, by what a later version of the program has written down of it: it has the same first name. */
export function nameByFirstName(step: string, stored: StoredNames | undefined, { specs }: GraphIndex): string {
  const first = stored?.steps?.[step]
  return specs.find(({ firstName }) => firstName === first)?.name ?? step
}

/** The names once a migration has renamed steps: their attempts, and what undoes them, keep their keys. */
export function namesAfterMigration(
  stored: StoredNames | undefined,
  renamed: ReadonlyMap<string, string>,
): StoredNames | undefined {
  if (renamed.size === 0) return stored
  const known = Object.entries(stored?.steps ?? {}).filter(([name]) => !renamed.has(name))
  const moved = [...renamed].map(([old, now]) => [now, stored?.steps?.[old] ?? old] as const)
  return namesOf(stored?.graph, Object.fromEntries([...known, ...moved]))
}

function namesOf(graph: string | undefined, steps: Readonly<Record<string, string>>): StoredNames | undefined {
  const hasSteps = Object.keys(steps).length > 0
  if (graph === undefined && !hasSteps) return undefined
  return { ...(graph !== undefined && { graph }), ...(hasSteps && { steps }) }
}

/** What keys of attempts are made of. */
export function keyNamesOf({ graph }: ExecutionRecord, names: StoredNames | undefined): KeyNames | undefined {
  if (names === undefined) return undefined
  return { graph: names.graph ?? graph, steps: new Map(Object.entries(names.steps ?? {})) }
}
