import { clearNodeInterval, setNodeInterval } from '../../core/node-interval.ts'
import { outsideCalls } from '../../runtime/environment/async-context.ts'
import { longestTimeoutMs, ref, unref } from '../../runtime/environment/long-timeout.ts'

/**
 * Keeps the process alive, in which nothing else may be going on for a while, until what is given back is called. A test that replaces timers does not decide
 * for how long a process lives.
 */
export function keepProcess(): () => void {
  const alive = outsideCalls.run(() => setNodeInterval(() => {}, longestTimeoutMs))
  return () => clearNodeInterval(alive)
}

/**
 * Keeps the process alive while a call waits for how an execution ends: the timers of a docket are upkeep, which keeps none, and a store without
 * connections has nothing else. Node would end with 13, for a promise that nothing is left to settle.
 */
export class KeepAlive {
  #calls = 0
  #timer: unknown

  /** What keeps the process, from now on: the timer of the next look. */
  set timer(timer: unknown) {
    this.#timer = timer
    // First for all: on a clock of tests, what is upkeep once stays so.
    unref(timer)
    if (this.#calls > 0) ref(timer)
  }

  /** Until `release`. */
  hold(): void {
    if (this.#calls++ === 0) ref(this.#timer)
  }

  release(): void {
    if (--this.#calls === 0) unref(this.#timer)
  }
}
