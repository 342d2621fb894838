import type { DocketContext } from '../context/docket-context.ts'
import type { Owned } from '../ownership/owned.ts'

const defaultCount = 100
// Looking again costs the store about as much for ten as for one.
const shareBeforeLook = 10

/**
 * How many executions that it has not started itself this process runs at the same time. One gives its slot back when it ends, or only waits for
 * an attempt that is due later than a lease from now.
 */
export class Slots {
  readonly #context: DocketContext
  readonly #count: number
  readonly #taken = new Set<Owned>()
  /** Given back since the last count. */
  #returned = 0
  #mayMoreWait = false
  /** Called when there is room for what may wait. */
  onRoom: () => void = () => {}

  constructor(context: DocketContext) {
    this.#context = context
    this.#count = context.options.work?.default ?? defaultCount
  }

  /** How many more can be taken. */
  count(): number {
    const { clock, connection } = this.#context
    const soon = clock.now() + connection.session.leaseMs
    this.#returned = 0
    let busy = 0
    for (const one of this.#taken) if (one.hasWorkBefore(soon)) busy++
    return Math.max(0, this.#count - busy)
  }

  /** Whether it is time to look again: more may wait than could be taken, and enough of what was has ended. */
  get haveRoom(): boolean {
    return this.#mayMoreWait && this.haveReturned
  }

  /** Whether enough were given back since the last count. */
  get haveReturned(): boolean {
    return this.#returned * shareBeforeLook >= this.#count
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

  #giveBack(): void {
    this.#returned++
    if (this.haveRoom) this.onRoom()
  }
}
