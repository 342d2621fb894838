import { checkOptions, describe } from '../core/check-options.ts'
import type {
  Engine,
  EngineCapabilities,
  EngineConsumer,
  EngineHost,
  UsePermit,
  Wake,
} from '../core/contracts/engine.ts'
import { randomOf } from './kit/seeded-random.ts'

/** What the engine does to wakes. */
export interface HostileEngineOptions {
  /** The share of wakes that are lost: 0 for none, 1 for all. @default 0 */
  readonly drops?: number
  /** The share of wakes that come twice. @default 0 */
  readonly doubles?: number
  /** Whether they come in any order. @default false */
  readonly reorders?: boolean
  /** How late a wake comes at most, in milliseconds. @default 0 */
  readonly delayMs?: number
  /** What its choices are made of. @default 1 */
  readonly seed?: number
}

const optionNames = ['drops', 'doubles', 'reorders', 'delayMs', 'seed']

/**
 * An engine in memory, for all dockets of one process that are given it, which loses, doubles, reorders and delays as many wakes as its options say: a docket
 * comes to the same ends with it. Without options it is a good one.
 *
 * @example
 * const engine = hostileEngine({ drops: 0.5, doubles: 0.5, reorders: true, delayMs: 50, seed: 7 })
 * @throws OptionError with all problems
 */
export function hostileEngine(options: HostileEngineOptions = {}): Engine {
  checkOptions('hostileEngine', options, optionNames, ({ drops, doubles, reorders, delayMs, seed }) => [
    ...Object.entries({ drops, doubles }).map(
      ([name, share]) =>
        share !== undefined &&
        !(typeof share === 'number' && share >= 0 && share <= 1) &&
        `${name} must be a number from 0 to 1, not ${describe(share)}`,
    ),
    reorders !== undefined &&
      typeof reorders !== 'boolean' &&
      `reorders must be true or false, not ${describe(reorders)}`,
    delayMs !== undefined &&
      !(typeof delayMs === 'number' && delayMs >= 0) &&
      `delayMs must be a number of milliseconds, not ${describe(delayMs)}`,
    seed !== undefined && !Number.isInteger(seed) && `seed must be a whole number, not ${describe(seed)}`,
  ])
  return new HostileEngine(options)
}

interface WakesOfQueue {
  readonly waiting: Wake[]
  readonly consumers: Set<HostileConsumer>
}

class HostileEngine implements Engine {
  readonly name = 'hostile'
  readonly capabilities: EngineCapabilities
  readonly #options: Required<Omit<HostileEngineOptions, 'seed'>>
  readonly #random: () => number
  readonly #queues = new Map<string, WakesOfQueue>()
  readonly #hosts: EngineHost[] = []
  readonly #timers = new Set<NodeJS.Timeout>()

  constructor({ drops = 0, doubles = 0, reorders = false, delayMs = 0, seed = 1 }: HostileEngineOptions) {
    this.#options = { drops, doubles, reorders, delayMs }
    this.#random = randomOf(seed)
    this.capabilities = {
      isShared: false,
      delivers: drops === 0,
      keepsWakes: drops === 0,
      deduplicates: drops === 0 && doubles === 0 && delayMs === 0,
      countsExactly: true,
    }
  }

  async open(host: EngineHost): Promise<void> {
    this.#hosts.push(host)
  }

  async wake(wakes: readonly Wake[]): Promise<void> {
    const { drops, doubles, delayMs } = this.#options
    for (const wake of wakes) {
      if (this.#random() < drops) continue
      const copies = this.#random() < doubles ? 2 : 1
      for (let copy = 0; copy < copies; copy++) {
        const delay = this.#random() * delayMs
        if (delay > 0) this.#later(delay, () => this.#put(wake))
        else this.#put(wake)
      }
    }
  }

  async waiting(queue: string): Promise<number> {
    return this.#queue(queue).waiting.length
  }

  async consume(queue: string, slots: number, use: UsePermit): Promise<EngineConsumer> {
    const { consumers } = this.#queue(queue)
    const consumer = new HostileConsumer(slots, use, {
      again: (wake) => {
        this.#queue(queue).waiting.unshift(wake)
        this.#deliver(queue)
      },
      free: () => this.#deliver(queue),
      report: (error) => {
        for (const host of this.#hosts) host.report(error)
      },
      left: () => void consumers.delete(consumer),
    })
    consumers.add(consumer)
    this.#deliver(queue)
    return consumer
  }

  async close(): Promise<void> {
    this.#hosts.pop()
    if (this.#hosts.length > 0) return
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    this.#queues.clear()
  }

  #later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      act()
    }, ms)
    timer.unref()
    this.#timers.add(timer)
  }

  #queue(name: string): WakesOfQueue {
    const known = this.#queues.get(name)
    if (known !== undefined) return known
    const made: WakesOfQueue = { waiting: [], consumers: new Set() }
    this.#queues.set(name, made)
    return made
  }

  #put(wake: Wake): void {
    const { waiting } = this.#queue(wake.queue)
    const { doubles, reorders } = this.#options
    const isThere = waiting.some(({ id, epoch }) => id === wake.id && epoch === wake.epoch)
    if (isThere && doubles === 0) return
    if (reorders) waiting.splice(Math.floor(this.#random() * (waiting.length + 1)), 0, wake)
    else waiting.push(wake)
    this.#deliver(wake.queue)
  }

  #deliver(queue: string): void {
    const { waiting, consumers } = this.#queue(queue)
    while (waiting.length > 0) {
      const free = [...consumers].filter(({ hasRoom }) => hasRoom)
      if (free.length === 0) return
      const chosen = free[Math.floor(this.#random() * free.length)]!
      chosen.take(waiting.shift()!)
    }
  }
}

interface ConsumerHost {
  again(wake: Wake): void
  free(): void
  report(error: unknown): void
  left(): void
}

class HostileConsumer implements EngineConsumer {
  readonly #use: UsePermit
  readonly #host: ConsumerHost
  readonly #closing = new AbortController()
  readonly #inUse = new Set<Promise<void>>()
  #slots: number

  constructor(slots: number, use: UsePermit, host: ConsumerHost) {
    this.#slots = slots
    this.#use = use
    this.#host = host
  }

  get hasRoom(): boolean {
    return !this.#closing.signal.aborted && this.#inUse.size < this.#slots
  }

  resize(slots: number): void {
    this.#slots = slots
    this.#host.free()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#host.left()
    while (this.#inUse.size > 0) await Promise.all(this.#inUse)
  }

  take(wake: Wake): void {
    const used = this.#run(wake).then((outcome) => {
      this.#inUse.delete(used)
      if (outcome === 'again') this.#host.again(wake)
      else this.#host.free()
    })
    this.#inUse.add(used)
  }

  async #run(wake: Wake): Promise<string> {
    try {
      return await this.#use(wake.id, this.#closing.signal)
    } catch (error) {
      this.#host.report(error)
      return 'done'
    }
  }
}
