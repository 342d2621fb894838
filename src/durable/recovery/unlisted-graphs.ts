import { isHashOfDrawing } from '../../core/graph/drawing.ts'
import { openStatuses } from '../../core/contracts/statuses.ts'
import type { ExecutionQuery, ExecutionRecord } from '../../core/contracts/execution-record.ts'
import type { DocketContext } from '../context/docket-context.ts'

const portionSize = 1_000
const pauseMs = 5_000
const newestSize = 20
const newestPauseMs = 1_000
/** The same where a hint has come: each start sends one. */
const hintedPauseMs = 250

/**
 * Finds executions of graphs that nobody has listed, so that `unknownGraph` can be called for them, and workflows are looked for by their names: a portion of the open executions at a time, the newest
 * first, and from the beginning again when all were looked at. The cost of a look does not grow with their number. The newest of those that are to begin in queues with room are looked at more often.
 */
export class UnlistedGraphs {
  readonly #context: DocketContext
  readonly #onForgotten: (graph: string) => void
  #after: ExecutionRecord | undefined
  #dueAt = -Infinity
  #newestAt = -Infinity
  #isHinted = false

  /** @param onForgotten called with each workflow that is looked for no more */
  constructor(context: DocketContext, onForgotten: (graph: string) => void) {
    this.#context = context
    this.#onForgotten = onForgotten
  }

  /** Something may be there that was not. */
  hinted(): void {
    this.#isHinted = true
  }

  /** Looks, where it is time to, or at all that are open. @param queues those with room @throws StoreError */
  async look(isThorough: boolean, queues: readonly string[]): Promise<void> {
    const { clock } = this.#context
    if (!this.#mayFind) return
    if (!isThorough && clock.elapsed() < this.#dueAt) return this.#lookAtNewest(queues)
    this.#dueAt = clock.elapsed() + pauseMs
    if (isThorough) this.#after = undefined
    for (let mayBeMore = true; mayBeMore;) mayBeMore = (await this.#portion()) && isThorough
  }

  /** Looks at the newest that are to begin in a queue. @returns whether there are graphs, or names of workflows, that were not looked for before @throws StoreError */
  async meet(queue: string): Promise<boolean> {
    if (!this.#mayFind) return false
    const before = this.#context.storedGraphNames.length
    await this.#readNewest(queue)
    return this.#context.storedGraphNames.length > before
  }

  get #mayFind(): boolean {
    const { options, drawn } = this.#context
    return options.unknownGraph !== undefined || drawn.canDraw
  }

  async #lookAtNewest(queues: readonly string[]): Promise<void> {
    const now = this.#context.clock.elapsed()
    if (now < this.#newestAt + (this.#isHinted ? hintedPauseMs : newestPauseMs)) return
    this.#newestAt = now
    this.#isHinted = false
    for (const queue of queues) await this.#readNewest(queue)
  }

  #readNewest(queue: string): Promise<unknown> {
    return this.#read({ queue, statuses: ['pending'], limit: newestSize })
  }

  /** @returns whether there may be more */
  async #portion(): Promise<boolean> {
    const records = await this.#read({ statuses: openStatuses, after: this.#after, limit: portionSize })
    const isLast = records.length < portionSize
    this.#after = isLast ? undefined : records.at(-1)
    if (isLast) for (const name of this.#context.drawn.names.endRound()) this.#onForgotten(name)
    return !isLast
  }

  async #read(query: ExecutionQuery): Promise<readonly ExecutionRecord[]> {
    const records = await this.#context.connection.store.list(query)
    for (const record of records) this.#found(record)
    return records
  }

  #found({ graph, graphHash }: ExecutionRecord): void {
    const context = this.#context
    if (!isHashOfDrawing(graphHash)) context.graphOf(graph)
    else if (context.drawn.canDraw && context.drawn.names.note(graph)) context.onGraph(graph)
  }
}
