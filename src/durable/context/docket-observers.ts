import type { Observer } from '../../core/contracts/observer.ts'

/** What observes all executions of a docket: those that it was given, and those that come and go while it lives. */
export class DocketObservers {
  #all: readonly Observer[]

  constructor(given: readonly Observer[] = []) {
    this.#all = given
  }

  get all(): readonly Observer[] {
    return this.#all
  }

  /** One more, for what begins from now on; what it gives takes it off: from then on it gets nothing, of what has begun neither. */
  add(observer: Observer): () => void {
    let isOn = true
    const guarded: Observer = (event) => {
      if (!isOn) return
      // Its promise is looked after where events are delivered.
      return typeof observer === 'function' ? observer(event) : observer.next(event)
    }
    this.#all = [...this.#all, guarded]
    return () => {
      isOn = false
      this.#all = this.#all.filter((one) => one !== guarded)
    }
  }
}
