import { withNestedGraphs } from './nested-graph.ts'
import { indexOf } from './graph-index.ts'
import type { AnyGraph, StepSpec } from './graph-index.ts'

/** Which kinds of steps remember more than their outcome: in a docket they need a store that keeps checkpoints. */
const needs: Readonly<Record<StepSpec['kind'], boolean>> = {
  step: false,
  value: false,
  race: false,
  timer: false,
  signal: false,
  event: false,
  subgraph: false,
  durable: true,
  remote: false,
  machine: true,
}

/** The first step of some graphs, or of their child graphs, that needs checkpoints. */
export function neededCheckpoints(
  graphs: readonly AnyGraph[],
): { readonly graph: string; readonly step: string } | undefined {
  for (const graph of withNestedGraphs(graphs))
    for (const { kind, name } of indexOf(graph)?.specs ?? []) if (needs[kind]) return { graph: graph.name, step: name }
  return undefined
}
