import type { StepRecord } from '../../core/contracts/execution-record.ts'
import { isTerminalStep } from '../../core/contracts/statuses.ts'
import { itemStep } from '../records/restore-batch.ts'
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
  readonly #stopped = new Map<string, StepRecord>()

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

  /**
   * A step was stopped by the end of its execution, or of its item. That is written with the end and not before: where the process dies in between, it goes on
   * elsewhere as it was, with its time, its attempts, and what it waits for.
   */
  stop(record: StepRecord): void {
    this.#stopped.set(placeOf(record), record)
  }

  /** These records, and before them those of stopped steps that are to be written with them: with `isOver` of all, otherwise of the items that these say have ended. */
  withStopped(records: readonly StepRecord[], isOver: boolean): readonly StepRecord[] {
    if (this.#stopped.size === 0) return records
    const items = new Set(records.flatMap(({ step, item }) => (step === itemStep ? [item] : [])))
    return [...[...this.#stopped.values()].filter(({ item }) => isOver || items.has(item)), ...records]
  }

  /** Records have been written. */
  written(records: readonly StepRecord[]): void {
    if (this.#records.size + this.#stopped.size === 0) return
    for (const record of records) {
      if (!isTerminalStep(record.status)) continue
      const key = placeOf(record)
      this.#records.delete(key)
      this.#stopped.delete(key)
    }
  }

  /** What is to be written of them where the execution is given up: attempts that run here were none. */
  givenUp(at: number): readonly StepRecord[] {
    return [...this.#records.values()].flatMap((record) =>
      record.status !== 'running' || this.#inherited.has(record) ? [] : [takenBack(record, at)],
    )
  }

  /** What is to be written of them at the execution's end, and then these records. */
  closed(at: number, besides: readonly StepRecord[]): readonly StepRecord[] {
    if (this.#records.size === 0) return besides
    const keys = new Set(besides.map(placeOf))
    const closed = [...this.#records].flatMap(([key, record]) => (keys.has(key) ? [] : [closedRecord(record, at)]))
    return [...closed, ...besides]
  }
}

/** A step as it was before its attempt began, as far as a record can say it. */
function takenBack(record: StepRecord, at: number): StepRecord {
  return record.attempt > 1
    ? { ...record, status: 'retrying', attempt: record.attempt - 1, dueAt: at }
    : { ...record, attempt: 0 }
}
