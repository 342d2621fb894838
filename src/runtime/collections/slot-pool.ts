import { requireReturnedName } from '../../core/check-name.ts'
import type { StepSpec } from '../../core/graph/graph-index.ts'
import type { AnyStep } from '../../core/language/step.ts'
import { inMicrotask } from '../../core/in-microtask.ts'

/** What waits for a slot. */
interface Waiter {
  /** Undefined once it no longer wants one: a queue must not keep whole executions alive that gave up. */
  resume: (() => void) | undefined
}

/** Takes a waiter back out of the queue. */
export type StopWaiting = () => void

/** A number of slots, given in the order of asking. */
export class SlotPool {
  readonly #limit: number
  readonly #onRoom: ((pool: SlotPool) => void) | undefined
  #taken = 0
  #waiters: Waiter[] = []
  #head = 0
  #free = 0
  /** Waiters in the queue that gave up. */
  #gone = 0
  #isGiving = false

  /** `onRoom` is called whenever a slot was given back that nobody waited for. */
  constructor(limit: number, onRoom?: (pool: SlotPool) => void) {
    this.#limit = limit
    this.#onRoom = onRoom
  }

  get hasRoom(): boolean {
    return this.#taken < this.#limit
  }

  get limit(): number {
    return this.#limit
  }

  get isUnused(): boolean {
    return this.#taken === 0
  }

  /** Takes a slot, if there is one. */
  tryTake(): boolean {
    if (this.#taken >= this.#limit) return false
    this.#taken++
    return true
  }

  /** Calls `resume` later, with a slot taken; gives the way to stop waiting. */
  wait(resume: () => void): StopWaiting {
    const waiter: Waiter = { resume }
    this.#waiters.push(waiter)
    return () => {
      if (waiter.resume === undefined) return
      waiter.resume = undefined
      this.#gone++
      if (this.#gone > 64 && this.#gone * 2 > this.#waiters.length - this.#head) this.#dropGone()
    }
  }

  /** Takes a slot even beyond the limit: for work that is running already and changes its owner. */
  takeAnyway(): void {
    this.#taken++
  }

  /**
   * Gives a slot back, to what has waited longest, in a turn of its own: what gives it back may be about
   * to end a batch, and then what waits must not begin.
   */
  release(): void {
    if (this.#waiters.length === 0) {
      this.#taken--
      this.#onRoom?.(this)
      return
    }
    this.#free++
    if (this.#isGiving) return
    this.#isGiving = true
    inMicrotask(() => this.#give())
  }

  /** A loop: whoever gets a slot may give it back before `resume` returns. */
  #give(): void {
    while (this.#free > 0) {
      this.#free--
      const next = this.#taken <= this.#limit ? this.#shift() : undefined
      if (next !== undefined) {
        next()
        continue
      }
      this.#taken--
      this.#onRoom?.(this)
    }
    this.#isGiving = false
  }

  #shift(): (() => void) | undefined {
    while (this.#head < this.#waiters.length) {
      const waiter = this.#waiters[this.#head++]!
      if (this.#head > 1024 && this.#head * 2 > this.#waiters.length) {
        this.#waiters = this.#waiters.slice(this.#head)
        this.#head = 0
      }
      const { resume } = waiter
      waiter.resume = undefined
      if (resume !== undefined) return resume
      this.#gone--
    }
    this.#waiters = []
    this.#head = this.#gone = 0
    return undefined
  }

  #dropGone(): void {
    this.#waiters = this.#waiters.slice(this.#head).filter(({ resume }) => resume !== undefined)
    this.#head = this.#gone = 0
  }
}

// By the declaration itself, so that all graphs and executions of the process share a step's limit.
const pools = new WeakMap<AnyStep, Map<string | number, SlotPool>>()

/** The slots that attempts of this step with these inputs share in this process. May throw: the key function is the user's. */
export function slotPoolOf(spec: StepSpec, taker: { readonly inputs: unknown }): SlotPool {
  const { limit, key: keyOf } = spec.concurrency!
  // Two graphs may give one step different defaults: each limit holds for the steps that declare it.
  const place = keyOf === undefined ? limit : `${limit} ${keyFrom(spec.name, keyOf, taker.inputs)}`
  return pools.get(spec.limited)?.get(place) ?? newPool(spec, place)
}

function keyFrom(name: string, keyOf: (inputs: unknown) => string, inputs: unknown): string {
  return requireReturnedName(`concurrency.key of step "${name}"`, keyOf(inputs))
}

function newPool({ limited: step, concurrency }: StepSpec, place: string | number): SlotPool {
  const { limit, key } = concurrency!
  let byKey = pools.get(step)
  if (byKey === undefined) pools.set(step, (byKey = new Map()))
  // A pool that is not in use is forgotten where there are keys: they may be endless.
  const forget = (pool: SlotPool): void => {
    if (pool.isUnused) byKey.delete(place)
  }
  const made = new SlotPool(limit, key === undefined ? undefined : forget)
  byKey.set(place, made)
  return made
}
