import { load } from '../packages.ts'
import { atMost } from './opponent.ts'
import type { Opponent } from './opponent.ts'

interface StateGraph {
  addNode(name: string, run: () => Promise<Record<string, number>>): void
  addEdge(from: string | string[], to: string): void
  compile(): { invoke(input: object, options: { recursionLimit: number }): Promise<Record<string, number>> }
}

interface LangGraphModule {
  readonly START: string
  readonly END: string
  readonly Annotation: { (): unknown; Root(channels: Record<string, unknown>): unknown }
  readonly StateGraph: new (state: unknown) => StateGraph
}

/** LangGraph: one channel for each value, edges that wait for all they come from; no checkpointer. */
export const langGraph: Opponent = {
  name: 'LangGraph',
  leavesOut: atMost(200, 'one run of the 1,000-step graph takes 6 to 9 s'),
  prepare: async ({ steps, layers }, work) => {
    const { Annotation, StateGraph, START, END } = await load<LangGraphModule>('@langchain/langgraph')
    const graph = new StateGraph(
      Annotation.Root(Object.fromEntries(steps.map((_, step) => [`v${step}`, Annotation()]))),
    )
    for (const step of steps.keys()) graph.addNode(`s${step}`, async () => ({ [`v${step}`]: await work(step) }))
    for (const [step, dependencies] of steps.entries()) {
      const from = dependencies.map((before) => `s${before}`)
      graph.addEdge(from.length === 0 ? START : from.length === 1 ? from[0]! : from, `s${step}`)
    }
    const last = steps.length - 1
    graph.addEdge(`s${last}`, END)
    const compiled = graph.compile()
    const options = { recursionLimit: layers.length + 5 }
    return async () => (await compiled.invoke({}, options))[`v${last}`]
  },
}
