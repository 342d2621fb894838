import { load } from '../packages.ts'
import type { Opponent } from './opponent.ts'

interface PGraphModule {
  readonly PGraph: new (
    nodes: Map<string, { run: () => Promise<unknown> }>,
    dependencies: [string, string][],
  ) => { run(): Promise<void> }
}

/** microsoft/p-graph: nodes and pairs of dependencies; values are not passed on. */
export const pGraph: Opponent = {
  name: 'p-graph',
  prepare: async ({ steps }, work) => {
    const { PGraph } = await load<PGraphModule>('p-graph')
    const nodes = new Map(steps.map((_, step) => [`s${step}`, { run: () => work(step) }]))
    const graph = new PGraph(
      nodes,
      steps.flatMap((dependencies, step) => dependencies.map((before): [string, string] => [`s${before}`, `s${step}`])),
    )
    return () => graph.run()
  },
}
