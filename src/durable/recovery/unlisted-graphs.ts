import { isHashOfDrawing } from '../../core/graph/drawing.ts'
import { openStatuses } from '../../core/contracts/statuses.ts'
import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import type { DocketContext } from '../context/docket-context.ts'

const portionSize = 1_000
const pauseMs = 5_000

/**
 * Finds executions of graphs that nobody has listed, so that `unknownGraph` can be called for them, and workflows are looked for by their names: a portion of the open executions at a time, the newest
 * first, and from the beginning again when all were looked at. The cost of a look does not grow with their number.
 */
export class UnlistedGraphs {
  readonly #context: DocketContext
  #after: ExecutionRecord | undefined
  #dueAt = -Infinity

  constructor(context: DocketContext) {
    this.#context = context
  }

  /** Looks, where it is time to, or at all that are open. @throws StoreError */
  async look(isThorough: boolean): Promise<void> {
    const { clock, options, drawn } = this.#context
    if (options.unknownGraph === undefined && !drawn.canDraw) return
    if (!isThorough && clock.elapsed() < this.#dueAt) return
    this.#dueAt = clock.elapsed() + pauseMs
    if (isThorough) this.#after = undefined
    for (let mayBeMore = true; mayBeMore;) mayBeMore = (await this.#portion()) && isThorough
  }

  /** @returns whether there may be more */
  async #portion(): Promise<boolean> {
    const query = { statuses: openStatuses, after: this.#after, limit: portionSize }
    const records = await this.#context.connection.store.list(query)
    for (const record of records) this.#found(record)
    const isLast = records.length < portionSize
    this.#after = isLast ? undefined : records.at(-1)
    return !isLast
  }

  #found({ graph, graphHash }: ExecutionRecord): void {
    const context = this.#context
    if (!isHashOfDrawing(graphHash)) context.graphOf(graph)
    else if (context.drawn.canDraw && context.drawn.note(graph)) context.onGraph(graph)
  }
}
