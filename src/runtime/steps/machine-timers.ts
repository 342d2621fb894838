import type { AnyActorRef, EventObject } from 'xstate'

/** What a machine sends itself, or one of its actors, at a time: an `after`, or a delayed `raise` or `sendTo`. */
export interface ArmedTimer {
  /** Each arming has a number of its own, so that one of an earlier arming is never taken for it. */
  readonly number: number
  readonly source: AnyActorRef
  readonly target: AnyActorRef
  readonly event: EventObject
  /** Under what its source cancels it; undefined where nothing can. */
  readonly id: string | undefined
  /** In milliseconds since the epoch. */
  readonly dueAt: number
}

/**
 * The delayed events of one machine and its actors, at times of its execution's clock: they take the place of the scheduler of XState's actor system, whose
 * delays end with the process.
 */
export class MachineTimers {
  readonly #now: () => number
  #armed: ArmedTimer[]
  #count: number

  /** `restored`: what an earlier process has armed; `count`: how many were ever armed. */
  constructor(now: () => number, restored: readonly ArmedTimer[] = [], count = 0) {
    this.#now = now
    this.#armed = [...restored]
    this.#count = count
  }

  /** Takes over what the actors of a system send later: before the first of them starts. */
  attach(system: AnyActorRef['system']): void {
    system.scheduler = {
      schedule: (source, target, event, delay, id) => {
        const dueAt = this.#now() + Math.max(0, delay)
        this.changes++
        this.#armed.push({ number: ++this.#count, source, target, event, id, dueAt })
      },
      cancel: (source, id) => this.#cancel((timer) => timer.source === source && timer.id === id),
      cancelAll: (source) => this.#cancel((timer) => timer.source === source),
    }
  }

  /** Grows whenever one is armed, is cancelled or fires. */
  changes = 0

  /** How many were ever armed. */
  get count(): number {
    return this.#count
  }

  /** Those that are armed, in the order of their arming. */
  get armed(): readonly ArmedTimer[] {
    return this.#armed
  }

  /** The one that is due first, of several the one that was armed first; undefined where none is armed. */
  get first(): ArmedTimer | undefined {
    let first: ArmedTimer | undefined
    for (const timer of this.#armed) if (first === undefined || timer.dueAt < first.dueAt) first = timer
    return first
  }

  /** It fires: takes it off the list. */
  take(timer: ArmedTimer): void {
    this.#cancel((one) => one === timer)
  }

  #cancel(isMeant: (timer: ArmedTimer) => boolean): void {
    const left = this.#armed.filter((timer) => !isMeant(timer))
    if (left.length !== this.#armed.length) this.changes++
    this.#armed = left
  }
}
