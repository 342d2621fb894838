// A look for fewer costs as much.
const leastPortion = 10

/** Graphs that are looked for together, and how many executions of them are taken at most. */
export interface Look {
  readonly graphs: readonly string[]
  readonly limit: number
}

/**
 * Whose turn it is when more waits than can be taken. A graph of which much waits has a turn of its own; the others have one together, so that it
 * costs one call to find nothing, however many graphs there are.
 */
export class GraphRotation {
  /** Graphs of which more waited than was taken, and `undefined` for all others; the first is next. */
  #turns: readonly (string | undefined)[] = [undefined]
  #others: ReadonlySet<string>
  /** Of which nothing is left, in this round. */
  readonly #exhausted = new Set<string>()

  constructor(graphs: readonly string[]) {
    this.#others = new Set(graphs)
  }

  /** One more graph: of its executions nothing was looked for yet. */
  add(graph: string): void {
    this.#others = new Set([...this.#others, graph])
    if (!this.#turns.includes(undefined)) this.#turns = [...this.#turns, undefined]
  }

  /** Nothing more is looked for of a graph. */
  remove(graph: string): void {
    this.#others = new Set([...this.#others].filter((other) => other !== graph))
    this.#turns = this.#turns.filter((turn) => turn !== graph)
    this.#exhausted.delete(graph)
  }

  /** Begins a round: each graph may have something again. */
  begin(): void {
    this.#exhausted.clear()
  }

  /** The next look, for up to `most` at once; undefined when nothing is left of any graph. */
  next(room: number, most: number): Look | undefined {
    const left = this.#turns
      .map((turn) => (turn === undefined ? [...this.#others] : [turn]).filter((graph) => !this.#exhausted.has(graph)))
      .filter((graphs) => graphs.length > 0)
    const [graphs] = left
    if (graphs === undefined) return undefined
    const share = Math.ceil(room / left.flat().length)
    return { graphs, limit: Math.min(room, most, Math.max(share, leastPortion)) }
  }

  /** What a look has found: the graph of each execution. */
  found({ graphs, limit }: Look, found: readonly string[]): void {
    const isFull = found.length >= limit
    const waiting = new Set(isFull ? found : [])
    if (!isFull) for (const graph of graphs) this.#exhausted.add(graph)
    const wereOthers = graphs.some((graph) => this.#others.has(graph))
    const others = new Set([...this.#others, ...graphs])
    for (const graph of waiting) others.delete(graph)
    this.#others = others
    const kept = this.#turns.filter((turn) => (turn === undefined ? !wereOthers : !graphs.includes(turn)))
    if (!wereOthers) this.#turns = [...kept, ...waiting]
    // Those that were not found this time come next: what was found is older, and hides them.
    else if (isFull && others.size > 0) this.#turns = [undefined, ...kept, ...waiting]
    else this.#turns = [...kept, ...waiting, undefined]
  }
}
