import { hostElapsed, hostElapsedAt, hostLifetime } from './host-time.ts'
import { LongTimeout, longestTimeoutMs, unref } from './long-timeout.ts'
import { hostImmediate } from '../../core/host-immediate.ts'

/** Time as the runtime sees it. Any XState clock will do; one with `now` (XState's SimulatedClock has it) gives the time too. */
export interface Clock {
  /** Milliseconds since the epoch. @default Date.now */
  now?(): number
  /**
   * Milliseconds of a time that only moves forward, whatever is done to the time of day: timers and durations count by it.
   * @default the machine's; `now`, where that is given: then the two are one, as on a clock that is moved by hand
   */
  elapsed?(): number
  /** Calls the handler once, after so many milliseconds. The types are XState's own, so that its clocks fit without a cast. */
  setTimeout(handler: () => void, timeoutMs: number): unknown
  /** Takes back what `setTimeout` has returned. */
  clearTimeout(handle: never): void
  /** Runs the handler at the end of this turn of the event loop. @default Node's setImmediate */
  setImmediate?(handler: () => void): unknown
}

/** A clock that stands still while functions are at work, as that of a test docket, learns of those that no event reports. */
export interface WorkClock {
  /** A function begins, `what` for people; what is returned is called once nobody waits for it any more. */
  functionBegan?(what: string): () => void
}

/** A clock with everything filled in. */
export interface FullClock extends WorkClock {
  now(): number
  /** For any time, also one that is longer than Node's own timers can be. */
  setTimeout(handler: () => void, timeoutMs: number): unknown
  clearTimeout(handle: unknown): void
  setImmediate(handler: () => void): unknown
  /** Milliseconds from some moment on, untouched when the time of day is set: durations are counted by it. */
  elapsed(): number
  /** The same at a time of day that was just read, where a millisecond is no matter: mostly without another reading. Whoever begins something calls `elapsed` first. */
  elapsedAt(now: number): number
  /** The same for what is kept in memory for a while: where a test fakes `Date` alone, it follows that. */
  lifetime(): number
  /** How time passes for its timers; see timers.ts. */
  readonly kind: 'system' | 'injected' | 'timers-only'
}

/** The machine's own time. Nothing of the host is kept here: tests replace its timers and its Date, and put them back. */
const systemClock: FullClock = {
  now: () => Date.now(),
  setTimeout: (handler, timeoutMs) =>
    timeoutMs > longestTimeoutMs
      ? new LongTimeout((part, ms) => globalThis.setTimeout(part, ms), handler, timeoutMs)
      : globalThis.setTimeout(handler, timeoutMs),
  clearTimeout: (handle) => globalThis.clearTimeout(currentHandle(handle) as NodeJS.Timeout),
  setImmediate: (handler) => hostImmediate()(handler),
  elapsed: hostElapsed,
  elapsedAt: hostElapsedAt,
  lifetime: hostLifetime,
  kind: 'system',
}

const fullClocks = new WeakMap<Clock, FullClock>()

/** The same clock with `now`; always the same object for the same clock, so that all its timers share one queue. */
export function fullClockOf(clock: (Clock & WorkClock) | undefined): FullClock {
  if (clock === undefined || clock === systemClock) return systemClock
  let full = fullClocks.get(clock)
  if (full === undefined) {
    const hasNow = clock.now !== undefined
    const now = hasNow ? (): number => clock.now!() : systemClock.now
    const given = clock.elapsed === undefined ? undefined : (): number => clock.elapsed!()
    // A clock that is moved by hand mostly has one time for everything.
    const elapsed = given ?? (hasNow ? now : systemClock.elapsed)
    full = {
      now,
      setTimeout: (handler, timeoutMs) =>
        timeoutMs > longestTimeoutMs
          ? new LongTimeout((part, ms) => clock.setTimeout(part, ms), handler, timeoutMs)
          : clock.setTimeout(handler, timeoutMs),
      clearTimeout: (handle) => clock.clearTimeout(currentHandle(handle) as never),
      setImmediate: (handler) =>
        clock.setImmediate === undefined ? hostImmediate()(handler) : clock.setImmediate(handler),
      elapsed,
      elapsedAt: hasNow || given !== undefined ? elapsed : systemClock.elapsedAt,
      lifetime: hasNow || given !== undefined ? elapsed : systemClock.lifetime,
      kind: hasNow || given !== undefined ? 'injected' : 'timers-only',
      ...(clock.functionBegan && { functionBegan: (what: string) => clock.functionBegan!(what) }),
    }
    fullClocks.set(clock, full)
  }
  return full
}

function currentHandle(handle: unknown): unknown {
  return handle instanceof LongTimeout ? handle.current : handle
}

/**
 * Whole milliseconds of steady time since `beganAt`: what took long took so whatever was done to the time of day. `startedAt` is the time
 * of day then, `at` that of now, just read: what ends in the millisecond in which it began took none.
 */
export function elapsedSince(clock: FullClock, beganAt: number, startedAt: number | undefined, at: number): number {
  const elapsed = at === startedAt ? clock.elapsedAt(at) : clock.elapsed()
  // The shared reading may be a little older than the one that it began with.
  return elapsed <= beganAt ? 0 : Math.round(elapsed - beganAt)
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
