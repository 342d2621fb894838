import { hostImmediate } from '../core/host-immediate.ts'

interface VirtualTimer {
  readonly dueAt: number
  readonly handler: () => void
}

// Timers that set each other for ever would never come to an end: at one moment, or while a promise is waited for.
const maxTimers = 100_000

// What waits for each turn for ever, as a loop that shares the thread does, is not waited for.
const maxTurns = 1_000

/**
 * Time that moves only when a test says so. Timers fire in the order of their due times, those of one time in the order of
 * setting, and before and after each one all microtasks have run. Fits `createDocket({ clock })` and XState's `createActor(…, { clock })`.
 * A store has a time of its own: `memoryStore({ now: () => clock.now(), elapsed: () => clock.elapsed() })` goes along.
 * Nothing but its timers is waited for: what a step does besides, such as I/O, is not under way for this clock.
 *
 * @example
 * const clock = new VirtualClock()
 * const user = await clock.settle(execute(users, User, { UserID: 'ada' }, { clock })) // an hour of backoffs, in no time
 */
export class VirtualClock {
  #elapsed: number
  #setByMs = 0
  #nextHandle = 1
  readonly #timers = new Map<number, VirtualTimer>()

  /** @param start what `now` and `elapsed` begin with, in milliseconds since the epoch */
  constructor(start = 1_000_000) {
    this.#elapsed = start
  }

  /** The time of day. */
  now(): number {
    return this.#elapsed + this.#setByMs
  }

  /** Steady time, by which timers fire. The same number as `now`, until the time of day is set. */
  elapsed(): number {
    return this.#elapsed
  }

  /** Sets the time of day on, or back, as an administrator does, or NTP, or a machine that wakes up: no time passes by it. */
  setTimeOfDay(byMs: number): void {
    this.#setByMs += byMs
  }

  /** Calls back once the time has come: in `advance` or `settle`, never by itself. Gives a handle for `clearTimeout`. */
  setTimeout(handler: () => void, timeoutMs: number): number {
    const handle = this.#nextHandle++
    this.#timers.set(handle, { dueAt: this.#elapsed + Math.max(0, timeoutMs), handler })
    return handle
  }

  /** Takes a timer off; one that has fired is nothing. */
  clearTimeout(handle: number): void {
    this.#timers.delete(handle)
  }

  /** Timers that are set and have not fired. */
  get pending(): number {
    return this.#timers.size
  }

  /** Moves the time on, firing what comes due on the way. @throws (as rejection) Error where timers set each other without end */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms
    await flush()
    let fired = 0
    for (let last = this.#elapsed; this.#fireNext(end); last = this.#elapsed) {
      fired = this.#elapsed > last ? 0 : fired + 1
      if (fired > maxTimers) throw new Error(`more than ${maxTimers} timers came due without any time between them`)
      await flush()
    }
    this.#elapsed = end
  }

  /**
   * Moves the time from timer to timer until the promise has settled, and gives its outcome.
   * @throws (as rejection) what the promise rejects with; Error where no timer is left that could settle it
   */
  async settle<Value>(promise: PromiseLike<Value>): Promise<Value> {
    const state = { isSettled: false }
    const mark = (): void => {
      state.isSettled = true
    }
    promise.then(mark, mark)
    const begun = this.#elapsed
    await flush()
    for (let fired = 0; !state.isSettled; fired++) {
      if (fired > maxTimers)
        throw new Error(
          `the promise is still pending after ${maxTimers} timers, ${this.#elapsed - begun} ms later; if it is to take longer, advance(ms) first`,
        )
      if (!this.#fireNext(Infinity))
        throw new Error('the promise is pending, and no timer is left that could settle it')
      await flush()
    }
    return promise
  }

  #fireNext(end: number): boolean {
    let first: number | undefined
    let dueAt = end
    for (const [handle, timer] of this.#timers) {
      // The map keeps the order of setting: the earlier set wins among equals.
      if (first === undefined ? timer.dueAt <= dueAt : timer.dueAt < dueAt) {
        first = handle
        dueAt = timer.dueAt
      }
    }
    if (first === undefined) return false
    const { handler } = this.#timers.get(first)!
    this.#timers.delete(first)
    this.#elapsed = Math.max(this.#elapsed, dueAt)
    handler()
    return true
  }
}

/**
 * Lets all microtasks run, those too that they queue, and whatever waits for the event loop to turn: a SQLite that has held it for long goes
 * on in its next turn, and takes none of this clock's time.
 */
export async function flush(): Promise<void> {
  for (let turns = 0; turns === 0 || (turns < maxTurns && isTurnAwaited()); turns++)
    await new Promise<void>((resolve) => {
      hostImmediate()(resolve)
    })
}

function isTurnAwaited(): boolean {
  // Node alone says so.
  return process.getActiveResourcesInfo?.().includes('Immediate') ?? false
}
