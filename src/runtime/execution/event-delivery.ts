import type { ExecutionEvent } from '../../core/contracts/events.ts'
import type { Observer } from '../../core/contracts/observer.ts'
import { warnOnce } from '../environment/warn-once.ts'
import { isPromiseLike } from '../inputs/check-value.ts'

/** Hands events to observers, each to all of them before the next. */
export class EventDelivery {
  #observers: readonly Observer[]
  /** Those that have given them, in the same places. */
  #owners: readonly Observer[]
  /** The observer, where there is one alone. */
  #only: Observer | undefined
  /** Events emitted while another one is being delivered: observers get them in order. */
  #held: ExecutionEvent[] | undefined
  #isDelivering = false

  constructor(observers: readonly Observer[]) {
    this.#observers = this.#owners = observers
    this.#only = observers.length === 1 ? observers[0] : undefined
  }

  /** From now on these get the events. */
  protected deliverTo(observers: readonly Observer[], owners: readonly Observer[]): void {
    this.#observers = observers
    this.#owners = owners
    this.#only = observers.length === 1 ? observers[0] : undefined
  }

  protected emit(event: ExecutionEvent): void {
    if (this.#isDelivering) {
      ;(this.#held ??= []).push(event)
      return
    }
    this.#isDelivering = true
    this.#deliver(event)
    for (let held = this.#held; held !== undefined; held = this.#held) {
      this.#held = undefined
      for (const later of held) this.#deliver(later)
    }
    this.#isDelivering = false
  }

  #deliver(event: ExecutionEvent): void {
    if (this.#only !== undefined) deliverEvent(this.#only, event, this.#owners[0])
    else for (let at = 0; at < this.#observers.length; at++) deliverEvent(this.#observers[at]!, event, this.#owners[at])
  }
}

/** Hands an event to an observer; what that throws is reported, as of `owner`. */
export function deliverEvent(observer: Observer, event: ExecutionEvent, owner: Observer = observer): void {
  try {
    const answer: unknown = typeof observer === 'function' ? observer(event) : observer.next(event)
    // An async observer is a void function to the compiler; its rejection must not kill the process.
    if (answer !== undefined && isPromiseLike(answer)) answer.then(undefined, (thrown: unknown) => warn(owner, thrown))
  } catch (thrown) {
    warn(owner, thrown)
  }
}

function warn(observer: Observer, thrown: unknown): void {
  warnOnce(observer, 'a Docket observer', thrown)
}
