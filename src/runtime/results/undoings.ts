import type { Plan } from '../../core/graph/plan.ts'
import { LruMap } from '../collections/lru-map.ts'

/** How often what the steps of one execution did has been undone: then they are other deeds when they run again, with other keys. */
export interface Undoings {
  of(step: string, item: number | undefined): number
  add(step: string, item: number | undefined): void
}

const maxKept = 10_000
const counts = new LruMap<number>()

/** What is counted of an execution; undefined where it is never found again, or has nothing to undo. */
export function undoingsOf(plan: Plan, id: string | undefined): Undoings | undefined {
  return id === undefined || !plan.compensates ? undefined : new RememberedUndoings(plan.index.graph.name, id)
}

/** Counts what was undone of an execution that its caller named, in this process's memory. */
class RememberedUndoings implements Undoings {
  readonly #graph: string
  readonly #id: string

  constructor(graph: string, id: string) {
    this.#graph = graph
    this.#id = id
  }

  of(step: string, item: number | undefined): number {
    return counts.get(this.#keyOf(step, item)) ?? 0
  }

  add(step: string, item: number | undefined): void {
    counts.set(this.#keyOf(step, item), this.of(step, item) + 1, maxKept)
  }

  #keyOf(step: string, item: number | undefined): string {
    return JSON.stringify([this.#graph, this.#id, step, item])
  }
}
