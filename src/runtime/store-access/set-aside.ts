import type { StoreError } from '../../core/errors.ts'
import { sleep } from '../environment/clock.ts'
import type { FullClock } from '../environment/clock.ts'
import { groupedByKey, isLockFailure, partsOf } from './batched-call.ts'
import type { Portion, Unsettled } from './batched-call.ts'
import type { SlowCall, SlowCalls } from './slow-calls.ts'
import { pauseAfter, pauseOfLocked } from './store-patience.ts'

/** Tries of a portion that fails, before it goes out in parts. */
const triesTogether = 3
/** Tries of what is locked, before one waits for the lock: others may hold it in turn, so that it is never met free. */
const triesWithoutWait = 6

type Send<Item, Answer> = (portion: Portion<Item, Answer>, waits: boolean) => Promise<Unsettled<Item, Answer>>

interface AsideOptions<Item> {
  readonly clock: FullClock
  readonly slowCalls: SlowCalls
  readonly keyOf?: (item: Item) => string
  readonly lockedError: (item: Item) => StoreError
  readonly onLocked?: (item: Item) => void
}

/**
 * What must not hold up others: what somebody else has locked, what fails where others don't, and what is large. It goes out in calls of
 * its own, a few at a time, until each item's time is over.
 */
export class SetAside<Item, Answer> {
  readonly #options: AsideOptions<Item>
  readonly #send: Send<Item, Answer>

  constructor(options: AsideOptions<Item>, send: Send<Item, Answer>) {
    this.#options = options
    this.#send = send
  }

  /** Takes a portion that was locked, or has failed: what can't be parted is tried again after a while, the parts of a larger one at once. */
  addFailed(portion: Portion<Item, Answer>, failure: unknown, tries = 0): void {
    const { onLocked } = this.#options
    if (onLocked !== undefined && (failure === undefined || isLockFailure(failure)))
      for (const { item } of portion) onLocked(item)
    if (groupedByKey(portion, this.#options.keyOf).length === 1) void this.#sendLater(portion, tries, failure, 'again')
    else this.#sendSoon(portion, 0, 'part')
  }

  /** Takes a portion that is large. */
  addLarge(portion: Portion<Item, Answer>): void {
    this.#sendSoon(portion, 0, 'large')
  }

  #sendSoon(portion: Portion<Item, Answer>, tries: number, kind: SlowCall, mayWait = false): void {
    this.#options.slowCalls.add(kind, () => this.#deliver(portion, tries, kind, mayWait))
  }

  async #sendLater(portion: Portion<Item, Answer>, tries: number, failure: unknown, kind: SlowCall): Promise<void> {
    const { clock, lockedError } = this.#options
    const isLocked = failure === undefined || isLockFailure(failure)
    const pauseMs = isLocked ? pauseOfLocked(tries) : pauseAfter(tries)
    const next = clock.elapsed() + pauseMs
    for (const { item, until, reject } of portion) if (until < next) reject(isLocked ? lockedError(item) : failure)
    const again = portion.filter(({ until }) => until >= next)
    if (again.length === 0) return
    await sleep(clock, pauseMs)
    this.#sendSoon(again, tries + 1, kind, isLocked && tries >= triesWithoutWait)
  }

  /** Never rejects: each entry is settled, or comes again. */
  async #deliver(portion: Portion<Item, Answer>, tries: number, kind: SlowCall, mayWait: boolean): Promise<void> {
    const { keyOf, slowCalls } = this.#options
    const waits = mayWait && slowCalls.tryWait()
    const { left, locked, failure } = await this.#send(portion, waits)
    if (waits) slowCalls.endWait()
    const parts = tries < triesTogether ? [left] : partsOf(groupedByKey(left, keyOf))
    const nextKind = kind === 'part' ? 'again' : kind
    for (const part of parts) if (part.length > 0) void this.#sendLater(part, tries, failure, nextKind)
    for (const part of locked) this.addFailed(part, failure, tries)
  }
}
