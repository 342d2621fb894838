import type { ScheduleRecord } from '../../core/contracts/schedule-record.ts'
import { isRecord } from '../../core/is-record.ts'
import { LruMap } from '../../runtime/collections/lru-map.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { identityOf } from './declare-schedule.ts'

const portionSize = 1_000
const pauseMs = 5_000
/** The same where a hint has come: whoever declares thousands sends one for each. */
const hintedPauseMs = 1_000
/** So many portions are looked at for a hint, at once. */
const mostPortions = 10
const mostRead = 1_000

/** What was read of a schedule: that it is of no workflow, or of one that can't be drawn here. */
interface Read {
  readonly digest: string
  readonly isDrawn: boolean
}

/**
 * Finds schedules of graphs that nobody has listed: of workflows of which this process has nothing but the steps, whose drawings stand in the schedules, and of those that
 * `unknownGraph` gives. A portion of all schedules at a time, several where the store says that there are new ones, and from the beginning again when all were looked at; of those of graphs that are known
 * nothing is read.
 */
export class UnlistedSchedules {
  readonly #context: DocketContext
  #after: string | undefined
  #lookedAt = -Infinity
  #isHinted = false
  readonly #read = new LruMap<Read>()

  constructor(context: DocketContext) {
    this.#context = context
  }

  /** Looks, where it is time to: from then on the docket knows the graphs that it has found. @throws StoreError */
  async look(): Promise<void> {
    if (!this.#isWanted || this.#pauseMs() > 0) return
    this.#lookedAt = this.#context.clock.elapsed()
    const isHinted = this.#isHinted
    this.#isHinted = false
    // What is new may stand before the portion that comes next.
    let ends = this.#after === undefined ? 1 : 2
    for (let portions = 0; portions < (isHinted ? mostPortions : 1) && ends > 0; portions++) {
      await this.#portion()
      if (this.#after === undefined) ends--
    }
  }

  /** There may be new schedules. */
  hinted(): void {
    this.#isHinted = this.#isWanted
  }

  /** In how many milliseconds it is to look for what a hint has announced; Infinity where none has come. */
  get hintedPauseMs(): number {
    return this.#isHinted ? this.#pauseMs() : Infinity
  }

  get #isWanted(): boolean {
    const { options, drawn } = this.#context
    return options.takeOver !== false && (options.unknownGraph !== undefined || drawn.canDraw)
  }

  #pauseMs(): number {
    const pause = this.#isHinted ? hintedPauseMs : pauseMs
    return Math.max(0, this.#lookedAt + pause - this.#context.clock.elapsed())
  }

  async #portion(): Promise<void> {
    const { connection } = this.#context
    const page = await connection.store.listSchedules({ after: this.#after, limit: portionSize })
    const { knownGraphs, drawn } = this.#context
    const known = new Set([...knownGraphs.storedNames, ...drawn.names.kept])
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
          drawn.keep(graph)
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
