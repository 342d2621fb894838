interface VirtualTimer {
  readonly dueAt: number
  readonly handler: () => void
}

// A clock whose timers set each other for ever would never come to an end.
const maxTimersPerCall = 100_000

// What waits for each turn for ever, as a loop that shares the thread does, is not waited for.
const maxTurns = 1_000

/**
 * Time that moves only when a test says so. Timers fire in the order of their due times, those of one time in the order of
 * setting, and before and after each one all microtasks have run. Fits `createDocket({ clock })` and XState's `createActor(…, { clock })`.
 * A store has a time of its own: `memoryStore({ now: () => clock.now(), elapsed: () => clock.elapsed() })` goes along.
 */
export class VirtualClock {
  #elapsed: number
  #setByMs = 0
  #nextHandle = 1
  readonly #timers = new Map<number, VirtualTimer>()

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

  setTimeout(handler: () => void, timeoutMs: number): number {
    const handle = this.#nextHandle++
    this.#timers.set(handle, { dueAt: this.#elapsed + Math.max(0, timeoutMs), handler })
    return handle
  }

  clearTimeout(handle: number): void {
    this.#timers.delete(handle)
  }

  /** Timers that are set and have not fired. */
  get pending(): number {
    return this.#timers.size
  }

  /** Moves the time on, firing what comes due on the way. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms
    await flush()
    for (let fired = 0; this.#fireNext(end); fired++) {
      if (fired > maxTimersPerCall) throw new Error(`more than ${maxTimersPerCall} timers came due within ${ms} ms`)
      await flush()
    }
    this.#elapsed = end
  }

  /** Moves the time from timer to timer until the promise has settled, and gives its outcome. */
  async settle<Value>(promise: PromiseLike<Value>): Promise<Value> {
    const state = { isSettled: false }
    const mark = (): void => {
      state.isSettled = true
    }
    promise.then(mark, mark)
    await flush()
    for (let fired = 0; !state.isSettled; fired++) {
      if (fired > maxTimersPerCall) throw new Error(`the promise is still pending after ${maxTimersPerCall} timers`)
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
      setImmediate(resolve)
    })
}

function isTurnAwaited(): boolean {
  // Node alone says so.
  return process.getActiveResourcesInfo?.().includes('Immediate') ?? false
}
