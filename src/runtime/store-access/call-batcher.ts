import { StoreError } from '../../core/errors.ts'
import { sleep } from '../environment/clock.ts'
import type { FullClock } from '../environment/clock.ts'
import { groupedByKey, isLockFailure } from './batched-call.ts'
import type { Entry, Portion, Unsettled } from './batched-call.ts'
import { HeldKeys } from './held-keys.ts'
import { SetAside } from './set-aside.ts'
import { pauseAfter } from './store-patience.ts'

/** How calls are gathered. */
export interface BatchingOptions<Item> {
  readonly clock: FullClock
  /** About how much goes into one call. */
  readonly sizeOf?: (item: Item) => number
  /** Those with the same key arrive in their order. @default none has to */
  readonly keyOf?: (item: Item) => string
  /** Calls under way at the same time; 1 keeps the order of everything, as long as each is quick. @default 1 */
  readonly maxInFlight?: number
  /** Called for every failed try: it may have had its effect, or have it later. */
  readonly onError?: (error: unknown, items: readonly Item[]) => void
  /** What an item fails with that stays locked. @default what the call failed with */
  readonly lockedError?: (item: Item) => StoreError
}

/** A call that is under way. */
interface Call<Item, Answer> {
  entries: Portion<Item, Answer>
  /** Grows with each try; undefined between two. */
  sending: number | undefined
  /** The try takes long: others go out beside it. */
  isSlow: boolean
}

const maxItems = 1_000
const maxBytes = 8 * 2 ** 20
/** Tries of all in one call, before they go out in portions. */
const triesTogether = 3
/** A call that takes longer is one that others don't wait for. */
const slowMs = 250
/** So many of those at the same time. */
const maxSlow = 3
/** So many of which one is locked go out each by itself. */
const mostSingly = 32

/**
 * Gathers the calls of a store in one turn of the event loop (and while a call is under way) into one call. A call that
 * fails for a passing reason is tried again until each item's time is over, in portions if it goes on failing; one that is
 * refused is split, until only what the store really refuses fails. What is locked, or slow, is set aside, with what comes for the same
 * key: the others don't wait for it.
 */
export class CallBatcher<Item, Answer> {
  readonly #send: (items: readonly Item[]) => Promise<readonly (Answer | 'locked')[]>
  readonly #options: BatchingOptions<Item>
  readonly #aside: SetAside<Item, Answer>
  readonly #held = new HeldKeys<Entry<Item, Answer>>()
  /** Keys of the last slow call, one of which may be the reason: they go out apart, until they are quick again. */
  #suspects: ReadonlySet<string> = new Set()
  #pending: Entry<Item, Answer>[] = []
  readonly #calls = new Set<Call<Item, Answer>>()
  #slowCalls = 0
  #isDeferred = false
  #isWatching = false

  constructor(
    send: (items: readonly Item[]) => Promise<readonly (Answer | 'locked')[]>,
    options: BatchingOptions<Item>,
  ) {
    this.#send = send
    this.#options = options
    this.#aside = new SetAside(options.clock, (portion) => this.#sendAside(portion))
  }

  /** Whether nothing is waiting or under way. */
  get isIdle(): boolean {
    return this.#calls.size === 0 && this.#pending.length === 0 && this.#aside.size === 0
  }

  add(item: Item, until: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const entry = { item, bytes: this.#options.sizeOf?.(item) ?? 0, until, resolve, reject }
      if (this.#isApart(entry)) return
      this.#pending.push(entry)
      this.#defer()
    })
  }

  /** Whether an entry must not go out with the others: something with its key is still under way, or was slow. */
  #isApart(entry: Entry<Item, Answer>): boolean {
    const { keyOf } = this.#options
    if (keyOf === undefined || this.#held.size + this.#suspects.size === 0) return false
    const key = keyOf(entry.item)
    if (this.#held.keepBack(key, entry)) return true
    if (!this.#suspects.has(key)) return false
    this.#setAside([[entry]])
    return true
  }

  #defer(): void {
    if (this.#isDeferred) return
    if (this.#calls.size - this.#slowCalls >= (this.#options.maxInFlight ?? 1)) {
      this.#watch()
      return
    }
    this.#isDeferred = true
    this.#options.clock.setImmediate(() => {
      this.#isDeferred = false
      this.#flush()
    })
  }

  /** Only while something waits for a call is it of interest how long that takes. */
  #watch(): void {
    if (this.#isWatching || this.#slowCalls >= maxSlow) return
    const watched = [...this.#calls].map((call) => [call, call.sending] as const)
    this.#isWatching = true
    void sleep(this.#options.clock, slowMs, { unref: true }).then(() => {
      this.#isWatching = false
      if (this.#pending.length === 0) return
      for (const [call, sending] of watched)
        if (this.#calls.has(call) && call.sending !== undefined && call.sending === sending) this.#markSlow(call)
      this.#defer()
    })
  }

  #markSlow(call: Call<Item, Answer>): void {
    const { keyOf } = this.#options
    if (call.isSlow || this.#slowCalls >= maxSlow) return
    call.isSlow = true
    this.#slowCalls++
    if (keyOf === undefined) return
    for (const { item } of call.entries) this.#held.hold(keyOf(item))
    this.#suspects = new Set(call.entries.map(({ item }) => keyOf(item)))
    this.#keepBack()
  }

  /** Takes back what waits and has a key that is held. */
  #keepBack(): void {
    const { keyOf } = this.#options
    if (keyOf !== undefined)
      this.#pending = this.#pending.filter((entry) => !this.#held.keepBack(keyOf(entry.item), entry))
  }

  #release(item: Item): void {
    const { keyOf } = this.#options
    if (keyOf === undefined) return
    for (const entry of this.#held.release(keyOf(item))) if (!this.#isApart(entry)) this.#pending.push(entry)
    if (this.#pending.length > 0) this.#defer()
  }

  #setAside(portions: readonly Portion<Item, Answer>[], failure?: unknown): void {
    const { keyOf } = this.#options
    const held = portions.map((portion) => portion.map((entry) => this.#heldEntry(entry)))
    if (keyOf !== undefined) this.#keepBack()
    for (const portion of held) {
      if (failure === undefined) this.#aside.add(portion)
      else void this.#aside.addLater(portion, 0, failure)
    }
  }

  /** An entry whose key is held until it is settled. */
  #heldEntry(entry: Entry<Item, Answer>): Entry<Item, Answer> {
    const { keyOf } = this.#options
    if (keyOf === undefined) return entry
    const { item, resolve, reject } = entry
    this.#held.hold(keyOf(item))
    return {
      ...entry,
      resolve: (answer) => {
        resolve(answer)
        this.#release(item)
      },
      reject: (error) => {
        reject(error)
        this.#release(item)
      },
    }
  }

  async #sendAside(portion: Portion<Item, Answer>): Promise<Unsettled<Item, Answer>> {
    const { clock, keyOf } = this.#options
    const since = clock.elapsed()
    const unsettled = await this.#sendAll(portion)
    if (keyOf !== undefined && this.#suspects.size > 0 && clock.elapsed() - since < slowMs) {
      const quick = new Set(portion.map(({ item }) => keyOf(item)))
      this.#suspects = new Set([...this.#suspects].filter((key) => !quick.has(key)))
    }
    return unsettled
  }

  #flush(): void {
    if (this.#pending.length === 0) return
    const call: Call<Item, Answer> = { entries: this.#take([]), sending: undefined, isSlow: false }
    this.#calls.add(call)
    void this.#deliver(call, 0).then(() => {
      this.#calls.delete(call)
      if (call.isSlow) {
        this.#slowCalls--
        for (const { item } of call.entries) this.#release(item)
      }
      if (this.#pending.length > 0) this.#defer()
    })
    if (this.#pending.length > 0) this.#defer()
  }

  /** Adds what is waiting to what is sent again, as far as there is room. */
  #take(again: Portion<Item, Answer>): Portion<Item, Answer> {
    let bytes = again.reduce((sum, entry) => sum + entry.bytes, 0)
    let count = 0
    while (count < this.#pending.length && again.length + count < maxItems && (bytes < maxBytes || count === 0))
      bytes += this.#pending[count++]!.bytes
    const taken = this.#pending.splice(0, count)
    return again.length === 0 ? taken : [...again, ...taken]
  }

  /** Never rejects: each entry is settled by itself, or set aside. */
  async #deliver(call: Call<Item, Answer>, tries: number): Promise<void> {
    call.sending = tries
    const { left, failure } =
      tries < triesTogether ? await this.#sendTogether(call.entries) : await this.#sendApart(call.entries, tries)
    call.sending = undefined
    if (left.length === 0) return
    // What others did not wait for does not come back among them.
    if (call.isSlow) {
      this.#setAside(partsOf(groupedByKey(left, this.#options.keyOf)), failure)
      return
    }
    const { clock } = this.#options
    const pauseMs = pauseAfter(tries)
    const next = clock.elapsed() + pauseMs
    for (const { until, reject } of left) if (until < next) reject(failure)
    const again = left.filter(({ until }) => until >= next)
    if (again.length === 0) return
    await sleep(clock, pauseMs)
    // With what has come meanwhile: its time may be over long before the store is back.
    call.entries = this.#take(again.filter((entry) => !this.#isApart(entry)))
    if (call.entries.length > 0) await this.#deliver(call, tries + 1)
  }

  /** Sends all in one call. Gives those that have failed for a passing reason; all others are settled, or set aside. */
  async #sendTogether(entries: Portion<Item, Answer>): Promise<Omit<Unsettled<Item, Answer>, 'locked'>> {
    const { left, locked, failure } = await this.#sendAll(entries)
    if (locked.length > 0) {
      // What can't be parted was locked just now.
      const [single, several] = [locked.filter(isSingle), locked.filter((portion) => !isSingle(portion))]
      this.#setAside(single, failure)
      this.#setAside(several)
    }
    return { left, failure }
  }

  /** Sends all in one call. All that is not given back is settled. */
  async #sendAll(entries: Portion<Item, Answer>): Promise<Unsettled<Item, Answer>> {
    const { keyOf, lockedError } = this.#options
    try {
      const answers = await this.#send(entries.map(({ item }) => item))
      const locked: Entry<Item, Answer>[] = []
      for (let index = 0; index < entries.length; index++) {
        const answer = answers[index]!
        if (answer === 'locked') locked.push(entries[index]!)
        else entries[index]!.resolve(answer)
      }
      const failure = locked.length === 0 ? undefined : lockedError?.(locked[0]!.item)
      return { left: [], locked: groupedByKey(locked, keyOf), failure }
    } catch (failure) {
      this.#options.onError?.(
        failure,
        entries.map(({ item }) => item),
      )
      if (isLockFailure(failure)) return { left: [], locked: partsOf(groupedByKey(entries, keyOf)), failure }
      if (failure instanceof StoreError && failure.isTransient) return { left: entries, locked: [], failure }
      if (entries.length === 1) {
        entries[0]!.reject(failure)
        return { left: [], locked: [], failure }
      }
      const half = entries.length >> 1
      const first = await this.#sendAll(entries.slice(0, half))
      // In their order: what has failed is to come again before these.
      if (first.left.length + first.locked.length > 0)
        return { ...first, left: [...first.left, ...entries.slice(half)] }
      const second = await this.#sendAll(entries.slice(half))
      return { ...second, failure: second.failure ?? first.failure }
    }
  }

  /**
   * What keeps failing may do so because of one of them. So they go out in portions, ever smaller while those fail; three in a row that do
   * say that it is the store, for now. What was not tried is the first to be, the next time.
   */
  async #sendApart(entries: Portion<Item, Answer>, tries: number): Promise<Omit<Unsettled<Item, Answer>, 'locked'>> {
    const groups = groupedByKey(entries, this.#options.keyOf)
    const failed: Entry<Item, Answer>[] = []
    let size = Math.max(1, groups.length >> Math.min(1 + tries - triesTogether, 30))
    let failure: unknown
    for (let failures = 0; groups.length > 0 && failures < 3;) {
      const portion = groups.splice(0, size).flat()
      const sent = await this.#sendTogether(portion)
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
}

function isSingle(portion: readonly unknown[]): boolean {
  return portion.length === 1
}

/** One of these is locked: if they are many, each half shows first whether it is among its own. */
function partsOf<One>(groups: readonly (readonly One[])[]): readonly (readonly One[])[] {
  const half = groups.length >> 1
  return groups.length <= mostSingly ? groups : [groups.slice(0, half).flat(), groups.slice(half).flat()]
}
