import type { AnyStep } from '../language/step.ts'
import { indexOf } from './graph-index.ts'
import { isSubgraph } from './nested-graph.ts'

/** The first of these steps whose functions read `ctx.app`, or that of a graph within them; undefined where none does. */
export function readerOfApp(steps: readonly AnyStep[]): string | undefined {
  for (const step of steps) {
    if (step.needsApp === true) return step.name
    const nested = isSubgraph(step) ? indexOf(step.graph)?.readsApp : undefined
    if (nested !== undefined) return nested
  }
  return undefined
}

/** What is said where there is none. */
export function missingAppText(graph: string, step: string): string {
  return `step "${step}" of graph "${graph}" reads ctx.app, and no app is given; give one in the options of the call, or of createDocket: { app }`
}
