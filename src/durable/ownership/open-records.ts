import type { StepRecord } from '../../core/contracts/execution-record.ts'
import { isTerminalStep } from '../../core/contracts/statuses.ts'
import { closedRecord, isUnfinished } from '../records/unfinished-records.ts'
import { placeOf } from '../records/step-place.ts'

/**
 * The records of an execution that say in the store that a step has not ended, with what is on its way there: when the execution ends, none
 * of them may stay as it is, whether the note of the step's end was lost, the step never begins again, or the graph has no such step.
 */
export class OpenRecords {
  readonly #records = new Map<string, StepRecord>()
  /** Those of an earlier life that are as it left them. */
  readonly #inherited: ReadonlySet<StepRecord>

  constructor(records: readonly StepRecord[]) {
    this.#inherited = new Set(records)
    for (const record of records) this.#records.set(placeOf(record), record)
  }

  /** A record is on its way. */
  add(record: StepRecord): void {
    const key = placeOf(record)
    if (isUnfinished(record) || this.#records.has(key)) this.#records.set(key, record)
  }

  /** Whether the last that was written or is on its way says that the step has not ended. */
  has(step: Pick<StepRecord, 'step' | 'item'>): boolean {
    const record = this.#records.get(placeOf(step))
    return record !== undefined && isUnfinished(record)
  }

  /** Records have been written. */
  written(records: readonly StepRecord[]): void {
    if (this.#records.size === 0) return
    for (const record of records) if (isTerminalStep(record.status)) this.#records.delete(placeOf(record))
  }

  /** What is to be written of them where the execution is given up: attempts that run here were none. */
  givenUp(at: number): readonly StepRecord[] {
    return [...this.#records.values()].flatMap((record) =>
      record.status !== 'running' || this.#inherited.has(record) ? [] : [takenBack(record, at)],
    )
  }

  /** What is to be written of them at the execution's end, besides these records. */
  closed(at: number, besides: readonly StepRecord[]): readonly StepRecord[] {
    if (this.#records.size === 0) return []
    const keys = new Set(besides.map(placeOf))
    return [...this.#records].flatMap(([key, record]) => (keys.has(key) ? [] : [closedRecord(record, at)]))
  }
}

/** A step as it was before its attempt began, as far as a record can say it. */
function takenBack(record: StepRecord, at: number): StepRecord {
  return record.attempt > 1
    ? { ...record, status: 'retrying', attempt: record.attempt - 1, dueAt: at }
    : { ...record, attempt: 0 }
}
