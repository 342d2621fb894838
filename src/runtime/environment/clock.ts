/** Time as the runtime sees it. Any XState clock will do; one with `now` (XState's SimulatedClock has it) is asked for the time too. */
export interface Clock {
  /** Milliseconds since the epoch. @default Date.now */
  now?(): number
  // The handler's type is XState's own, so that its clocks fit without a cast.
  setTimeout(handler: () => void, timeoutMs: number): unknown
  clearTimeout(handle: never): void
  /** Runs the handler at the end of this turn of the event loop. @default Node's setImmediate */
  setImmediate?(handler: () => void): unknown
}

/** A clock with everything filled in. */
export interface FullClock {
  now(): number
  setTimeout(handler: () => void, timeoutMs: number): unknown
  clearTimeout(handle: unknown): void
  setImmediate(handler: () => void): unknown
  /** Milliseconds from some moment on, untouched when the time of day is set; for measuring how long something took. */
  elapsed(): number
}

/** The machine's own time. */
const systemClock: FullClock = {
  now: Date.now,
  setTimeout: (handler, timeoutMs) => globalThis.setTimeout(handler, timeoutMs),
  clearTimeout: (handle) => globalThis.clearTimeout(handle as NodeJS.Timeout),
  setImmediate: (handler) => globalThis.setImmediate(handler),
  elapsed: () => performance.now(),
}

const fullClocks = new WeakMap<Clock, FullClock>()

/** The same clock with `now`; always the same object for the same clock, so that all its timers share one queue. */
export function fullClockOf(clock: Clock | undefined): FullClock {
  if (clock === undefined || clock === systemClock) return systemClock
  let full = fullClocks.get(clock)
  if (full === undefined) {
    full = {
      now: clock.now === undefined ? Date.now : () => clock.now!(),
      setTimeout: (handler, timeoutMs) => clock.setTimeout(handler, timeoutMs),
      clearTimeout: (handle) => clock.clearTimeout(handle as never),
      setImmediate: (handler) =>
        clock.setImmediate === undefined ? globalThis.setImmediate(handler) : clock.setImmediate(handler),
      elapsed: () => clock.now?.() ?? performance.now(),
    }
    fullClocks.set(clock, full)
  }
  return full
}

/** Resolves after a while; with `unref`, a process that has nothing else to do does not wait for it. */
export function sleep(
  clock: Pick<FullClock, 'setTimeout'>,
  ms: number,
  options: { readonly unref?: boolean } = {},
): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.setTimeout(resolve, ms)
    if (options.unref === true) unref(timer)
  })
}

/** Resolves when the work has ended, or when so much time is over: then it goes on unheeded. @throws what the work throws in time */
export async function atMost(
  clock: Pick<FullClock, 'setTimeout' | 'clearTimeout'>,
  ms: number,
  work: Promise<unknown>,
): Promise<void> {
  let timer: unknown
  const isOver = new Promise<void>((resolve) => {
    timer = clock.setTimeout(resolve, ms)
  })
  try {
    await Promise.race([work, isOver])
  } finally {
    clock.clearTimeout(timer)
  }
}

/** Timers of upkeep don't keep a process alive that has nothing else to do. */
export function unref(timer: unknown): void {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function')
    timer.unref()
}
