import type { AcquireRequest, ExecutionPlace, ExecutionRecord } from '../../core/contracts/execution-record.ts'
import type { FullClock } from '../../runtime/environment/clock.ts'
import { inOrder } from '../context/incompatible-executions.ts'
import type { IncompatibleExecutions } from '../context/incompatible-executions.ts'

// What a store is given to leave alone in one call.
const mostExcepted = 1_000
const windowsPerLook = 2
const fullPauseMs = 10_000

/** What a look goes past. */
export type Past = Required<Pick<AcquireRequest, 'except' | 'ranges'>>

/** A part of what is older than the newest that fits nobody here. */
export interface Window {
  readonly graph: string
  readonly past: Past
  /** What of it was acquired, and how much could have been. */
  looked(acquired: readonly ExecutionRecord[], limit: number): void
}

/**
 * How to look past executions that fit nobody here. A few are named to the store. Of a graph of which there are many, looks begin behind the
 * newest that was found; among the older ones, what others have given up since is looked for in windows, a few each time. So neither costs
 * more the more there are. What dead owners have is found wherever it is.
 */
export class Walls {
  readonly #incompatible: IncompatibleExecutions
  readonly #clock: FullClock
  /** By graph, the newest that was found: all that is older has been looked at once. */
  readonly #newest = new Map<string, ExecutionPlace>()
  /** By graph, how far the windows have come. */
  readonly #lookedTo = new Map<string, ExecutionPlace>()
  #turn = 0
  #windowAt = -Infinity

  constructor(incompatible: IncompatibleExecutions, clock: FullClock) {
    this.#incompatible = incompatible
    this.#clock = clock
  }

  /** What a look for new executions goes past. */
  past(): Past {
    const walled = new Set(this.#walled())
    const except = this.#incompatible
      .counts()
      .flatMap(([graph]) => (walled.has(graph) ? [] : this.#incompatible.idsOf(graph)))
    return {
      except,
      ranges: new Map([...walled].map((graph) => [graph, { after: this.#newest.get(graph) }])),
    }
  }

  /** What a look for the oldest has found, of which some may not fit. */
  found(acquired: readonly ExecutionRecord[]): void {
    for (const { id, graph, createdAt } of acquired) {
      const newest = this.#newest.get(graph)
      if (this.#incompatible.reasonsOf(id) === undefined) continue
      if (newest === undefined || inOrder(newest, { createdAt, id }) < 0) this.#newest.set(graph, { createdAt, id })
    }
  }

  /** The windows to look into now: a few, or all where that is wanted. */
  *windows(areAll: boolean): Iterable<Window> {
    const walled = this.#walled()
    const now = this.#clock.elapsed()
    // What was forgotten is taken and given back again.
    if (walled.length === 0 || (this.#incompatible.isFull && now - this.#windowAt < fullPauseMs)) return
    this.#windowAt = now
    if (areAll && !this.#incompatible.isFull)
      for (const graph of walled) {
        this.#lookedTo.delete(graph)
        do yield this.#windowOf(graph)
        while (this.#lookedTo.has(graph))
      }
    else
      for (let count = 0; count < windowsPerLook; count++) yield this.#windowOf(walled[this.#turn++ % walled.length]!)
  }

  /** Graphs of which there are too many to name all. */
  #walled(): readonly string[] {
    const counts = this.#incompatible.counts()
    return counts.flatMap(([graph, count]) => (count * counts.length > mostExcepted ? [graph] : []))
  }

  #windowOf(graph: string): Window {
    const after = this.#lookedTo.get(graph)
    const places = this.#incompatible.placesOf(graph)
    const first = after === undefined ? 0 : placeBehind(places, after)
    const within = places.slice(first, first + mostExcepted)
    const isLast = first + within.length >= places.length
    const upTo = isLast ? this.#newest.get(graph) : within.at(-1)
    return {
      graph,
      past: {
        except: this.#incompatible.leftAlone(within.map(({ id }) => id)),
        ranges: new Map([[graph, { after, upTo }]]),
      },
      looked: (acquired, limit) => {
        const to = acquired.length < limit ? upTo : acquired.at(-1)
        if (to === undefined || (isLast && to === upTo)) this.#lookedTo.delete(graph)
        else this.#lookedTo.set(graph, { createdAt: to.createdAt, id: to.id })
      },
    }
  }
}

/** The index of the first place that is behind another one. */
function placeBehind(places: readonly ExecutionPlace[], place: ExecutionPlace): number {
  let [from, to] = [0, places.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (inOrder(places[middle]!, place) > 0) to = middle
    else from = middle + 1
  }
  return from
}
