import type { SlotPool, StopWaiting } from '../collections/slot-pool.ts'
import type { Admission, Admitted } from '../execution/part.ts'

/**
 * One item's way through its batch's concurrency limit. The item holds a slot while any of its attempts runs or waits for
 * its step's own limit, and none while all of it waits for a backoff, for the barrier, or for an equal call.
 */
export class ItemAdmission implements Admission {
  readonly #pool: SlotPool
  #active = 0
  #isInside = false
  #parked: Admitted[] = []
  #stopWaiting: StopWaiting | undefined

  constructor(pool: SlotPool) {
    this.#pool = pool
  }

  /** Lets an attempt in, or keeps the run until there is room and then calls its `proceedInside`. */
  enter(run: Admitted): boolean {
    if (!this.#isInside) {
      this.#parked.push(run)
      if (this.#parked.length > 1) return false
      this.#stopWaiting = this.#pool.take(this.#open)
      if (this.#stopWaiting !== undefined) return false
      this.#parked.length = 0
      this.#isInside = true
    }
    this.#active++
    return true
  }

  /** Lets an attempt in that is running already. */
  enterAnyway(): void {
    if (!this.#isInside) {
      this.#pool.takeAnyway()
      this.#isInside = true
    }
    this.#active++
  }

  /** An attempt is over. The slot is kept while the item is busy starting more. */
  leave(isBusy: boolean): void {
    this.#active--
    if (!isBusy) this.releaseIfIdle()
  }

  /** Gives the slot back if nothing of the item runs. */
  releaseIfIdle(): void {
    if (!this.#isInside || this.#active > 0) return
    this.#isInside = false
    this.#active = 0
    this.#pool.release()
  }

  /** The item has ended. */
  end(): void {
    this.#stopWaiting?.()
    this.#stopWaiting = undefined
    this.#parked.length = 0
    this.#active = 0
    this.releaseIfIdle()
  }

  readonly #open = (): void => {
    const parked = this.#parked
    this.#parked = []
    this.#stopWaiting = undefined
    this.#isInside = true
    this.#active += parked.length
    for (const run of parked) {
      if (run.hasEnded) this.#active--
      else run.proceedInside()
    }
    this.releaseIfIdle()
  }
}
