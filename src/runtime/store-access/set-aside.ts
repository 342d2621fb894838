import type { StoreError } from '../../core/errors.ts'
import { sleep } from '../environment/clock.ts'
import type { FullClock } from '../environment/clock.ts'
import { groupedByKey, isLockFailure, partsOf } from './batched-call.ts'
import type { Portion, Unsettled } from './batched-call.ts'
import { pauseAfter } from './store-patience.ts'

// As many connections as these may take of a pool; of what was locked before, one less, so that the others come through.
const maxInFlight = 4
/** Tries of a portion that fails, before it goes out in parts. */
const triesTogether = 3

interface AsideOptions<Item> {
  readonly clock: FullClock
  readonly keyOf?: (item: Item) => string
  readonly lockedError?: (item: Item) => StoreError
}

interface Due<Item, Answer> {
  readonly portion: Portion<Item, Answer>
  readonly tries: number
}

/** What must not hold up others: what somebody else has locked. It goes out in calls of its own, a few at a time, until each item's time is over. */
export class SetAside<Item, Answer> {
  readonly #options: AsideOptions<Item>
  readonly #send: (portion: Portion<Item, Answer>) => Promise<Unsettled<Item, Answer>>
  readonly #fresh: Due<Item, Answer>[] = []
  readonly #repeated: Due<Item, Answer>[] = []
  #freshInFlight = 0
  #repeatedInFlight = 0
  #size = 0

  constructor(options: AsideOptions<Item>, send: (portion: Portion<Item, Answer>) => Promise<Unsettled<Item, Answer>>) {
    this.#options = options
    this.#send = send
  }

  /** How many portions there are. */
  get size(): number {
    return this.#size
  }

  /** Takes a portion that was locked: what can't be parted is tried again after a while, the parts of a larger one at once. */
  add(portion: Portion<Item, Answer>, failure: unknown, tries = 0): void {
    if (groupedByKey(portion, this.#options.keyOf).length === 1) void this.#sendLater(portion, tries, failure)
    else this.#sendSoon(portion, 0)
  }

  #sendSoon(portion: Portion<Item, Answer>, tries: number): void {
    this.#size++
    ;(tries === 0 ? this.#fresh : this.#repeated).push({ portion, tries })
    this.#next()
  }

  async #sendLater(portion: Portion<Item, Answer>, tries: number, failure: unknown): Promise<void> {
    const { clock, lockedError } = this.#options
    const pauseMs = pauseAfter(tries)
    const next = clock.elapsed() + pauseMs
    const isLocked = failure === undefined || isLockFailure(failure)
    for (const { item, until, reject } of portion)
      if (until < next) reject((isLocked ? lockedError?.(item) : undefined) ?? failure)
    const again = portion.filter(({ until }) => until >= next)
    if (again.length === 0) return
    this.#size++
    await sleep(clock, pauseMs)
    this.#size--
    this.#sendSoon(again, tries + 1)
  }

  #next(): void {
    while (this.#freshInFlight + this.#repeatedInFlight < maxInFlight) {
      const due = this.#fresh.shift() ?? (this.#repeatedInFlight < maxInFlight - 1 ? this.#repeated.shift() : undefined)
      if (due === undefined) return
      void this.#deliver(due)
    }
  }

  async #deliver({ portion, tries }: Due<Item, Answer>): Promise<void> {
    const { keyOf } = this.#options
    if (tries === 0) this.#freshInFlight++
    else this.#repeatedInFlight++
    const { left, locked, failure } = await this.#send(portion)
    if (tries === 0) this.#freshInFlight--
    else this.#repeatedInFlight--
    const parts = tries < triesTogether ? [left] : partsOf(groupedByKey(left, keyOf))
    for (const part of parts) if (part.length > 0) void this.#sendLater(part, tries, failure)
    for (const part of locked) this.add(part, failure, tries)
    this.#size--
    this.#next()
  }
}
