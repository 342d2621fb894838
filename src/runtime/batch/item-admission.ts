import type { SlotPool, StopWaiting } from '../collections/slot-pool.ts'
import type { Turn } from '../environment/turn.ts'
import type { Admission, Admitted } from '../execution/part.ts'

/**
 * One item's way through its batch's concurrency limit. The item holds a slot while any of its attempts runs or waits for
 * its step's own limit, and none while all of it waits for a backoff, for the barrier, or for an equal call. Once the items have held
 * the event loop for long enough, attempts that are let in wait for its next turn, with their slot.
 */
export class ItemAdmission implements Admission {
  readonly #pool: SlotPool
  readonly #turn: Turn
  #active = 0
  #isInside = false
  #hasEnded = false
  /** Attempts that wait for a slot of the batch; most items never have any. */
  #parked: Admitted[] | undefined = undefined
  #stopWaiting: StopWaiting | undefined

  constructor(pool: SlotPool, turn: Turn) {
    this.#pool = pool
    this.#turn = turn
  }

  /** Lets an attempt in, or keeps the run until there is room and then calls its `proceedInside`. */
  enter(run: Admitted): boolean {
    if (!this.#isInside) {
      if (this.#parked !== undefined) {
        this.#parked.push(run)
        return false
      }
      if (!this.#pool.tryTake()) {
        this.#park(run)
        return false
      }
      this.#isInside = true
    }
    this.#active++
    if (!this.#turn.mustYieldOnTheWay()) return true
    this.#defer(run)
    return false
  }

  // A function of its own: one that makes closures costs memory at each call, whether it comes to them or not.
  #park(run: Admitted): void {
    this.#parked = [run]
    this.#stopWaiting = this.#pool.wait(() => this.#open())
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
    this.#hasEnded = true
    this.#stopWaiting?.()
    this.#stopWaiting = undefined
    this.#parked = undefined
    this.#active = 0
    this.releaseIfIdle()
  }

  #open(): void {
    const parked = this.#parked ?? []
    this.#parked = undefined
    this.#stopWaiting = undefined
    this.#isInside = true
    this.#active += parked.length
    for (const run of parked) {
      if (run.hasEnded) this.#active--
      else if (this.#turn.mustYieldOnTheWay()) this.#defer(run)
      else run.proceedInside()
    }
    this.releaseIfIdle()
  }

  #defer(run: Admitted): void {
    this.#turn.defer(() => {
      if (this.#hasEnded) return
      if (run.hasEnded) this.leave(false)
      else run.proceedInside()
    })
  }
}
