import type { LockPatience } from '../../core/contracts/store.ts'
import { StoreError } from '../../core/errors.ts'
import { outsideCalls } from '../environment/async-context.ts'
import { sleep } from '../environment/clock.ts'
import type { FullClock } from '../environment/clock.ts'
import { groupedByKey, isLockFailure, partsOf } from './batched-call.ts'
import type { Entry, Portion, Unsettled } from './batched-call.ts'
import { HeldKeys } from './held-keys.ts'
import { SetAside } from './set-aside.ts'
import type { SlowCalls } from './slow-calls.ts'
import { pauseAfter } from './store-patience.ts'

/** How calls are gathered. */
export interface BatchingOptions<Item> {
  readonly clock: FullClock
  /** About how much goes into one call. */
  readonly sizeOf?: (item: Item) => number
  /** Those with the same key arrive in their order. @default none has to */
  readonly keyOf?: (item: Item) => string
  /** Calls under way at the same time; 1 keeps the order of everything, except of what is locked. @default 1 */
  readonly maxInFlight?: number
  /** Called for every failed try: it may have had its effect, or have it later. */
  readonly onError?: (error: unknown, items: readonly Item[]) => void
  /** What an item fails with that stays locked. */
  readonly lockedError: (item: Item) => StoreError
  /** Called for an item that is locked, each time it is found so: it may take long. */
  readonly onLocked?: (item: Item) => void
  /** Shared by all that calls one store. */
  readonly slowCalls: SlowCalls
}

/** One call of the store: an answer for each item. `patience` says whether it waits for locks of others. */
type Send<Item, Answer> = (items: readonly Item[], patience: LockPatience) => Promise<readonly (Answer | 'locked')[]>

const maxItems = 1_000
const maxBytes = 2 * 2 ** 20
/** What goes out for one key, if it is as much, has a call of its own. */
const largeBytes = 2 ** 16
/** Tries of all in one call, before they go out in portions. */
const triesTogether = 3

/**
 * Gathers the calls of a store in one turn of the event loop (and while a call is under way) into one call. A call that
 * fails for a passing reason is tried again until each item's time is over, in portions if it goes on failing; one that is
 * refused is split, until only what the store really refuses fails. What is locked, fails where others don't, or is large, is set aside,
 * with what comes for the same key: the others don't wait for it.
 */
export class CallBatcher<Item, Answer> {
  readonly #send: Send<Item, Answer>
  readonly #options: BatchingOptions<Item>
  readonly #aside: SetAside<Item, Answer>
  readonly #held = new HeldKeys<Entry<Item, Answer>>()
  #pending: Entry<Item, Answer>[] = []
  #inFlight = 0
  #repeated = 0
  #isDeferred = false

  constructor(send: Send<Item, Answer>, options: BatchingOptions<Item>) {
    this.#send = send
    this.#options = options
    this.#aside = new SetAside(options, (portion, waits) => this.#sendAll(portion, waits))
  }

  add(item: Item, until: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const entry = { item, bytes: this.#options.sizeOf?.(item) ?? 0, until, resolve, reject }
      if (this.#isKeptBack(entry)) return
      this.#pending.push(entry)
      this.#defer()
    })
  }

  /** Whether calls that have failed for a passing reason are tried again. */
  get isRepeating(): boolean {
    return this.#repeated > 0
  }

  /** Whether something with an entry's key is set aside: then this one comes after it. */
  #isKeptBack(entry: Entry<Item, Answer>): boolean {
    const { keyOf } = this.#options
    return keyOf !== undefined && this.#held.size > 0 && this.#held.keepBack(keyOf(entry.item), entry)
  }

  #defer(): void {
    if (this.#isDeferred || this.#inFlight >= (this.#options.maxInFlight ?? 1)) return
    this.#isDeferred = true
    // What goes out together works for no single call, whoever came first.
    outsideCalls.run(() =>
      this.#options.clock.setImmediate(() => {
        this.#isDeferred = false
        this.#flush()
      }),
    )
  }

  #release(item: Item): void {
    const { keyOf } = this.#options
    if (keyOf === undefined) return
    const released = this.#held.release(keyOf(item))
    const portion = released.slice(0, countOfCall(released, 0, 0))
    if (bytesOf(portion) < largeBytes) for (const entry of released) this.#pending.push(entry)
    else {
      // What follows goes on waiting where it is: moved with each call, a long list would be gone through for every one of them.
      released.splice(0, portion.length)
      this.#aside.addLarge(portion.map((entry) => this.#heldEntry(entry, released)))
    }
    if (this.#pending.length > 0) this.#defer()
  }

  /** What may go on only after what has been set aside waits for it. */
  #keepBack(): void {
    this.#pending = this.#pending.filter((entry) => !this.#isKeptBack(entry))
  }

  /** Holds the keys of portions, so that what follows for the same ones waits, and sends them apart. */
  #setAside(portions: readonly Portion<Item, Answer>[], failure: unknown): void {
    const held = portions.map((portion) => portion.map((entry) => this.#heldEntry(entry)))
    this.#keepBack()
    for (const portion of held) this.#aside.addFailed(portion, failure)
  }

  /** An entry whose key is held until it is settled; `waiting` is what waits for it already. */
  #heldEntry(entry: Entry<Item, Answer>, waiting?: Entry<Item, Answer>[]): Entry<Item, Answer> {
    const { keyOf } = this.#options
    if (keyOf === undefined) return entry
    const { item, resolve, reject } = entry
    this.#held.hold(keyOf(item), waiting)
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

  #flush(): void {
    if (this.#pending.length === 0) return
    const entries = this.#take([])
    if (entries.length === 0) return
    this.#inFlight++
    void this.#deliver(entries, 0).then(() => {
      this.#inFlight--
      if (this.#pending.length > 0) this.#defer()
    })
    if (this.#pending.length > 0) this.#defer()
  }

  /** Adds what is waiting to what is sent again, as far as there is room; without what is large. */
  #take(again: Portion<Item, Answer>): Portion<Item, Answer> {
    for (let small = again; ;) {
      const bytesBefore = bytesOf(small)
      const next = this.#pending.slice(0, countOfCall(this.#pending, small.length, bytesBefore))
      const left = bytesBefore + bytesOf(next) < largeBytes ? undefined : this.#withoutLarge(small, next)
      if (left === undefined) {
        this.#pending.splice(0, next.length)
        return small.length === 0 ? next : [...small, ...next]
      }
      small = left
    }
  }

  /**
   * Sets aside what is large of a call: of what is sent again, and of what would go out with it. Only these are looked at, since there may be
   * very many behind them. Gives what is left of the former; undefined where nothing is large.
   */
  #withoutLarge(again: Portion<Item, Answer>, next: Portion<Item, Answer>): Portion<Item, Answer> | undefined {
    const { keyOf } = this.#options
    if (keyOf === undefined) return undefined
    const groups = groupedByKey([...again, ...next], keyOf).filter((group) => bytesOf(group) >= largeBytes)
    if (groups.length === 0) return undefined
    const large = groups.map((group) => group.slice(0, countOfCall(group, 0, 0)))
    const isTaken = new Set(large.flat())
    const held = large.map((portion) => portion.map((entry) => this.#heldEntry(entry)))
    // What is not taken of a key that is held comes after it: first what is sent again, since it came before the others.
    const left = again.filter((entry) => !isTaken.has(entry) && !this.#isKeptBack(entry))
    this.#pending = this.#pending.filter((entry) => !isTaken.has(entry))
    this.#keepBack()
    for (const portion of held) this.#aside.addLarge(portion)
    return left
  }

  /** Never rejects: each entry is settled by itself, or set aside. */
  async #deliver(entries: Portion<Item, Answer>, tries: number): Promise<void> {
    const { left, failure } =
      tries < triesTogether ? await this.#sendTogether(entries) : await this.#sendApart(entries, tries)
    if (left.length === 0) return
    const { clock } = this.#options
    const pauseMs = pauseAfter(tries)
    const next = clock.elapsed() + pauseMs
    for (const { until, reject } of left) if (until < next) reject(failure)
    const again = left.filter(({ until }) => until >= next)
    if (again.length === 0) return
    this.#repeated++
    await sleep(clock, pauseMs)
    // With what has come meanwhile: its time may be over long before the store is back.
    const entriesAgain = this.#take(again)
    if (entriesAgain.length > 0) await this.#deliver(entriesAgain, tries + 1)
    this.#repeated--
  }

  /** Sends all in one call. Gives those that have failed for a passing reason; all others are settled, or set aside. */
  async #sendTogether(entries: Portion<Item, Answer>): Promise<Omit<Unsettled<Item, Answer>, 'locked'>> {
    const { left, locked, failure } = await this.#sendAll(entries)
    if (locked.length > 0) this.#setAside(locked, failure)
    return { left, failure }
  }

  /** Sends all in one call. All that is not given back is settled. */
  async #sendAll(entries: Portion<Item, Answer>, waits = false): Promise<Unsettled<Item, Answer>> {
    let answers: readonly (Answer | 'locked')[]
    try {
      answers = await this.#send(
        entries.map(({ item }) => item),
        { waits },
      )
    } catch (failure) {
      return this.#unsettledBy(failure, entries)
    }
    // Not in the `try`: what goes wrong from here on must not have sent again what was written.
    const locked: Entry<Item, Answer>[] = []
    for (let index = 0; index < entries.length; index++) {
      const answer = answers[index]!
      if (answer === 'locked') locked.push(entries[index]!)
      else entries[index]!.resolve(answer)
    }
    return {
      left: [],
      locked: locked.length === 0 ? [] : groupedByKey(locked, this.#options.keyOf),
      failure: undefined,
    }
  }

  /** What a failed call leaves to do: one that was refused is sent again in parts. */
  async #unsettledBy(failure: unknown, entries: Portion<Item, Answer>): Promise<Unsettled<Item, Answer>> {
    const { keyOf, onError } = this.#options
    if (isLockFailure(failure)) return { left: [], locked: partsOf(groupedByKey(entries, keyOf)), failure }
    onError?.(
      failure,
      entries.map(({ item }) => item),
    )
    if (failure instanceof StoreError && failure.isTransient) return { left: entries, locked: [], failure }
    if (entries.length > 1) return this.#sendSplit(entries)
    entries[0]!.reject(failure)
    return { left: [], locked: [], failure }
  }

  /** One of these was refused: in two calls, so that those with one key stay in their order. */
  async #sendSplit(entries: Portion<Item, Answer>): Promise<Unsettled<Item, Answer>> {
    const groups = groupedByKey(entries, this.#options.keyOf)
    if (groups.length > 1) {
      const half = groups.length >> 1
      const first = await this.#sendAll(groups.slice(0, half).flat())
      const second = await this.#sendAll(groups.slice(half).flat())
      return {
        left: [...first.left, ...second.left],
        locked: [...first.locked, ...second.locked],
        failure: second.failure ?? first.failure,
      }
    }
    const half = entries.length >> 1
    const first = await this.#sendAll(entries.slice(0, half))
    const rest = entries.slice(half)
    if (first.left.length > 0) return { ...first, left: [...first.left, ...rest] }
    if (first.locked.length > 0) return { ...first, locked: [[...first.locked.flat(), ...rest]] }
    return this.#sendAll(rest)
  }

  /**
   * What keeps failing may do so because of one of them. So they go out in portions, ever smaller while those fail; three in a row that do
   * say that it is the store, for now. What was not tried is the first to be, the next time. Where some come through, those that fail by
   * themselves are set aside.
   */
  async #sendApart(entries: Portion<Item, Answer>, tries: number): Promise<Omit<Unsettled<Item, Answer>, 'locked'>> {
    const groups = groupedByKey(entries, this.#options.keyOf)
    const failed: Portion<Item, Answer>[] = []
    const failedAlone: Portion<Item, Answer>[] = []
    let size = Math.max(1, groups.length >> Math.min(1 + tries - triesTogether, 30))
    let someCameThrough = false
    let failure: unknown
    for (let failures = 0; groups.length > 0 && failures < 3;) {
      const portion = groups.splice(0, size)
      const sent = await this.#sendTogether(portion.flat())
      if (sent.left.length === 0) {
        failures = 0
        size *= 2
        someCameThrough = true
      } else {
        failures++
        size = Math.max(1, size >> 1)
        failure = sent.failure
        if (portion.length === 1) failedAlone.push(sent.left)
        else failed.push(sent.left)
      }
    }
    const rest = groups.flat()
    if (!someCameThrough) return { left: [...rest, ...failed.flat(), ...failedAlone.flat()], failure }
    if (failedAlone.length > 0) this.#setAside(failedAlone, failure)
    return { left: [...rest, ...failed.flat()], failure }
  }
}

function bytesOf(entries: readonly { readonly bytes: number }[]): number {
  return entries.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** How many of these fit in a call in which there are some already: always one. */
function countOfCall(entries: readonly { readonly bytes: number }[], countBefore: number, bytesBefore: number): number {
  let bytes = bytesBefore
  let count = 0
  while (count < entries.length && countBefore + count < maxItems && (bytes < maxBytes || count === 0))
    bytes += entries[count++]!.bytes
  return count
}
