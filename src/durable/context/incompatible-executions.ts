import type { ExecutionPlace, ExecutionRecord } from '../../core/contracts/execution-record.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import type { FullClock } from '../../runtime/environment/clock.ts'

const maxKept = 50_000
// Somebody may have mended a record, or a key service may be back: looked at again after a while, and less and less often.
const lookAgainMs = 60_000
const mostDoublings = 6

/** Why an execution can't go on in this process. */
export interface Misfit {
  readonly reasons: readonly string[]
  /** Whether they are about this version of the program: its graph, or what it can read. Damage is the same for all. */
  readonly mayFitElsewhere: boolean
}

interface Entry extends Misfit {
  readonly graph: string
  readonly place: ExecutionPlace
  readonly until: number
  readonly looks: number
}

/** Executions whose records don't fit this process's graphs, and why: for a while they are left to others. */
export class IncompatibleExecutions {
  readonly #clock: FullClock
  readonly #entries = new Map<string, Entry>()
  readonly #idsOfGraph = new Map<string, Set<string>>()
  readonly #sorted = new Map<string, readonly ExecutionPlace[]>()
  #lastReasons: readonly string[] = []

  constructor(clock: FullClock) {
    this.#clock = clock
  }

  /** Whether so many are known that some are forgotten. */
  get isFull(): boolean {
    return this.#entries.size >= maxKept
  }

  /** Graphs, by the names under which they are stored, of which any are known, and how many. */
  counts(): readonly (readonly [graph: string, count: number])[] {
    return [...this.#idsOfGraph].map(([graph, ids]) => [graph, ids.size])
  }

  /** Those of a graph that are left alone for now. */
  idsOf(graph: string): readonly string[] {
    return this.leftAlone([...(this.#idsOfGraph.get(graph) ?? [])])
  }

  /** Which of these are left alone for now. */
  leftAlone(ids: readonly string[]): readonly string[] {
    const now = this.#clock.elapsed()
    return ids.filter((id) => (this.#entries.get(id)?.until ?? 0) > now)
  }

  /** Where those of a graph are, in their order. */
  placesOf(graph: string): readonly ExecutionPlace[] {
    let places = this.#sorted.get(graph)
    if (places === undefined) {
      places = [...(this.#idsOfGraph.get(graph) ?? [])].map((id) => this.#entries.get(id)!.place).sort(inOrder)
      this.#sorted.set(graph, places)
    }
    return places
  }

  reasonsOf(id: string): readonly string[] | undefined {
    return this.#entries.get(id)?.reasons
  }

  /** What keeps it from going on here, unless others have brought it to its end meanwhile. */
  misfitOfOpen({ id, status }: ExecutionRecord): Misfit | undefined {
    return isTerminal(status) ? undefined : this.#entries.get(id)
  }

  add({ id, graph, createdAt }: ExecutionRecord, { reasons: given, mayFitElsewhere }: Misfit): void {
    const known = this.#entries.get(id)
    if (known?.graph !== graph) this.delete(id)
    else this.#entries.delete(id)
    if (this.#entries.size >= maxKept) this.delete(this.#entries.keys().next().value!)
    const looks = known?.looks ?? 0
    // Mostly thousands have the same.
    const isSame = given.length === this.#lastReasons.length && given.every((one, at) => one === this.#lastReasons[at])
    const reasons = isSame ? this.#lastReasons : (this.#lastReasons = given)
    const until = this.#clock.elapsed() + lookAgainMs * 2 ** Math.min(looks, mostDoublings)
    this.#entries.set(id, { graph, place: { createdAt, id }, reasons, mayFitElsewhere, until, looks: looks + 1 })
    const ids = this.#idsOfGraph.get(graph) ?? new Set()
    if (ids.has(id)) return
    this.#idsOfGraph.set(graph, ids.add(id))
    this.#sorted.delete(graph)
  }

  delete(id: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    this.#entries.delete(id)
    this.#sorted.delete(entry.graph)
    const ids = this.#idsOfGraph.get(entry.graph)
    if (ids?.delete(id) === true && ids.size === 0) this.#idsOfGraph.delete(entry.graph)
  }
}

/** By creation, then by id. */
export function inOrder(one: ExecutionPlace, other: ExecutionPlace): number {
  return one.createdAt - other.createdAt || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0)
}
