import type { Fleet, FleetQueue, ObservedDocket } from '../../core/contracts/observed-docket.ts'
import { readOf } from '../../core/thrown.ts'
import { fleetMetrics } from './definitions.ts'
import type { Families } from './families.ts'

/** Queues that were seen once are looked at as long as the process lives: the one that nobody serves any more is the one to look at. */
const mostQueues = 1_000

/** A store, and the dockets through which it can be read: one that is closed leaves it to the others. */
interface Source {
  readonly store: WeakRef<object>
  dockets: readonly WeakRef<ObservedDocket>[]
  /** A store that hangs is called once, however often somebody looks. */
  reading: Promise<Fleet | undefined> | undefined
}

/** Reads of stores how queues and workers are. Whatever a store does, it takes hardly longer than the time given, and never rejects. */
export class FleetReader {
  readonly #families: Families
  readonly #mostMs: number
  readonly #queues = new Set<string>()
  #sources: Source[] = []
  #looking: Promise<void> | undefined

  constructor(families: Families, mostMs: number) {
    this.#families = families
    this.#mostMs = mostMs
  }

  /** Reads of this docket too; of several on one store, of the last that is not closed. */
  attach(docket: ObservedDocket): void {
    const { store, queues } = docket
    for (const source of this.#sources) source.dockets = source.dockets.filter((one) => isLivingOther(one, docket))
    const known = this.#sources.find((one) => one.store.deref() === store)
    const source: Source = known ?? { store: new WeakRef(store), dockets: [], reading: undefined }
    source.dockets = [...source.dockets, new WeakRef(docket)]
    this.#sources = this.#sources.filter((one) => one !== source && one.dockets.length > 0)
    this.#sources.push(source)
    this.#see(queues)
  }

  /** These queues are looked at too. */
  see(queues: readonly string[]): void {
    this.#see(queues)
  }

  /** Brings the gauges up to date, all of them with one look. Where a store is away, there are none: an old number would look like a new one. */
  look(): Promise<void> {
    return (this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    }))
  }

  async #look(): Promise<void> {
    const fleets = await Promise.all(this.#sources.map((source) => this.#read(source)))
    for (const key of fleetMetrics) this.#families[key].clear()
    const seen = new Map<string, FleetQueue>()
    for (const fleet of fleets)
      for (const queue of fleet?.queues ?? []) seen.set(queue.queue, sumOf(seen.get(queue.queue), queue))
    this.#see([...seen.keys()])
    for (const queue of seen.values()) this.#show(queue)
  }

  #show({ queue, ready, oldestReadyMs, running, overdue, slots }: FleetQueue): void {
    const { queueReady, queueOldest, slots: ofSlots, timersOverdue } = this.#families
    queueReady.of(queue).value = ready
    queueOldest.of(queue).value = oldestReadyMs / 1_000
    timersOverdue.of(queue).value = overdue
    ofSlots.of(queue, 'busy').value = Math.min(running, slots)
    ofSlots.of(queue, 'free').value = Math.max(0, slots - running)
  }

  #read(source: Source): Promise<Fleet | undefined> {
    source.reading ??= this.#answerOf(source).finally(() => {
      source.reading = undefined
    })
    return within(this.#mostMs, source.reading)
  }

  async #answerOf(source: Source): Promise<Fleet | undefined> {
    for (let last = source.dockets.at(-1); last !== undefined; last = source.dockets.at(-1)) {
      const docket = last.deref()
      try {
        if (docket !== undefined) return await docket.fleet([...this.#queues])
      } catch (error) {
        if (readOf(error, 'code') !== 'DOCKET_CLOSED') return undefined
      }
      source.dockets = source.dockets.filter((one) => one !== last)
    }
    this.#sources = this.#sources.filter((one) => one !== source)
    return undefined
  }

  #see(queues: readonly string[]): void {
    for (const queue of queues) if (this.#queues.size < mostQueues) this.#queues.add(queue)
  }
}

/** Whether a docket is there still, and another one. */
function isLivingOther(one: WeakRef<ObservedDocket>, docket: ObservedDocket): boolean {
  const there = one.deref()
  return there !== undefined && there !== docket
}

/** Of two stores together. */
function sumOf(one: FleetQueue | undefined, other: FleetQueue): FleetQueue {
  if (one === undefined) return other
  return {
    queue: one.queue,
    ready: one.ready + other.ready,
    oldestReadyMs: Math.max(one.oldestReadyMs, other.oldestReadyMs),
    running: one.running + other.running,
    overdue: one.overdue + other.overdue,
    slots: one.slots + other.slots,
  }
}

/** What a promise gives within a time that no fake timer holds up, else undefined. It must not reject. */
function within<Value>(ms: number, promise: Promise<Value>): Promise<Value | undefined> {
  const signal = AbortSignal.timeout(ms)
  return new Promise((resolve) => {
    const stop = (): void => resolve(undefined)
    signal.addEventListener('abort', stop, { once: true })
    void promise.then((value) => {
      signal.removeEventListener('abort', stop)
      resolve(value)
    })
  })
}
