/** The longest wait of Node's timers: a longer one is taken for 1 ms. */
export const longestTimeoutMs = 2 ** 31 - 1

/** A wait that is longer than Node's timers can be, as several in a row. */
export class LongTimeout {
  /** The handle of the part that runs. */
  current: unknown
  readonly #set: (handler: () => void, ms: number) => unknown
  readonly #handler: () => void
  #leftMs: number
  #isUnref = false

  constructor(set: (handler: () => void, ms: number) => unknown, handler: () => void, ms: number) {
    this.#set = set
    this.#handler = handler
    this.#leftMs = ms
    this.#next()
  }

  /** Does not keep the process alive. */
  unref(): void {
    this.#isUnref = true
    unref(this.current)
  }

  readonly #next = (): void => {
    if (this.#leftMs <= 0) {
      this.#handler()
      return
    }
    const ms = Math.min(this.#leftMs, longestTimeoutMs)
    this.#leftMs -= ms
    this.current = this.#set(this.#next, ms)
    if (this.#isUnref) unref(this.current)
  }
}

/** Timers of upkeep don't keep a process alive that has nothing else to do. */
export function unref(timer: unknown): void {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function')
    timer.unref()
}

/** Takes `unref` back. A clock of tests knows no such thing. */
export function ref(timer: unknown): void {
  if (typeof timer === 'object' && timer !== null && 'ref' in timer && typeof timer.ref === 'function') timer.ref()
}

/** A timer of a look that is repeated until something has come: a clock of tests need not stop at each. */
export function markAsLook(timer: unknown): void {
  if (typeof timer === 'object' && timer !== null && 'markAsLook' in timer && typeof timer.markAsLook === 'function')
    timer.markAsLook()
}
