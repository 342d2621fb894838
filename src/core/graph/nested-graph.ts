import type { AnyDataType, AnyPort } from '../language/data-type.ts'
import { describe } from '../check-options.ts'
import { isRecord } from '../is-record.ts'
import type { AnyStep } from '../language/step.ts'
import { indexOf } from './graph-index.ts'
import type { AnyGraph, GraphIndex } from './graph-index.ts'
import { planOf } from './plan.ts'
import type { PlanLeaf } from './plan.ts'

/** A step whose value another graph makes, its types forgotten. */
export interface AnySubgraph extends AnyStep {
  readonly kind: 'subgraph'
  /** What makes the value. */
  readonly graph: AnyGraph
  /** The type of that graph that is made. */
  readonly target: AnyDataType
  /** Types that stand in the place of the graph's leaves, by the names of these. */
  readonly renames: Readonly<Record<string, AnyDataType>> | undefined
  /** What becomes of an execution of it whose process is lost. */
  readonly onWorkerLoss?: 'restart' | 'fail' | undefined
  /** The step in whose place it stands, which has a queue; undefined where it is declared as it is. */
  readonly standsFor?: AnyStep | undefined
}

/** Whether a step is made by `subgraph`. */
export function isSubgraph(step: AnyStep): step is AnySubgraph {
  return step.kind === 'subgraph'
}

/** What a graph needs for a target, as ports named like the leaves; none where the two don't fit, which `graph()` reports. */
export function portsOfLeaves(graph: unknown, target: unknown, renames: unknown): Readonly<Record<string, AnyPort>> {
  const leaves = leavesOf(graph, target) ?? []
  const names: Readonly<Record<string, unknown>> = isRecord(renames) ? renames : {}
  const ports = leaves.map(({ type, isRequired }) => {
    const taken = (Object.hasOwn(names, type.name) ? names[type.name] : type) as AnyDataType
    return [type.name, isRequired ? taken : ({ kind: 'optional', type: taken } as const)] as const
  })
  return Object.freeze(Object.fromEntries(ports))
}

function leavesOf(graph: unknown, target: unknown): readonly PlanLeaf[] | undefined {
  const index = indexIn(graph)
  const name = isRecord(target) ? target['name'] : undefined
  if (index === undefined || typeof name !== 'string' || !index.producers.has(name)) return undefined
  return planOf(index.graph, target as unknown as AnyDataType).leaves
}

function indexIn(graph: unknown): GraphIndex | undefined {
  return isRecord(graph) ? indexOf(graph as unknown as AnyGraph) : undefined
}

/** Reports what is wrong with a subgraph's graph, target and names. */
export function checkSubgraph(label: string, step: AnySubgraph, bad: (message: string) => void): void {
  const { graph, target, renames, inputs } = step
  const index = indexIn(graph)
  if (index === undefined) {
    bad(`${label} runs ${describe(graph)}, which is not a graph: give it one that graph({ name, steps }) made`)
    return
  }
  const { name } = index.graph
  if (!index.producers.has(target.name)) {
    const made = [...index.producers.keys()].join(', ')
    bad(`${label}: no step of graph "${name}" produces "${target.name}"; it makes: ${made}`)
    return
  }
  checkRestart(label, step, index, bad)
  if (renames === undefined) return
  if (!isRecord(renames)) {
    bad(`${label}: inputs must be an object of data types by the names of leaves, not ${describe(renames)}`)
    return
  }
  for (const leaf of Object.keys(renames)) {
    if (Object.hasOwn(inputs, leaf)) continue
    const leaves = Object.keys(inputs)
    const known = leaves.length === 0 ? 'it takes nothing' : `it takes: ${leaves.join(', ')}`
    bad(`${label}: inputs names "${leaf}", which "${target.name}" of graph "${name}" does not take; ${known}`)
  }
}

/** What begins anew forgets what it did before: nobody would undo that. */
function checkRestart(
  label: string,
  { onWorkerLoss, target }: AnySubgraph,
  { graph }: GraphIndex,
  bad: (message: string) => void,
): void {
  if (onWorkerLoss !== 'restart') return
  const undone = planOf(graph, target).steps.filter(({ spec }) => spec.compensate !== undefined)
  if (undone.length === 0) return
  const names = undone.map(({ spec }) => `"${spec.name}"`).join(', ')
  bad(
    `${label}: onWorkerLoss: 'restart' runs graph "${graph.name}" anew and forgets what its steps did, but ${names} would have to be undone (compensate): take onWorkerLoss: 'fail', after which that is undone elsewhere, or leave out one of the two`,
  )
}

/** Reports subgraphs that have the name of a graph around them: keys of attempts and stored executions differ by names. */
export function checkNesting(
  graph: string,
  steps: readonly AnyStep[],
  report: (message: string, step: string) => void,
): void {
  for (const step of steps) {
    if (!isSubgraph(step) || indexIn(step.graph) === undefined) continue
    const way = wayTo(graph, step.graph)
    if (way === undefined) continue
    const within = way.length === 0 ? '' : ` (by ${way.map((name) => `"${name}"`).join(' → ')})`
    report(
      `step "${step.name}" runs a graph named "${graph}" within graph "${graph}"${within}; a graph can't be part of itself: give one of them another name`,
      step.name,
    )
  }
}

/** The steps that lead from a graph to one of this name within it; undefined where none does. */
function wayTo(name: string, graph: AnyGraph): readonly string[] | undefined {
  if (graph.name === name) return []
  for (const step of graph.steps) {
    const way = isSubgraph(step) ? wayTo(name, step.graph) : undefined
    if (way !== undefined) return [step.name, ...way]
  }
  return undefined
}

/** These graphs, and those that run within them. */
export function withNestedGraphs(graphs: readonly AnyGraph[]): readonly AnyGraph[] {
  const all = new Set(graphs)
  const listed = all.size
  for (const graph of all) for (const { step } of indexOf(graph)?.specs ?? []) if (isSubgraph(step)) all.add(step.graph)
  // Those that are listed twice stay so, for the one that checks them.
  return [...graphs, ...[...all].slice(listed)]
}
