import { createGraph } from './create-graph.ts'
import { indexOf } from './graph-index.ts'
import type { AnyGraph, StepDefaults } from './graph-index.ts'

/** The same graph, with policies for steps that get none of their own, and none of the graph's. @throws GraphError where they don't fit together */
export function withDefaults(
  graph: AnyGraph,
  below: Pick<StepDefaults, 'timeout' | 'retry' | 'concurrency'>,
): AnyGraph {
  const { name, steps, inputs, timeout, defaults, observers, formerly, queries } = graph
  const declaration = {
    name,
    steps,
    inputs,
    timeout,
    observers,
    formerly,
    queries,
    defaults: {
      ...defaults,
      timeout: defaults.timeout ?? below.timeout,
      retry: defaults.retry ?? below.retry,
      concurrency: defaults.concurrency ?? below.concurrency,
    },
  }
  return createGraph(declaration, indexOf(graph))
}
