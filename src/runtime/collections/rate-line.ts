import { requireReturnedName } from '../../core/check-name.ts'
import type { RateSpec, StepSpec } from '../../core/graph/graph-index.ts'
import type { AnyStep } from '../../core/language/step.ts'

/** How time passes for a line. */
export interface LineTime {
  /** Milliseconds of steady time. */
  elapsed(): number
  /** Calls `fire` after so many milliseconds, unless it is cancelled. */
  after(ms: number, fire: () => void): { cancel(): void }
}

/** Node's timers are no earlier than this, in milliseconds. */
const earliestMs = 2

/** Lets so many begin in each period, those that have come first first: GCRA, the generic cell rate algorithm. */
export class RateLine {
  readonly #intervalMs: number
  readonly #toleranceMs: number
  readonly #time: LineTime
  /** When the next one could begin if none began at once. */
  #nextAt = -Infinity
  #waiting: { resume: (() => void) | undefined }[] = []
  #timer: { cancel(): void } | undefined
  /** How many of those that wait still want to begin. */
  #wanting = 0

  constructor({ limit, perMs, burst }: Pick<RateSpec, 'limit' | 'perMs' | 'burst'>, time: LineTime) {
    this.#intervalMs = perMs / limit
    this.#toleranceMs = (burst - 1) * this.#intervalMs
    this.#time = time
  }

  /** Whether nobody waits, and what has begun matters to nobody who comes. */
  get isUnused(): boolean {
    return this.#waiting.length === 0 && this.#nextAt <= this.#time.elapsed()
  }

  /** Begins now, if that is allowed. */
  tryBegin(): boolean {
    const now = this.#time.elapsed()
    if (this.#waiting.length > 0 || this.#nextAt - this.#toleranceMs > now) return false
    this.#nextAt = Math.max(now, this.#nextAt) + this.#intervalMs
    return true
  }

  /** Calls `resume` when it may begin; gives the way to stop waiting. */
  wait(resume: () => void): () => void {
    const waiter: { resume: (() => void) | undefined } = { resume }
    this.#waiting.push(waiter)
    this.#wanting++
    this.#arm()
    return () => {
      if (waiter.resume === undefined) return
      waiter.resume = undefined
      if (--this.#wanting > 0) return
      // A timer that nobody wants keeps the process alive.
      this.#timer?.cancel()
      this.#timer = undefined
      this.#waiting = []
    }
  }

  #arm(): void {
    if (this.#timer !== undefined) return
    const armedAt = this.#time.elapsed()
    const ms = Math.max(0, Math.ceil(this.#nextAt - this.#toleranceMs - armedAt))
    this.#timer = this.#time.after(ms, () => {
      this.#timer = undefined
      this.#catchUp(armedAt, ms)
      this.#letBegin()
    })
  }

  /** Where a test moves timers on, and not steady time, what they have waited for has passed: the line stands that much nearer. */
  #catchUp(armedAt: number, ms: number): void {
    const passedMs = this.#time.elapsed() - armedAt
    const missingMs = ms - passedMs
    if (missingMs > earliestMs || (missingMs > 0 && passedMs === 0)) this.#nextAt -= missingMs
  }

  #letBegin(): void {
    const now = this.#time.elapsed()
    const ready: (() => void)[] = []
    let count = 0
    for (const waiter of this.#waiting) {
      if (waiter.resume !== undefined) {
        if (this.#nextAt - this.#toleranceMs > now) break
        this.#nextAt = Math.max(now, this.#nextAt) + this.#intervalMs
        ready.push(waiter.resume)
        waiter.resume = undefined
        this.#wanting--
      }
      count++
    }
    this.#waiting = this.#waiting.slice(count)
    if (this.#wanting > 0) this.#arm()
    for (const resume of ready) resume()
  }
}

// By the declaration itself, so that all graphs and executions of the process share a step's rate; by what sets timers, since none has the time of another.
const lines = new WeakMap<AnyStep, WeakMap<object, Map<string, RateLine>>>()

/** Lines of keys that may be endless are looked through for unused ones at every so many. */
const tidiedAt = 1_000

/** The line in which attempts of this step with these inputs stand in this process. May throw: the key function is the user's. */
export function rateLineOf(
  { name, limited: step, rate }: StepSpec,
  inputs: unknown,
  timers: object,
  time: LineTime,
): RateLine {
  const { limit, perMs, burst, key } = rate!
  const place = `${limit} ${perMs} ${burst} ${key === undefined ? '' : requireReturnedName(`rate.key of step "${name}"`, key(inputs))}`
  let byTimers = lines.get(step)
  if (byTimers === undefined) lines.set(step, (byTimers = new WeakMap()))
  let byKey = byTimers.get(timers)
  if (byKey === undefined) byTimers.set(timers, (byKey = new Map()))
  let line = byKey.get(place)
  if (line === undefined) {
    if (byKey.size > 0 && byKey.size % tidiedAt === 0)
      for (const [other, one] of byKey) if (one.isUnused) byKey.delete(other)
    byKey.set(place, (line = new RateLine({ limit, perMs, burst }, time)))
  }
  return line
}
