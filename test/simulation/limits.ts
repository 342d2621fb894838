import type { Store } from '../../src/core/contracts/store.ts'
import { isTerminal } from '../../src/core/contracts/statuses.ts'
import type { LimitState } from '../../src/durable/limits/limit-state.ts'
import type { CallRecord } from './calls.ts'
import type { History } from './history.ts'
import type { Life } from './life.ts'
import type { OperatedQueues } from './operators.ts'
import type { RandomSource } from './random-source.ts'
import type { SimulatedStep } from './simulated-step.ts'

type Scope = 'process' | 'graph' | 'queue'

/** What limits the attempts of a step. */
export interface SimulatedLimits {
  readonly concurrency?: { readonly limit: number; readonly isKeyed: boolean; readonly scope: Scope } | undefined
  readonly rate?:
    { readonly limit: number; readonly per: number; readonly burst: number; readonly scope: Scope } | undefined
}

/** What all processes declare of a queue; none where it has no limits. */
export interface SimulatedQueue {
  readonly concurrency?: number | { readonly limit: number; readonly key: true } | undefined
  readonly rate?: { readonly limit: number; readonly per: number; readonly burst: number } | undefined
}

/** Where an execution stands: the same for all who start it. */
export interface SimulatedPlace {
  readonly queue?: string | undefined
  readonly priority?: number | undefined
  readonly key?: string | undefined
}

export const queueNames: readonly string[] = ['default', 'other']

/** Lets few attempts of steps that are functions run, or begin, at the same time. */
export function addLimits(random: RandomSource, steps: SimulatedStep[]): void {
  for (const [index, step] of steps.entries()) {
    if (step.kind !== undefined || !random.chance(0.6)) continue
    const limits = randomLimits(random)
    const isShared = [limits.concurrency, limits.rate].some((limit) => limit !== undefined && limit.scope !== 'process')
    // What all processes limit is kept.
    steps[index] = { ...step, limits, ...(isShared && step.scope === undefined && { scope: 'execution' }) }
  }
}

function randomLimits(random: RandomSource): SimulatedLimits {
  const kind = random.weighted({ concurrency: 60, rate: 20, both: 20 })
  const scope = (): Scope => random.pick(['process', 'graph', 'graph', 'queue'])
  return {
    ...(kind !== 'rate' && {
      concurrency: { limit: random.pick([1, 1, 2]), isKeyed: random.chance(0.3), scope: scope() },
    }),
    ...(kind !== 'concurrency' && {
      rate: { limit: random.pick([1, 3]), per: random.pick([100, 1_000]), burst: random.pick([1, 2]), scope: scope() },
    }),
  }
}

export function randomQueue(random: RandomSource): SimulatedQueue {
  const kind = random.weighted({ none: 40, all: 20, keyed: 20, rate: 20 })
  if (kind === 'none') return {}
  if (kind === 'all') return { concurrency: random.pick([1, 2, 5]) }
  if (kind === 'keyed') return { concurrency: { limit: random.pick([1, 2]), key: true } }
  return { rate: { limit: random.pick([1, 5]), per: 1_000, burst: random.pick([1, 3]) } }
}

/** How many executions of each queue a process runs. */
export function randomWork(random: RandomSource, names: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries(names.map((name) => [name, random.pick([1, 2, 3, 20])]))
}

export function randomPlace(random: RandomSource): SimulatedPlace {
  return {
    queue: random.pick([undefined, ...queueNames]),
    priority: random.pick([undefined, -1, 1, 5]),
    key: random.pick([undefined, 'a', 'b']),
  }
}

/** The key under which a step's inputs are limited. */
function keyOf(inputs: Readonly<Record<string, unknown>>): string {
  return `k${JSON.stringify(inputs).length % 2}`
}

/** The options of a step that say so. */
export function limitOptions({ limits }: SimulatedStep): object {
  if (limits === undefined) return {}
  const { concurrency, rate } = limits
  return {
    ...(concurrency !== undefined && {
      concurrency: {
        limit: concurrency.limit,
        scope: concurrency.scope,
        ...(concurrency.isKeyed && { key: keyOf }),
      },
    }),
    ...(rate !== undefined && { rate }),
  }
}

interface LimitedCall {
  readonly call: CallRecord
  readonly place: string
  readonly owner: string
  readonly signal: AbortSignal
}

// A process may not know of a limit that was declared so shortly ago.
const declaredMs = 6_000

/** Whether no more attempts, and executions, run at the same time than limits let: those of owners that live, and that were not told to stop. */
export class LimitLedger {
  readonly #history: History
  #open: LimitedCall[] = []
  /** What is declared of queues. */
  queues: Readonly<Record<string, SimulatedQueue>> = {}

  constructor(history: History) {
    this.#history = history
  }

  began(call: CallRecord, inputs: Readonly<Record<string, unknown>>, signal: AbortSignal): void {
    const { step, life, wasOwners, process } = call
    const limit = step.limits?.concurrency
    if (life === undefined || !wasOwners) return
    const where = { process, graph: '', queue: life.queue }[limit?.scope ?? 'graph']
    const place = `${step.name} ${limit?.scope} ${where} ${limit?.isKeyed === true ? keyOf(inputs) : ''}`
    this.#open = this.#open.filter((one) => this.#isCounted(one))
    this.#open.push({ call, place, owner: life.owner!, signal })
    if (this.#history.operated !== undefined) this.#checkOperated(this.#history.operated, life)
    else this.#checkQueue(life)
    const running = this.#open.filter((one) => one.place === place)
    if (limit !== undefined && running.length > limit.limit)
      this.#history.violate(
        `${running.length} attempts of ${step.name} run, and not ${limit.limit}: ${running.map((one) => `call ${one.call.number} of ${one.call.execution}`).join(', ')}`,
      )
  }

  /** What was let in is given back: nobody that lives holds what nothing uses. */
  async checkTheEnd(store: Store): Promise<void> {
    for (const { state } of await store.oldShared(Infinity, 10_000)) {
      const { holders = [], waiters = [] } = JSON.parse(state) as Partial<LimitState>
      for (const { execution, item, owner } of [...holders, ...waiters])
        if (this.#history.isAlive(owner))
          this.#history.violate(`${owner} still has a place in a limit for ${execution} ${item}`)
    }
  }

  /** What a queue lets begin is what holds for it when it is taken: what runs by then goes on. */
  #checkOperated(queues: OperatedQueues, life: Life): void {
    const { queue, ownedSince } = life
    if (!this.#isJudged(life)) return
    const pausedAt = queues.pausedSince(queue)
    if (ownedSince > pausedAt + queues.knownAfterMs)
      this.#history.violate(`${life.id} goes on since ${ownedSince}, and queue ${queue} is paused since ${pausedAt}`)
    const concurrency = queues.concurrencyOf(queue)
    if (concurrency === undefined || ownedSince < concurrency.since + queues.knownAfterMs) return
    this.#checkRunning(life, concurrency)
  }

  #checkQueue({ queue, key }: Life): void {
    const concurrency = this.queues[queue]?.concurrency
    if (concurrency === undefined || this.#history.now < this.#history.startedAt + declaredMs) return
    const { limit, isKeyed } =
      typeof concurrency === 'number' ? { limit: concurrency, isKeyed: false } : { ...concurrency, isKeyed: true }
    this.#checkRunning({ queue, key }, { limit, isKeyed })
  }

  #checkRunning(
    { queue, key }: Pick<Life, 'queue' | 'key'>,
    { limit, isKeyed }: { readonly limit: number; readonly isKeyed: boolean },
  ): void {
    const running = new Set(
      this.#open.flatMap(({ call: { life } }) =>
        life!.queue === queue && (!isKeyed || life!.key === key) && this.#isJudged(life!) && !isTerminal(life!.status)
          ? [life!.id]
          : [],
      ),
    )
    if (running.size > limit)
      this.#history.violate(
        `${running.size} executions of ${queue} ${isKeyed ? key : ''} run, and not ${limit}: ${[...running].join(', ')}`,
      )
  }

  /** Batches that are tried again begin at once. */
  #isJudged({ kind, reopened }: Life): boolean {
    return kind === 'execution' || reopened === 0
  }

  #isCounted({ call, owner, signal }: LimitedCall): boolean {
    return (
      call.endedAt === undefined &&
      !signal.aborted &&
      call.life!.owner === owner &&
      this.#history.lives.get(call.execution) === call.life &&
      this.#history.isAlive(owner)
    )
  }
}
