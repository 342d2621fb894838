import { limitsOf } from '../../src/core/contracts/queue-state.ts'
import type { QueueLimits, QueueState } from '../../src/core/contracts/queue-record.ts'
import type { Docket, QueueSettings } from '../../src/index.ts'
import { ownQueue } from './elsewhere.ts'
import type { History } from './history.ts'
import { queueNames } from './limits.ts'
import type { RandomSource } from './random-source.ts'
import type { Simulation } from './run-seed.ts'

/** What holds for a queue, and since when. */
interface Held {
  readonly pausedAt: number | undefined
  readonly concurrency: QueueLimits['concurrency']
  readonly concurrencySince: number
}

/** What the store was told of queues that people pause and limit. */
export class OperatedQueues {
  readonly #history: History
  readonly #held = new Map<string, Held>()
  /** After which time each process knows of it: who can't read what holds takes it for what it was. */
  readonly knownAfterMs: number

  constructor(history: History, isPrompt: boolean) {
    this.#history = history
    this.knownAfterMs = isPrompt ? 6_000 : 14_000
  }

  /** The store has changed them. */
  changed(states: readonly QueueState[]): void {
    const { now } = this.#history
    for (const state of states) {
      const known = this.#held.get(state.queue)
      const { concurrency } = limitsOf(state)
      const isSame = known !== undefined && JSON.stringify(known.concurrency) === JSON.stringify(concurrency)
      this.#held.set(state.queue, {
        pausedAt: state.pausedAt === undefined ? undefined : (known?.pausedAt ?? now),
        concurrency,
        concurrencySince: isSame ? known.concurrencySince : now,
      })
    }
  }

  /** Since when a queue is paused; Infinity where it is not. */
  pausedSince(queue: string): number {
    return this.#held.get(queue)?.pausedAt ?? Infinity
  }

  /** How many executions of a queue may run, and since when that holds. */
  concurrencyOf(
    queue: string,
  ): { readonly limit: number; readonly isKeyed: boolean; readonly since: number } | undefined {
    const { concurrency, concurrencySince } = this.#held.get(queue) ?? {}
    if (concurrency === undefined) return undefined
    return { limit: concurrency.limit, isKeyed: concurrency.isPerKey === true, since: concurrencySince! }
  }
}

/** Those who pause queues, and set limits. */
export class Operators {
  readonly #simulation: Simulation
  readonly #random: RandomSource
  readonly #queues: readonly string[]

  constructor(simulation: Simulation, random: RandomSource) {
    this.#simulation = simulation
    this.#random = random
    this.#queues = simulation.features.hasElsewhere ? [...queueNames, ownQueue] : queueNames
  }

  act(): void {
    const queue = this.#random.pick(this.#queues)
    const deed = this.#random.weighted({ pause: 35, resume: 35, limits: 30 })
    if (deed === 'limits') {
      const settings = this.#settings()
      this.#ask('limits', queue, (docket) => docket.queue(queue).limits(settings))
    } else this.#ask(deed, queue, (docket) => docket.queue(queue)[deed]())
  }

  /** All goes on, as it is declared. */
  finish(): void {
    for (const queue of this.#queues) {
      this.#ask('resume', queue, (docket) => docket.queue(queue).resume())
      this.#ask('limits', queue, (docket) => docket.queue(queue).limits(null))
    }
  }

  #settings(): QueueSettings | null {
    const kind = this.#random.weighted({ none: 30, all: 30, keyed: 20, rate: 20 })
    if (kind === 'all') return { concurrency: this.#random.pick([1, 2]) }
    if (kind === 'keyed') return { concurrency: { limit: 1, key: true } }
    if (kind === 'rate') return { rate: { limit: this.#random.pick([1, 5]), per: 1_000, burst: 1 } }
    return null
  }

  #ask(deed: string, queue: string, ask: (docket: Docket) => Promise<unknown>): void {
    const docket = this.#simulation.users.someone()
    docket?.perform(deed, queue, () => ask(docket.docket))
  }
}
