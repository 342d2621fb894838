/** A reading of some source of time that only moves forward. */
export interface TimeReading {
  /** What was read: the function or class itself, which a test may replace by one of its own. */
  readonly source: unknown
  readonly ms: number
}

/**
 * Time that goes on where it was when its source is replaced. Tests put a clock of their own in the place of the host's, which begins
 * anywhere, and take it away again: what was set before the change must become due neither at once nor in years.
 */
export class ContinuousTime {
  readonly #read: () => TimeReading
  #source: unknown
  #offset = 0
  #last = 0

  constructor(read: () => TimeReading) {
    this.#read = read
    const { source, ms } = read()
    this.#source = source
    this.#last = inUnits(ms)
  }

  now(): number {
    const { source, ms: read } = this.#read()
    const ms = inUnits(read)
    // The same fake may begin again, too: then it goes back.
    if (source !== this.#source || ms + this.#offset < this.#last) {
      this.#source = source
      this.#offset = this.#last - ms
    }
    return (this.#last = ms + this.#offset)
  }
}

/**
 * In whole 1,024ths of a millisecond, which add up exactly: what is set for a second from now is due a second from now, also where rounding
 * would make it a billionth later, and the timer fire once more.
 */
function inUnits(ms: number): number {
  return Math.floor(ms * 1_024) / 1_024
}

let judgedDate: unknown
let isJudgedFake = false

/** Whether a test has put a `Date` of its own in the place of the host's. */
function isDateFake(): boolean {
  const { Date } = globalThis
  if (Date !== judgedDate) {
    judgedDate = Date
    // A class, or a proxy, which has the text of a function without a name.
    isJudgedFake = Function.prototype.toString.call(Date) !== 'function Date() { [native code] }'
  }
  return isJudgedFake
}

/**
 * Steady time, or that of a `Date` that a test has put in the place of the host's: whoever fakes `Date` alone and moves it on by an
 * hour wants to see what was kept for an hour expire. A `Date` of the host whose time is set is not followed.
 */
export function lifetimeReading(steady: () => TimeReading): TimeReading {
  return isDateFake() ? { source: Date, ms: Date.now() } : steady()
}

let judgedNow: (() => number) | undefined
let judgedSteady: unknown
let areJudgedOwn = false

/** Whether the time of day and steady time are both read from the host itself: then they go on together. */
export function isHostsOwn(): boolean {
  const { performance } = globalThis
  if (Date.now !== judgedNow || performance.now !== judgedSteady) {
    judgedNow = Date.now
    judgedSteady = performance.now
    // Whatever takes the place of `performance`, or of its method alone, has a `now` of its own.
    areJudgedOwn =
      Function.prototype.toString.call(judgedNow) === 'function now() { [native code] }' &&
      !Object.hasOwn(performance, 'now')
  }
  return areJudgedOwn && !isDateFake()
}
