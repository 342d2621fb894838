import { replaces } from '../../src/core/contracts/step-replacement.ts'
import type { StepRecord } from '../../src/core/contracts/execution-record.ts'

/** The step records of an execution, in the order in which they came: so a page of them costs the same wherever it begins. */
export class StepList {
  readonly #records: StepRecord[] = []
  readonly #places = new Map<string, number>()

  get size(): number {
    return this.#records.length
  }

  /** A write that was held up somewhere may come after a later one: what is completed stays. */
  put(record: StepRecord): void {
    const key = JSON.stringify([record.step, record.item])
    const place = this.#places.get(key)
    if (place === undefined) this.#places.set(key, this.#records.push(record) - 1)
    else if (replaces(record, this.#records[place])) this.#records[place] = record
  }

  slice(start: number, end: number): readonly StepRecord[] {
    return this.#records.slice(start, end)
  }
}
