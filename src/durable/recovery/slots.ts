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
 * How many executions of a queue this process runs at the same time. One gives its slot back when it ends, or only waits for
 * what does not come soon.
 */
export class Slots {
  readonly #context: DocketContext
  readonly #count: number
  readonly #taken = new Set<Owned>()
  #reserved = 0
  /** Given back since the last count. */
  #returned = 0
  #mayMoreWait = false
  /** How many may run of the queue, in all processes. */
  limit = Infinity
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
    let busy = this.#reserved
    for (const one of this.#taken) if (one.hasWorkBefore(soon)) busy++
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

  /** Gives a slot to an execution that lives here, until it ends. */
  take(id: string): void {
    const owned = this.#context.owned.get(id)
    if (owned === undefined || owned.hasDeparted) this.#giveBack()
    else {
      this.#taken.add(owned)
      void owned.departure.then(() => {
        this.#taken.delete(owned)
        this.#giveBack()
      })
    }
  }

  /** One that was taken only waits now: others need not wait until it ends. */
  rested(): void {
    if (this.#mayMoreWait) this.onRoom()
  }

  #giveBack(): void {
    this.#returned++
    if (this.haveRoom) this.onRoom()
  }
}
