import { nextTick } from 'node:process'
import { flush } from '../../src/testing/virtual-clock.ts'

// Rejections that nobody handles are told by the event loop: it turns now and then.
const eventsPerTurn = 32

/** Something that happens at a time. */
export interface Scheduled {
  readonly at: number
  readonly order: number
  readonly run: () => void
  isCancelled: boolean
}

/**
 * The one time of a simulation, and everything that is going to happen in it. Between two happenings all promises settle
 * that can; what is due at the same time happens in the order of scheduling.
 */
export class Scheduler {
  #now = 1_700_000_000_000
  #scheduled = 0
  #happened = 0
  readonly #heap: Scheduled[] = []

  get now(): number {
    return this.#now
  }

  after(delayMs: number, run: () => void): Scheduled {
    const scheduled: Scheduled = {
      at: this.#now + Math.max(0, delayMs),
      order: this.#scheduled++,
      run,
      isCancelled: false,
    }
    this.#push(scheduled)
    return scheduled
  }

  /** Lets things happen until a time comes, or something holds that is looked at after each; tells whether it holds. */
  async until(end: number, holds: () => boolean = () => false): Promise<boolean> {
    await microtasks()
    while (!holds()) {
      const first = this.#heap[0]
      if (first === undefined || first.at > end) {
        this.#now = Math.max(this.#now, end)
        return false
      }
      this.#pop()
      if (first.isCancelled) continue
      this.#now = first.at
      first.run()
      await (++this.#happened % eventsPerTurn === 0 ? flush() : microtasks())
    }
    return true
  }

  #push(scheduled: Scheduled): void {
    const heap = this.#heap
    let position = heap.push(scheduled) - 1
    while (position > 0) {
      const above = (position - 1) >> 1
      if (isBefore(heap[above]!, scheduled)) break
      heap[position] = heap[above]!
      position = above
    }
    heap[position] = scheduled
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let position = 0
    for (;;) {
      let below = 2 * position + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below++
      if (isBefore(last, heap[below]!)) break
      heap[position] = heap[below]!
      position = below
    }
    heap[position] = last
  }
}

/** Lets all microtasks run, many times as fast as a turn of the event loop. */
function microtasks(): Promise<void> {
  return new Promise((resolve) => {
    nextTick(resolve)
  })
}

function isBefore(one: Scheduled, other: Scheduled): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order)
}
