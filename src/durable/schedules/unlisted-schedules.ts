import type { ScheduleRecord } from '../../core/contracts/schedule-record.ts'
import { isRecord } from '../../core/is-record.ts'
import { LruMap } from '../../runtime/collections/lru-map.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { identityOf } from './declare-schedule.ts'

const portionSize = 1_000
const pauseMs = 5_000
const mostRead = 1_000

/** What was read of a schedule: that it is of no workflow, or of one that can't be drawn here. */
interface Read {
  readonly digest: string
  readonly isDrawn: boolean
}

/**
 * Finds schedules of graphs that nobody has listed: of workflows of which this process has nothing but the steps, whose drawings stand in the schedules, and of those that
 * `unknownGraph` gives. A portion of all schedules at a time, and from the beginning again when all were looked at; of those of graphs that are known nothing is read.
 */
export class UnlistedSchedules {
  readonly #context: DocketContext
  #after: string | undefined
  #dueAt = -Infinity
  readonly #read = new LruMap<Read>()

  constructor(context: DocketContext) {
    this.#context = context
  }

  /** Looks, where it is time to: from then on the docket knows the graphs that it has found. @throws StoreError */
  async look(): Promise<void> {
    const { clock, options, drawn, connection } = this.#context
    if (options.takeOver === false || (options.unknownGraph === undefined && !drawn.canDraw)) return
    if (clock.elapsed() < this.#dueAt) return
    this.#dueAt = clock.elapsed() + pauseMs
    const page = await connection.store.listSchedules({ after: this.#after, limit: portionSize })
    const known = new Set(this.#context.storedGraphNames)
    for (const record of page)
      // One that was just found may stand for others.
      if (!known.has(record.graph) && (await this.#canStart(record))) known.add(record.graph)
    this.#after = page.length < portionSize ? undefined : page.at(-1)!.name
  }

  /** Whether its graph is there now. */
  async #canStart({ name, graph, digest, inputs }: ScheduleRecord): Promise<boolean> {
    const { drawn, connection } = this.#context
    let read = this.#read.get(name)
    if (read?.digest !== digest) {
      read = { digest, isDrawn: true }
      try {
        const stored = await connection.encoding.decode(inputs, identityOf(name))
        const drawing = isRecord(stored) ? stored['$drawing'] : undefined
        if (drawing === undefined) read = { digest, isDrawn: false }
        else if (drawn.canDraw) {
          drawn.draw(drawing, graph)
          return true
        }
      } catch {
        // Others may have its steps, or the key of its inputs.
      }
      this.#read.set(name, read, mostRead)
    }
    // A name that is not known now may be known later.
    return !read.isDrawn && this.#context.graphOf(graph) !== undefined
  }
}
