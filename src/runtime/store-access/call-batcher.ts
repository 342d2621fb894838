import { StoreError } from '../../core/errors.ts'
import { sleep } from '../environment/clock.ts'
import type { FullClock } from '../environment/clock.ts'
import { pauseAfter } from './store-patience.ts'

interface Entry<Item, Answer> {
  readonly item: Item
  readonly bytes: number
  /** When to give up where the store can't be reached. */
  readonly until: number
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/** What has failed for a passing reason, and the reason. */
interface Unsettled<Item, Answer> {
  readonly left: readonly Entry<Item, Answer>[]
  readonly failure: unknown
}

/** How calls are gathered. */
export interface BatchingOptions<Item> {
  readonly clock: FullClock
  /** About how much goes into one call. */
  readonly sizeOf?: (item: Item) => number
  /** Those with the same key arrive in their order. @default none has to */
  readonly keyOf?: (item: Item) => string
  /** Calls under way at the same time; 1 keeps the order of everything. @default 1 */
  readonly maxInFlight?: number
  /** Called for every failed try: it may have had its effect, or have it later. */
  readonly onError?: (error: unknown, items: readonly Item[]) => void
}

const maxItems = 1_000
const maxBytes = 8 * 2 ** 20
/** Tries of all in one call, before they go out in portions. */
const triesTogether = 3

/**
 * Gathers the calls of a store in one turn of the event loop (and while a call is under way) into one call. A call that
 * fails for a passing reason is tried again until each item's time is over, in portions if it goes on failing; one that is
 * refused is split, until only what the store really refuses fails.
 */
export class CallBatcher<Item, Answer> {
  readonly #send: (items: readonly Item[]) => Promise<readonly Answer[]>
  readonly #options: BatchingOptions<Item>
  #pending: Entry<Item, Answer>[] = []
  #inFlight = 0
  #isDeferred = false

  constructor(send: (items: readonly Item[]) => Promise<readonly Answer[]>, options: BatchingOptions<Item>) {
    this.#send = send
    this.#options = options
  }

  /** Whether nothing is waiting or under way. */
  get isIdle(): boolean {
    return this.#inFlight === 0 && this.#pending.length === 0
  }

  add(item: Item, until: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ item, bytes: this.#options.sizeOf?.(item) ?? 0, until, resolve, reject })
      this.#defer()
    })
  }

  #defer(): void {
    if (this.#isDeferred || this.#inFlight >= (this.#options.maxInFlight ?? 1)) return
    this.#isDeferred = true
    this.#options.clock.setImmediate(() => {
      this.#isDeferred = false
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#pending.length === 0) return
    const entries = this.#take([])
    this.#inFlight++
    void this.#deliver(entries, 0).then(() => {
      this.#inFlight--
      if (this.#pending.length > 0) this.#defer()
    })
    if (this.#pending.length > 0) this.#defer()
  }

  /** Adds what is waiting to what is sent again, as far as there is room. */
  #take(again: readonly Entry<Item, Answer>[]): readonly Entry<Item, Answer>[] {
    let bytes = again.reduce((sum, entry) => sum + entry.bytes, 0)
    let count = 0
    while (count < this.#pending.length && again.length + count < maxItems && (bytes < maxBytes || count === 0))
      bytes += this.#pending[count++]!.bytes
    const taken = this.#pending.splice(0, count)
    return again.length === 0 ? taken : [...again, ...taken]
  }

  /** Never rejects: each entry is settled by itself. */
  async #deliver(entries: readonly Entry<Item, Answer>[], tries: number): Promise<void> {
    const { left, failure } =
      tries < triesTogether ? await this.#sendAll(entries) : await this.#sendApart(entries, tries)
    if (left.length === 0) return
    const { clock } = this.#options
    const pauseMs = pauseAfter(tries)
    const next = clock.elapsed() + pauseMs
    for (const { until, reject } of left) if (until < next) reject(failure)
    const again = left.filter(({ until }) => until >= next)
    if (again.length === 0) return
    await sleep(clock, pauseMs)
    // With what has come meanwhile: its time may be over long before the store is back.
    await this.#deliver(this.#take(again), tries + 1)
  }

  /** Sends all in one call. Gives those that have failed for a passing reason; all others are settled. */
  async #sendAll(entries: readonly Entry<Item, Answer>[]): Promise<Unsettled<Item, Answer>> {
    let failure: unknown
    try {
      const answers = await this.#send(entries.map(({ item }) => item))
      for (let index = 0; index < entries.length; index++) entries[index]!.resolve(answers[index]!)
      return { left: [], failure }
    } catch (error) {
      failure = error
    }
    this.#options.onError?.(
      failure,
      entries.map(({ item }) => item),
    )
    if (failure instanceof StoreError && failure.isTransient) return { left: entries, failure }
    if (entries.length === 1) entries[0]!.reject(failure)
    else {
      const half = entries.length >> 1
      await this.#deliver(entries.slice(0, half), 0)
      await this.#deliver(entries.slice(half), 0)
    }
    return { left: [], failure }
  }

  /**
   * What keeps failing may do so because of one of them. So they go out in portions, ever smaller while those fail; three in a row that do
   * say that it is the store, for now. What was not tried is the first to be, the next time.
   */
  async #sendApart(entries: readonly Entry<Item, Answer>[], tries: number): Promise<Unsettled<Item, Answer>> {
    const groups = this.#grouped(entries)
    const failed: Entry<Item, Answer>[] = []
    let size = Math.max(1, groups.length >> Math.min(1 + tries - triesTogether, 30))
    let failure: unknown
    for (let failures = 0; groups.length > 0 && failures < 3;) {
      const portion = groups.splice(0, size).flat()
      const sent = await this.#sendAll(portion)
      if (sent.left.length === 0) {
        failures = 0
        size *= 2
      } else {
        failures++
        size = Math.max(1, size >> 1)
        failure = sent.failure
        failed.push(...sent.left)
      }
    }
    return { left: [...groups.flat(), ...failed], failure }
  }

  /** Those that must stay in their order are together. */
  #grouped(entries: readonly Entry<Item, Answer>[]): Entry<Item, Answer>[][] {
    const { keyOf } = this.#options
    if (keyOf === undefined) return entries.map((entry) => [entry])
    return [...Map.groupBy(entries, ({ item }) => keyOf(item)).values()]
  }
}
