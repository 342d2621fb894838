import type { LogLine } from '../chaos-log.ts'

/** What is written is seen by others only when its transaction has ended: so long at most after it was stamped, where nobody is stopped. */
const unseenMs = 400

/** When processes were stopped: one that is in the middle of a transaction then keeps it open. */
export class Stops {
  /** By their beginnings; the ends of those that overlap are the same. */
  readonly #spans: (readonly [from: number, to: number])[] = []

  constructor(lines: readonly LogLine[]) {
    const open = new Map<string, number>()
    const spans: [number, number][] = []
    for (const { kind, worker, at } of lines) {
      if (kind === 'stopped') open.set(worker, at)
      if (kind !== 'continued' || !open.has(worker)) continue
      spans.push([open.get(worker)! - unseenMs, at + unseenMs])
      open.delete(worker)
    }
    for (const from of open.values()) spans.push([from - unseenMs, Infinity])
    spans.sort(([one], [other]) => one - other)
    for (const [from, to] of spans) {
      const last = this.#spans.at(-1)
      if (last === undefined || last[1] < from) this.#spans.push([from, to])
      else this.#spans[this.#spans.length - 1] = [last[0], Math.max(last[1], to)]
    }
  }

  /** By when a change is seen by all that was stamped then. */
  seenBy(at: number): number {
    return Math.max(at + unseenMs, this.#around(at)?.[1] ?? 0)
  }

  /** The earliest time from which a change may not be seen by some at another time. */
  unseenFrom(at: number): number {
    return Math.min(at - unseenMs, this.#around(at)?.[0] ?? Infinity)
  }

  /** Whether one was stopped at some time between two. */
  overlap(from: number, to: number): boolean {
    return this.#spans.some(([begin, end]) => begin <= to && end >= from)
  }

  #around(at: number): readonly [from: number, to: number] | undefined {
    return this.#spans.find(([from, to]) => from <= at && to >= at)
  }
}
