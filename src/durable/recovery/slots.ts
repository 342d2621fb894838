import type { DocketContext } from '../context/docket-context.ts'
import type { Owned } from '../ownership/owned.ts'

// Looking again costs the store about as much for ten as for one.
const shareBeforeLook = 10
// What waits for less is as good as at work: whoever took its slot would soon be one too many.
const longestShortWaitMs = 5_000

/** A slot that is kept for an execution which is about to live here. */
export interface Seat {
  /** It lives here. */
  take(id: string): void
  /** It does not. */
  leave(): void
}

/**
 * How many executions of a queue this process runs at the same time. One gives its slot back when its end goes out to the store, or when it
 * only waits for what does not come soon.
 */
export class Slots {
  readonly #context: DocketContext
  readonly #count: number
  readonly #taken = new Set<Owned>()
  /** Those of the taken ones that have given their slots back, since nothing but their ends is under way: no more than there are slots. */
  readonly #ending = new Set<Owned>()
  #reserved = 0
  /** Given back since the last count. */
  #returned = 0
  #mayMoreWait = false
  /** How many may run of the queue, in all processes. */
  limit = Infinity
  /** Whether there is a limit, of the queue or of each key in it. */
  isLimited = false
  /** Called when there is room for what may wait. */
  onRoom: () => void = () => {}

  constructor(context: DocketContext, count: number) {
    this.#context = context
    this.#count = count
  }

  /** How many more can be taken. */
  count(): number {
    const { clock, connection } = this.#context
    const soon = clock.now() + Math.min(connection.session.leaseMs, longestShortWaitMs)
    this.#returned = 0
    // While the store does not take what is written, nothing more is begun in the place of what waits for that.
    if (connection.commits.isRepeating) this.#ending.clear()
    for (const one of this.#ending) if (!one.isEnding) this.#ending.delete(one)
    let busy = this.#reserved
    for (const one of this.#taken) if (!this.#ending.has(one) && one.hasWorkBefore(soon)) busy++
    return Math.max(0, this.#count - busy)
  }

  /** Keeps a slot for what begins here at once; undefined where none is free, or something that is ready may stand ahead. */
  reserve(): Seat | undefined {
    if (this.#mayMoreWait) return undefined
    // Most of the time a look at each of them is not needed.
    if (this.#taken.size + this.#reserved >= this.#count && this.count() === 0) return undefined
    this.#reserved++
    return {
      take: (id) => {
        this.#reserved--
        this.take(id)
      },
      leave: () => {
        this.#reserved--
        this.#giveBack()
      },
    }
  }

  /** Whether it is time to look again: more may wait than could be taken, and enough of what was has ended. */
  get haveRoom(): boolean {
    return this.#mayMoreWait && this.haveReturned
  }

  /** Whether enough were given back since the last count. */
  get haveReturned(): boolean {
    return this.#returned * shareBeforeLook >= Math.min(this.#count, this.limit)
  }

  /** The last look ended because all slots were taken, or because nothing was left. */
  looked(mayMoreWait: boolean): void {
    this.#mayMoreWait = mayMoreWait
  }

  /** More may wait than was looked for: where a slot is free, that is now. */
  mayMoreWait(): void {
    this.#mayMoreWait = true
    if (this.count() > 0) this.onRoom()
  }

  /** Gives a slot to an execution that lives here, until it ends. */
  take(id: string): void {
    const owned = this.#context.owned.get(id)
    if (owned === undefined || owned.hasDeparted) this.#giveBack()
    else {
      this.#taken.add(owned)
      void owned.ending?.then(() => this.#ends(owned))
      void owned.departure.then(() => {
        this.#taken.delete(owned)
        if (!this.#ending.delete(owned)) this.#giveBack()
      })
    }
  }

  /** One that was taken only waits now: others need not wait until it ends. */
  rested(): void {
    if (this.#mayMoreWait) this.onRoom()
  }

  /** Nothing but its end is under way. */
  #ends(owned: Owned): void {
    // What a limit keeps back can't be had before that is written.
    if (this.isLimited || this.#ending.size >= this.#count || !this.#taken.has(owned)) return
    this.#ending.add(owned)
    this.#giveBack()
  }

  #giveBack(): void {
    this.#returned++
    if (this.haveRoom) this.onRoom()
  }
}
