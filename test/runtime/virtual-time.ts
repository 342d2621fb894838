/** A clock that moves only when it is told to, for Docket's `clock` option and XState's alike. */
export class VirtualTime {
  #now = 1_700_000_000_000
  #nextHandle = 1
  readonly #timers = new Map<number, { readonly dueAt: number; readonly handler: () => void }>()

  readonly now = (): number => this.#now

  readonly setTimeout = (handler: () => void, timeoutMs: number): number => {
    const handle = this.#nextHandle++
    this.#timers.set(handle, { dueAt: this.#now + Math.max(0, timeoutMs), handler })
    return handle
  }

  readonly clearTimeout = (handle: never): void => {
    this.#timers.delete(handle)
  }

  /** Timers that are armed. */
  get armed(): number {
    return this.#timers.size
  }

  /** For steps: takes `ms` of this clock, or rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const handle = this.setTimeout(resolve, ms)
      signal?.addEventListener('abort', () => {
        this.#timers.delete(handle)
        reject(signal.reason as Error)
      })
    })
  }

  /** Lets promises settle, then fires what falls due within `ms`, in order, letting promises settle after each. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    await turn()
    while (this.#fireNext(until)) await turn()
    this.#now = until
  }

  /** Moves on from timer to timer until the promise settles. @throws when it can't, because nothing is due any more */
  async until<Value>(promise: PromiseLike<Value>): Promise<Value> {
    let isSettled = false
    const settle = (): void => {
      isSettled = true
    }
    promise.then(settle, settle)
    for (;;) {
      await turn()
      if (isSettled) return promise
      if (this.#fireNext(Infinity)) continue
      await turn()
      if (!isSettled && this.#timers.size === 0) throw new Error('the promise is pending, and no timer is armed')
    }
  }

  #fireNext(until: number): boolean {
    let next: number | undefined
    for (const [handle, { dueAt }] of this.#timers) {
      if (dueAt <= until && (next === undefined || dueAt < this.#timers.get(next)!.dueAt)) next = handle
    }
    if (next === undefined) return false
    const { dueAt, handler } = this.#timers.get(next)!
    this.#timers.delete(next)
    this.#now = Math.max(this.#now, dueAt)
    handler()
    return true
  }
}

/** One turn of the event loop: every promise that can settle has settled. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
