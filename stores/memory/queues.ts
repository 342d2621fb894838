import { changedQueue, isRestricted, limitsOf } from '../../src/core/contracts/queue-state.ts'
import { freeAtAfter, roomWithin, unlimitedRoom } from '../../src/core/contracts/queue-order.ts'
import type { QueueRoom } from '../../src/core/contracts/queue-order.ts'
import type { QueueChange, QueueChanged, QueueStanding, QueueState } from '../../src/core/contracts/queue-record.ts'

/** What holds for queues, in memory. */
export class MemoryQueues {
  readonly #states = new Map<string, QueueState>()
  readonly #freeAt = new Map<string, number>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  read(queue: string): QueueStanding | undefined {
    const state = this.#states.get(queue)
    return state && { ...state, freeAt: this.#freeAt.get(queue) ?? 0 }
  }

  get restricted(): readonly string[] {
    return [...this.#states.values()].filter(isRestricted).map(({ queue }) => queue)
  }

  change(change: QueueChange): QueueChanged {
    const before = this.#states.get(change.queue)
    const after = changedQueue(before, change)
    this.#states.set(change.queue, after)
    return { before, after }
  }

  /** How much may be acquired; undefined where nothing may. `countRunning` is called where it matters. */
  roomOf(queue: string, limit: number, countRunning: () => ReadonlyMap<string, number>): QueueRoom | undefined {
    const state = this.#states.get(queue)
    if (!isRestricted(state)) return unlimitedRoom(limit)
    if (state!.pausedAt !== undefined) return undefined
    const limits = limitsOf(state)
    const running = limits.concurrency === undefined ? new Map<string, number>() : countRunning()
    return roomWithin(limits, running, { limit, freeAt: this.#freeAt.get(queue) ?? -Infinity, now: this.#now() })
  }

  /** So many of a queue begin now. */
  began(queue: string, count: number): void {
    const { rate } = limitsOf(this.#states.get(queue))
    if (rate === undefined || count === 0) return
    this.#freeAt.set(queue, freeAtAfter(rate, this.#freeAt.get(queue) ?? -Infinity, this.#now(), count))
  }
}
