import type { StepRecord } from '../../core/contracts/execution-record.ts'
import { isTerminalStep } from '../../core/contracts/statuses.ts'

/** Whether a record says that its step has not ended. */
export function isUnfinished({ status }: Pick<StepRecord, 'status'>): boolean {
  return !isTerminalStep(status)
}

/** The record of a step that has not ended, once its execution has. What its last attempt failed with is kept. */
export function closedRecord(record: StepRecord, at: number): StepRecord {
  return isUnfinished(record) ? { ...record, status: 'cancelled', endedAt: at, dueAt: undefined } : record
}

/** What becomes of an execution's records when it ends: those of steps that have not ended. */
export function closedRecords(records: readonly StepRecord[], at: number): readonly StepRecord[] {
  return records.filter(isUnfinished).map((record) => closedRecord(record, at))
}
