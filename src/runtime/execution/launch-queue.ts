import type { Plan } from '../../core/graph/plan.ts'
import type { FullClock } from '../environment/clock.ts'
import { turnOf } from '../environment/turn.ts'
import type { Turn } from '../environment/turn.ts'
import { neverReady, withoutValue } from './readiness.ts'
import type { Unavailable } from './readiness.ts'
import { inMicrotask } from '../../core/in-microtask.ts'

// A burst is started in slices, a microtask apart, so that steps that are done at once are done, and their memory free, before more begin:
// starting 100,000 in one go costs the garbage collector twice the time of a step. Timers and I/O have their turn when it is due.
const sliceSize = 1_024
// Most executions have no more steps than these: they are begun without a look at the clock.
const uncounted = 16
const nothing = -1

/** What begins before all else. */
interface Preferred {
  readonly positions: () => readonly number[]
  /** What has to settle once these have begun; undefined where nothing has. */
  readonly pending: () => Promise<unknown> | undefined
}

/** What an execution does with its queue. */
export interface Launcher {
  readonly clock: FullClock
  readonly hasEnded: boolean
  launch(position: number): void
  /** The queue is empty again. */
  releaseIfIdle(): void
}

/** The steps of one execution that are ready to begin, in order, and how many inputs the others lack. */
export class LaunchQueue {
  /** Whether steps are being started right now. */
  isDraining = false
  readonly #launcher: Launcher
  readonly #unmet: number[]
  /** Where one step follows another there is never more than one, and no array. */
  #first = nothing
  /** What came while there was a first one. It is not cut when it is empty: to set an array's length takes longer than to start a step. */
  #rest: number[] | undefined = undefined
  #next = 0
  #end = 0
  #launched = 0
  #turn: Turn | undefined
  #preferred: Preferred | undefined
  /** Ready since the beginning, after what comes first. */
  #heldBack: Set<number> | undefined

  constructor(launcher: Launcher, plan: Plan) {
    this.#launcher = launcher
    this.#unmet = plan.waitsFor.slice()
  }

  /** A value is there that these steps take: those that lack nothing else are ready. */
  supply(dependants: readonly number[]): void {
    const unmet = this.#unmet
    for (let i = 0; i < dependants.length; i++) {
      const position = dependants[i]!
      if (--unmet[position]! === 0) this.#push(position)
    }
  }

  /** These lack nothing but what the caller has given. */
  begin(initial: readonly number[]): void {
    for (const position of initial) if (this.#unmet[position] === 0) this.#push(position)
    if (this.#preferred !== undefined) this.#reorder(this.#preferred.positions())
  }

  /** Of what is ready at the beginning, these begin first, in this order; the others once what `pending` gives then has settled. */
  prefer(positions: Preferred['positions'], pending: Preferred['pending']): void {
    this.#preferred = { positions, pending }
  }

  /** The step lacks nothing any more, whatever else may come: a race that is decided. */
  release(position: number): void {
    if (this.#unmet[position]! >= neverReady / 2) return
    this.#unmet[position] = neverReady
    this.#push(position)
  }

  /** The step never begins, whatever comes, nor where it is ready already. */
  withhold(position: number): void {
    this.#unmet[position] = neverReady
    this.#heldBack?.delete(position)
    if (this.#first === position) this.#first = nothing
    const at = this.#next === this.#end ? nothing : this.#rest!.indexOf(position, this.#next)
    if (at === nothing || at >= this.#end) return
    this.#rest!.copyWithin(at, at + 1, this.#end)
    if (--this.#end === this.#next) this.#next = this.#end = 0
  }

  /** Whether the step does not begin any more by what else comes. */
  isWithheld(position: number): boolean {
    // Values that came since have lowered it.
    return this.#unmet[position]! >= neverReady / 2
  }

  /** A value will never come: steps that can do without it, and lack nothing else, are ready. */
  deny(plan: Plan, slot: number): Unavailable {
    const unavailable = withoutValue(plan, this.#unmet, slot)
    for (const position of unavailable.ready) this.#push(position)
    return unavailable
  }

  /** Starts what is ready. A loop, not recursion: a chain of thousands of synchronous steps must not grow the stack. */
  drain(): void {
    if (this.isDraining) return
    this.isDraining = true
    const launcher = this.#launcher
    for (let left = sliceSize; this.#hasMore; left--) {
      if (left === 0) {
        this.#goOnSoon()
        return
      }
      if (++this.#launched > uncounted && (this.#turn ??= turnOf(launcher.clock)).mustYield()) {
        this.#goOnNextTurn(this.#turn)
        return
      }
      launcher.launch(this.#take())
    }
    if (this.#heldBack !== undefined && !launcher.hasEnded) {
      if (this.#letBegin()) return
      this.#goOn()
      return
    }
    this.isDraining = false
    launcher.releaseIfIdle()
  }

  #reorder(preferred: readonly number[]): void {
    const ready = new Set<number>()
    while (this.#hasMore) ready.add(this.#take())
    for (const position of preferred) if (ready.delete(position)) this.#push(position)
    this.#heldBack = ready
  }

  /** Lets the others begin, once those have that come first. @returns whether that is later */
  #letBegin(): boolean {
    const pending = this.#preferred?.pending()
    this.#preferred = undefined
    if (pending === undefined) {
      for (const position of this.#heldBack ?? []) this.#push(position)
      this.#heldBack = undefined
      return false
    }
    void pending.then(() => this.#goOn())
    return true
  }

  #push(position: number): void {
    if (this.#first === nothing && this.#next === this.#end) this.#first = position
    else (this.#rest ??= [])[this.#end++] = position
  }

  get #hasMore(): boolean {
    return (this.#first !== nothing || this.#next < this.#end) && !this.#launcher.hasEnded
  }

  #take(): number {
    const first = this.#first
    if (first !== nothing) {
      this.#first = nothing
      return first
    }
    const position = this.#rest![this.#next++]!
    if (this.#next === this.#end) this.#next = this.#end = 0
    return position
  }

  #goOnSoon(): void {
    inMicrotask(() => this.#goOn())
  }

  #goOnNextTurn(turn: Turn): void {
    turn.defer(() => this.#goOn())
  }

  #goOn(): void {
    this.isDraining = false
    this.drain()
  }
}
