import { outsideCalls } from './async-context.ts'
import { longestTimeoutMs } from './long-timeout.ts'

/** What a queue of timers needs of its host. */
export interface TimerHost {
  /** Steady time: what the queue's due times are counted in. */
  elapsed(): number
  setTimeout(handler: () => void, timeoutMs: number): unknown
  clearTimeout(handle: unknown): void
}

/** Something that is due at a time. */
export class QueuedTimer {
  readonly dueAt: number
  /** Number in the order of setting: timers of one time fire in it. */
  readonly order: number
  readonly fire: () => void
  /** Place in the queue's heap; -1 when it has fired or was cancelled. */
  position: number
  readonly #queue: TimerQueue

  constructor(queue: TimerQueue, dueAt: number, order: number, position: number, fire: () => void) {
    this.#queue = queue
    this.dueAt = dueAt
    this.order = order
    this.position = position
    this.fire = fire
  }

  cancel(): void {
    this.#queue.cancel(this)
  }
}

/**
 * All timers of one clock in one binary heap of due times, behind a single `setTimeout`. Adding and cancelling
 * cost O(log n), and nothing stays armed when the queue is empty: a script that is done exits at once.
 */
export class TimerQueue {
  readonly #host: TimerHost
  readonly #heap: QueuedTimer[] = []
  #set = 0
  #armed: unknown
  #armedFor = Infinity
  /** The time that it is when what is armed fires, even if the host's steady time is slow, or stands still in a test. */
  #armedUntil = 0

  constructor(host: TimerHost) {
    this.#host = host
  }

  get size(): number {
    return this.#heap.length
  }

  schedule(dueAt: number, fire: () => void): QueuedTimer {
    const timer = new QueuedTimer(this, dueAt, this.#set++, this.#heap.length, fire)
    this.#heap.push(timer)
    this.#rise(timer)
    if (dueAt < this.#armedFor) this.#arm()
    return timer
  }

  cancel(timer: QueuedTimer): void {
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
    const now = this.#host.elapsed()
    const waitMs = Math.min(Math.max(0, Math.ceil(first.dueAt - now)), longestTimeoutMs)
    this.#armedUntil = Math.min(first.dueAt, now + waitMs)
    this.#armed = outsideCalls.run(() => this.#host.setTimeout(this.#onDue, waitMs))
  }

  #disarm(): void {
    if (this.#armed === undefined) return
    this.#host.clearTimeout(this.#armed)
    this.#armed = undefined
    this.#armedFor = Infinity
  }

  readonly #onDue = (): void => {
    this.#armed = undefined
    this.#armedFor = Infinity
    const now = Math.max(this.#host.elapsed(), this.#armedUntil)
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

  #rise(timer: QueuedTimer): void {
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

  #sink(timer: QueuedTimer): void {
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

function isBefore(one: QueuedTimer, other: QueuedTimer): boolean {
  return one.dueAt < other.dueAt || (one.dueAt === other.dueAt && one.order < other.order)
}
