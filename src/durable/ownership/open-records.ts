import type { StepRecord } from '../../core/contracts/execution-record.ts'
import { isTerminalStep } from '../../core/contracts/statuses.ts'
import { closedRecord, isUnfinished } from '../records/unfinished-records.ts'

/**
 * The records of an execution that say in the store that a step has not ended, with what is on its way there: when the execution ends, none
 * of them may stay as it is, whether the note of the step's end was lost, the step never begins again, or the graph has no such step.
 */
export class OpenRecords {
  readonly #records = new Map<string, StepRecord>()

  constructor(records: readonly StepRecord[]) {
    for (const record of records) this.#records.set(keyOf(record), record)
  }

  /** A record is on its way. */
  add(record: StepRecord): void {
    const key = keyOf(record)
    if (isUnfinished(record) || this.#records.has(key)) this.#records.set(key, record)
  }

  /** Records have been written. */
  written(records: readonly StepRecord[]): void {
    if (this.#records.size === 0) return
    for (const record of records) if (isTerminalStep(record.status)) this.#records.delete(keyOf(record))
  }

  /** What is to be written of them at the execution's end, besides these records. */
  closed(at: number, besides: readonly StepRecord[]): readonly StepRecord[] {
    if (this.#records.size === 0) return []
    const keys = new Set(besides.map(keyOf))
    return [...this.#records].flatMap(([key, record]) => (keys.has(key) ? [] : [closedRecord(record, at)]))
  }
}

function keyOf({ step, item }: StepRecord): string {
  return JSON.stringify([step, item])
}
