interface VirtualTimer {
  readonly dueAt: number
  readonly handler: () => void
}

// A clock whose timers set each other for ever would never come to an end.
const maxTimersPerCall = 100_000

/**
 * Time that moves only when a test says so. Timers fire in the order of their due times, those of one time in the order of
 * setting, and before and after each one all microtasks have run. Fits `execute(…, { clock })` and XState's `createActor(…, { clock })`.
 */
export class VirtualClock {
  #now: number
  #nextHandle = 1
  readonly #timers = new Map<number, VirtualTimer>()

  constructor(start = 1_000_000) {
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  setTimeout(handler: () => void, timeoutMs: number): number {
    const handle = this.#nextHandle++
    this.#timers.set(handle, { dueAt: this.#now + Math.max(0, timeoutMs), handler })
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
    const end = this.#now + ms
    await flush()
    for (let fired = 0; this.#fireNext(end); fired++) {
      if (fired > maxTimersPerCall) throw new Error(`more than ${maxTimersPerCall} timers came due within ${ms} ms`)
      await flush()
    }
    this.#now = end
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
    this.#now = Math.max(this.#now, dueAt)
    handler()
    return true
  }
}

/** Lets all microtasks run, those too that they queue. */
export function flush(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
