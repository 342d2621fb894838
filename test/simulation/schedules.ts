import { schedule } from '../../src/index.ts'
import type { DeclaredSchedule } from '../../src/index.ts'
import type { History } from './history.ts'
import { agreeMs } from './history.ts'
import type { Life } from './life.ts'
import type { LiveGraph } from './live-graph.ts'
import type { SimulatedPlace } from './limits.ts'
import { randomPlace } from './limits.ts'
import type { RandomSource } from './random-source.ts'
import { isNeeded, leafName } from './simulated-step.ts'
import type { SimulatedGraph } from './simulated-step.ts'

/** A schedule that all processes of a world declare. */
export interface SimulatedSchedule {
  readonly name: string
  readonly graph: SimulatedGraph
  readonly everyMs: number
  readonly startAt: number
  readonly endAt: number
  readonly jitterMs: number
  readonly overlap: 'skip' | 'bufferOne' | 'cancelOther' | 'allowAll'
  readonly catchUp: 'last' | 'none' | { readonly max: number }
  readonly pauseOnFailure: boolean
  readonly place: SimulatedPlace
  /** Whether no program declares it, but somebody, at some time. */
  readonly isDeclaredLater?: boolean
}

export function randomSchedule(
  random: RandomSource,
  graphs: readonly SimulatedGraph[],
  now: number,
  activeMs: number,
  hasQueues: boolean,
): SimulatedSchedule {
  return {
    name: 'clockwork',
    graph: random.pick(graphs),
    everyMs: random.pick([1_000, 1_500, 4_000]),
    startAt: now + random.pick([0, 700]),
    endAt: now + activeMs,
    jitterMs: random.pick([0, 0, 900]),
    overlap: random.pick(['skip', 'bufferOne', 'cancelOther', 'allowAll']),
    catchUp: random.pick(['last', 'none', { max: 100 }]),
    pauseOnFailure: random.chance(0.2),
    place: hasQueues ? randomPlace(random) : {},
  }
}

/** The schedule as a process declares it. */
export function declared(simulated: SimulatedSchedule, live: LiveGraph): DeclaredSchedule {
  return schedule(simulated.name, given(simulated, live) as never)
}

/** What is declared of it, but for its name. */
export function given(
  { graph: plan, everyMs, jitterMs, place, ...rule }: SimulatedSchedule,
  { graph, target }: LiveGraph,
): object {
  const leaves = Array.from({ length: plan.leaves }, (_, leaf) => leaf).filter((leaf) => isNeeded(plan, leaf))
  const { startAt, endAt, overlap, catchUp, pauseOnFailure } = rule
  const times = { startAt, endAt, overlap, catchUp, pauseOnFailure, every: everyMs, jitter: jitterMs, ...place }
  const inputs = Object.fromEntries(leaves.map((leaf) => [leafName(plan, leaf), `${'ab'[leaf]}1`]))
  return { ...times, graph, target, inputs }
}

/** Whether each nominal time has one execution, and none has it before that time. */
export class Firings {
  readonly #history: History
  readonly #schedule: SimulatedSchedule
  /** Nominal times, and how often the store was asked to delete what they have. */
  readonly #fired = new Map<number, number>()

  constructor(history: History, schedule: SimulatedSchedule) {
    this.#history = history
    this.#schedule = schedule
  }

  created({ id }: Pick<Life, 'id'>): void {
    const { name, everyMs, startAt, endAt } = this.#schedule
    // Children of such an execution are none.
    if (!id.startsWith(`${name}/`) || id.split('/').length > 2) return
    const at = Date.parse(id.slice(name.length + 1))
    const { now } = this.#history
    const violate = (what: string): void => this.#history.violate(`${id} was started, ${what}`)
    if ((at - startAt) % everyMs !== 0 || at < startAt || at > endAt) violate('which is no nominal time')
    if (now < at - agreeMs) violate(`${at - now} ms before its time`)
    if (this.#fired.get(at) === this.#history.deletionsOf(id)) violate('though it had been before')
    this.#fired.set(at, this.#history.deletionsOf(id))
  }

  /** Where all that was missed is made up for, and nothing stands in the way, no nominal time was passed over. */
  checkTheEnd(): void {
    const { name, everyMs, endAt, overlap, catchUp, pauseOnFailure } = this.#schedule
    if (overlap !== 'allowAll' || typeof catchUp !== 'object' || pauseOnFailure || this.#fired.size === 0) return
    for (let at = Math.min(...this.#fired.keys()); at <= endAt; at += everyMs)
      if (!this.#fired.has(at)) this.#history.violate(`${name} has passed over ${new Date(at).toISOString()}`)
  }
}
