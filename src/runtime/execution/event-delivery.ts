import type { ExecutionEvent } from '../../core/contracts/events.ts'
import type { Observer } from '../../core/contracts/observer.ts'
import { warnOnce } from '../environment/warn-once.ts'
import { isPromiseLike } from '../inputs/check-value.ts'
import { ownerOf } from './observation.ts'

/** Hands events to observers, each to all of them before the next. */
export class EventDelivery {
  #observers: readonly Observer[]
  /** The observer, where there is one alone. */
  #only: Observer | undefined
  /** Events emitted while another one is being delivered: observers get them in order. */
  #held: ExecutionEvent[] | undefined
  #isDelivering = false

  constructor(observers: readonly Observer[]) {
    this.#observers = observers
    this.#only = observers.length === 1 ? observers[0] : undefined
  }

  /** From now on these get the events. */
  protected deliverTo(observers: readonly Observer[]): void {
    this.#observers = observers
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
    if (this.#only !== undefined) deliverEvent(this.#only, event)
    else for (const observer of this.#observers) deliverEvent(observer, event)
  }
}

/** Hands an event to an observer; what that throws is reported. */
export function deliverEvent(observer: Observer, event: ExecutionEvent): void {
  try {
    const answer: unknown = typeof observer === 'function' ? observer(event) : observer.next(event)
    // An async observer is a void function to the compiler; its rejection must not kill the process.
    if (answer !== undefined && isPromiseLike(answer))
      answer.then(undefined, (thrown: unknown) => warn(observer, thrown))
  } catch (thrown) {
    warn(observer, thrown)
  }
}

function warn(observer: Observer, thrown: unknown): void {
  warnOnce(ownerOf(observer), 'a Docket observer', thrown)
}
