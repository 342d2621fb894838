import { outsideCalls } from './async-context.ts'
import type { FullClock } from './clock.ts'

/** Something that is due at an absolute time. */
export interface Timer {
  readonly dueAt: number
  /** Number in the order of setting: timers of one time fire in it. */
  readonly order: number
  readonly fire: () => void
  /** Place in the queue's heap; -1 when it has fired or was cancelled. */
  position: number
}

// setTimeout turns longer waits into 1 ms.
const longestWaitMs = 2 ** 31 - 1

/**
 * All timers of one clock in one binary heap of absolute due times, behind a single `setTimeout`. Adding and cancelling
 * cost O(log n), and nothing stays armed when the queue is empty: a script that is done exits at once.
 */
export class TimerQueue {
  readonly #clock: FullClock
  readonly #heap: Timer[] = []
  #set = 0
  #armed: unknown
  #armedFor = Infinity

  constructor(clock: FullClock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#heap.length
  }

  schedule(dueAt: number, fire: () => void): Timer {
    const timer: Timer = { dueAt, order: this.#set++, fire, position: this.#heap.length }
    this.#heap.push(timer)
    this.#rise(timer)
    if (dueAt < this.#armedFor) this.#arm()
    return timer
  }

  cancel(timer: Timer): void {
    const { position } = timer
    if (position === -1) return
    this.#remove(position)
    if (this.#heap.length === 0) this.#disarm()
  }

  #arm(): void {
    this.#disarm()
    const first = this.#heap[0]
    if (first === undefined) return
    this.#armedFor = first.dueAt
    const waitMs = Math.min(Math.max(0, Math.ceil(first.dueAt - this.#clock.now())), longestWaitMs)
    this.#armed = outsideCalls.run(() => this.#clock.setTimeout(this.#onDue, waitMs))
  }

  #disarm(): void {
    if (this.#armed === undefined) return
    this.#clock.clearTimeout(this.#armed)
    this.#armed = undefined
    this.#armedFor = Infinity
  }

  readonly #onDue = (): void => {
    this.#armed = undefined
    this.#armedFor = Infinity
    const now = this.#clock.now()
    // What the fired ones set comes another time, even if it is due: a step that always fails must not keep the others out.
    const end = this.#set
    try {
      for (
        let first = this.#heap[0];
        first !== undefined && first.dueAt <= now && first.order < end;
        first = this.#heap[0]
      ) {
        this.#remove(0)
        first.fire()
      }
    } finally {
      this.#arm()
    }
  }

  #remove(position: number): void {
    const heap = this.#heap
    const removed = heap[position]!
    const last = heap.pop()!
    removed.position = -1
    if (last === removed) return
    heap[position] = last
    last.position = position
    this.#rise(last)
    this.#sink(last)
  }

  #rise(timer: Timer): void {
    const heap = this.#heap
    let { position } = timer
    while (position > 0) {
      const above = (position - 1) >> 1
      const parent = heap[above]!
      if (isBefore(parent, timer)) break
      heap[position] = parent
      parent.position = position
      position = above
    }
    heap[position] = timer
    timer.position = position
  }

  #sink(timer: Timer): void {
    const heap = this.#heap
    let { position } = timer
    for (;;) {
      let below = 2 * position + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below++
      const child = heap[below]!
      if (isBefore(timer, child)) break
      heap[position] = child
      child.position = position
      position = below
    }
    heap[position] = timer
    timer.position = position
  }
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.dueAt < other.dueAt || (one.dueAt === other.dueAt && one.order < other.order)
}

const queues = new WeakMap<FullClock, TimerQueue>()

/** The one queue of a clock. */
export function timerQueueOf(clock: FullClock): TimerQueue {
  let queue = queues.get(clock)
  if (queue === undefined) queues.set(clock, (queue = new TimerQueue(clock)))
  return queue
}
