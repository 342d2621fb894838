/** Something that is due at a time. */
export class QueuedTimer {
  readonly dueAt: number
  /** Number in the order of setting: timers of one time fire in it. */
  readonly order: number
  readonly fire: () => void
  /** Place in the heap; -1 when it has fired or was cancelled. */
  position: number
  readonly #heap: TimerHeap

  constructor(heap: TimerHeap, dueAt: number, order: number, position: number, fire: () => void) {
    this.#heap = heap
    this.dueAt = dueAt
    this.order = order
    this.position = position
    this.fire = fire
  }

  cancel(): void {
    this.#heap.cancel(this)
  }
}

/** A binary heap of due times: adding and cancelling cost O(log n). */
export class TimerHeap {
  readonly #heap: QueuedTimer[] = []
  readonly #onEmpty: () => void
  #added = 0

  /** @param onEmpty called when the last one was cancelled */
  constructor(onEmpty: () => void) {
    this.#onEmpty = onEmpty
  }

  get size(): number {
    return this.#heap.length
  }

  /** The one that is due first. */
  get first(): QueuedTimer | undefined {
    return this.#heap[0]
  }

  add(dueAt: number, fire: () => void): QueuedTimer {
    const timer = new QueuedTimer(this, dueAt, this.#added++, this.#heap.length, fire)
    this.#heap.push(timer)
    this.#rise(timer)
    return timer
  }

  cancel({ position }: QueuedTimer): void {
    if (position === -1) return
    this.#remove(position)
    if (this.#heap.length === 0) this.#onEmpty()
  }

  /**
   * Fires those that are due by then. What the fired ones set comes another time, even if it is due: a step that always fails must not keep the
   * others out.
   */
  fireUntil(now: number): void {
    const end = this.#added
    for (let first = this.first; first !== undefined && first.dueAt <= now && first.order < end; first = this.first) {
      this.#remove(0)
      first.fire()
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
