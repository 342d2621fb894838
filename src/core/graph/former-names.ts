import { describe } from '../check-options.ts'
import type { GraphProblem } from '../errors.ts'
import type { AnyDataType } from '../language/data-type.ts'
import type { AnyStep } from '../language/step.ts'

/** What a graph, its steps and its types were called before. */
export interface FormerNames {
  readonly graph: readonly string[]
  /** Present names by former ones. */
  readonly steps: ReadonlyMap<string, string>
  readonly types: ReadonlyMap<string, string>
}

/** What stands in `formerly`: one name, or several, the newest first. */
export type Formerly = string | readonly string[]

/** The former names of a step, a type or a graph, the newest first. */
export function formerNamesOf({ formerly }: { readonly formerly?: Formerly | undefined }): readonly string[] {
  if (formerly === undefined) return []
  return typeof formerly === 'string' ? [formerly] : formerly
}

/** The former names of a step: one that waits for something from outside is called what its type is called. */
export function formerNamesOfStep(step: AnyStep): readonly string[] {
  return formerNamesOf(isNamedByType(step) ? step.output : step)
}

function isNamedByType({ kind, name, output }: AnyStep): boolean {
  return (kind === 'signal' || kind === 'event') && name === output.name
}

/** The name that keys of its attempts are made of: the first that it had, so that they are the same whatever it was called when one began. */
export function firstNameOf(named: { readonly name: string; readonly formerly?: Formerly | undefined }): string {
  return formerNamesOf(named).at(-1) ?? named.name
}

/** All that a checked graph was called before; undefined where nothing of it had another name. */
export function formerNamesIn(
  graph: { readonly formerly: readonly string[] },
  steps: readonly AnyStep[],
  types: Iterable<AnyDataType>,
): FormerNames | undefined {
  const named = steps.map((step) => ({ name: step.name, formerly: formerNamesOfStep(step) }))
  const former = { graph: graph.formerly, steps: byFormerName(named), types: byFormerName(types) }
  return former.graph.length + former.steps.size + former.types.size === 0 ? undefined : former
}

/** Present names of types by all that they have had, these among them. */
export function presentNames(types: readonly AnyDataType[]): ReadonlyMap<string, string> {
  return new Map([...byFormerName(types), ...types.map(({ name }) => [name, name] as const)])
}

function byFormerName(
  all: Iterable<{ readonly name: string; readonly formerly?: Formerly | undefined }>,
): ReadonlyMap<string, string> {
  const present = new Map<string, string>()
  for (const one of all) for (const name of formerNamesOf(one)) present.set(name, one.name)
  return present
}

type Report = (kind: GraphProblem['kind'], message: string, step?: string) => void

/** Reports everything that is wrong with what a graph, its steps and its types claim to have been called. */
export function checkFormerNames(
  graph: { readonly name?: unknown; readonly formerly?: unknown },
  steps: readonly AnyStep[],
  types: Iterable<AnyDataType>,
  report: Report,
): void {
  checkAmong('graph', [graph], report)
  checkAmong('step', steps, report)
  checkAmong('data type', [...types], report)
}

interface Claiming {
  readonly name?: unknown
  readonly formerly?: unknown
}

function checkAmong(kind: 'graph' | 'step' | 'data type', all: readonly Claiming[], report: Report): void {
  const present = new Set(all.map(({ name }) => name))
  const claimed = new Map<string, string>()
  for (const { name, formerly } of all) {
    if (formerly === undefined) continue
    const label = kind === 'graph' ? 'the graph' : `${kind} "${String(name)}"`
    const bad = (problem: string): void =>
      report('bad-option', `${label}: formerly ${problem}`, kind === 'step' ? String(name) : undefined)
    const names: readonly unknown[] = Array.isArray(formerly) ? formerly : [formerly]
    const own = new Set<unknown>()
    for (const former of names) {
      if (typeof former !== 'string' || former === '') {
        const given = former === '' ? 'an empty one' : describe(former)
        bad(`must be a non-empty string or an array of them, the newest first, not ${given}`)
      } else if (former.startsWith('$')) bad(`has "${former}", but names that begin with "$" are reserved`)
      else if (former === name) bad(`has "${former}", which is its own name; leave that out`)
      else if (own.has(former)) bad(`has "${former}" twice`)
      else if (present.has(former))
        bad(`has "${former}", but the graph has another ${kind} of that name, whose records they are`)
      else if (claimed.has(former))
        bad(
          `has "${former}", but ${kind} "${claimed.get(former)}" was called that too; only one of them can have its records`,
        )
      else claimed.set(former, String(name))
      own.add(former)
    }
  }
}
