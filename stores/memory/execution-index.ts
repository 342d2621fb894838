import { isTerminal } from '../../src/core/contracts/statuses.ts'
import type { ExecutionRecord } from '../../src/core/contracts/execution-record.ts'
import { ReadyIndex } from './ready-index.ts'

/** Where unfinished executions stand: looking for work reads nothing else. */
export class ExecutionIndex {
  /** What is still to begin and may. */
  readonly ready = new ReadyIndex()
  /** Others by owner; under '' those of nobody. What is parked is not among them. */
  readonly #unfinished = new Map<string, Set<string>>()
  readonly #parked = new Map<string, Set<string>>()
  /** Parked executions by the times at which they are due. */
  readonly #due = new Map<number, Set<string>>()
  /** Nothing that is parked is due before. */
  #firstDue = Infinity
  /** Those that may be overdue one day: ids by deadlines. */
  readonly #deadlines = new Map<number, Set<string>>()
  /** No deadline is before. */
  #firstDeadline = Infinity

  add(record: ExecutionRecord): void {
    const { id, owner = '', status, parkedAt, dueAt, deadline, queue } = record
    if (isTerminal(status)) return
    if (deadline !== undefined && status !== 'compensating') {
      addTo(this.#deadlines, deadline, id)
      this.#firstDeadline = Math.min(this.#firstDeadline, deadline)
    }
    if (parkedAt !== undefined) {
      addTo(this.#parked, queue, id)
      if (dueAt === undefined) return
      addTo(this.#due, dueAt, id)
      this.#firstDue = Math.min(this.#firstDue, dueAt)
      return
    }
    if (isToBegin(record)) this.ready.add(record)
    else addTo(this.#unfinished, owner, id)
  }

  delete(record: ExecutionRecord): void {
    const { id, owner = '', parkedAt, dueAt, deadline, queue } = record
    if (deadline !== undefined) deleteFrom(this.#deadlines, deadline, id)
    if (parkedAt !== undefined) {
      deleteFrom(this.#parked, queue, id)
      if (dueAt !== undefined) deleteFrom(this.#due, dueAt, id)
      return
    }
    if (isToBegin(record)) this.ready.delete(record)
    else deleteFrom(this.#unfinished, owner, id)
  }

  hasUnfinishedOf(owner: string): boolean {
    return this.#unfinished.has(owner)
  }

  /** By owner, '' for nobody: what has begun, or is somebody's, and is not parked. */
  get unfinished(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#unfinished
  }

  /** The queues that have something which is still to begin, or is parked. */
  queues(): Iterable<string> {
    return [...this.ready.queues, ...this.#parked.keys()]
  }

  parkedIn(queue: string): ReadonlySet<string> {
    return this.#parked.get(queue) ?? new Set()
  }

  /** What is parked and due: of the others, nothing is looked at. */
  *dueBy(now: number): Iterable<string> {
    if (now < this.#firstDue) return
    this.#firstDue = Infinity
    for (const [due, ids] of this.#due) {
      if (due <= now) yield* ids
      this.#firstDue = Math.min(this.#firstDue, due)
    }
  }

  overdue(before: number, limit: number): string[] {
    if (before <= this.#firstDeadline) return []
    const past: number[] = []
    this.#firstDeadline = Infinity
    for (const deadline of this.#deadlines.keys()) {
      this.#firstDeadline = Math.min(this.#firstDeadline, deadline)
      if (deadline < before) past.push(deadline)
    }
    past.sort((one, other) => one - other)
    return past.flatMap((deadline) => [...this.#deadlines.get(deadline)!]).slice(0, limit)
  }
}

/** Whether an execution is still to begin, and nobody's. */
export function isToBegin({ owner, status }: ExecutionRecord): boolean {
  return owner === undefined && status === 'pending'
}

function addTo<Key>(sets: Map<Key, Set<string>>, key: Key, id: string): void {
  const set = sets.get(key)
  if (set === undefined) sets.set(key, new Set([id]))
  else set.add(id)
}

function deleteFrom<Key>(sets: Map<Key, Set<string>>, key: Key, id: string): void {
  const set = sets.get(key)
  if (set?.delete(id) === true && set.size === 0) sets.delete(key)
}
