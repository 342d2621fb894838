import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { PastAttempt } from '../../runtime/execution/past-attempt.ts'
import { attemptsMade, encodeAttempts } from './attempt-history.ts'
import { droppedType } from './migrate-records.ts'

/** Whether an execution that has ended, and begins again, tries this step anew: it has begun, and has no value. */
export function isTriedAnew({ status, type }: StepRecord): boolean {
  return status !== 'completed' && status !== 'cached' && status !== 'pending' && type !== droppedType
}

/** How a step was tried that begins anew. */
export async function attemptsBefore(
  id: string,
  record: StepRecord,
  encoding: ValueEncoding,
): Promise<readonly PastAttempt[]> {
  const { step, item, error } = record
  const identity = ['step', id, step, item]
  const thrown = error === undefined ? undefined : await encoding.decodeError(error, [...identity, 'error'])
  return attemptsMade(record, thrown, [...identity, 'attempts'], encoding)
}

/**
 * The record of a step that is tried anew, as it is once its execution has begun again: whoever goes on with that must not take what became of the step in the life
 * before for what became of it in this one. What won a race, and a state that is data, stay.
 */
export async function retriedRecord(
  id: string,
  record: StepRecord,
  tried: readonly PastAttempt[],
  encoding: ValueEncoding,
): Promise<StepRecord> {
  const { step, item } = record
  const attempts =
    tried.length === 0 ? undefined : await encodeAttempts(tried, ['step', id, step, item, 'attempts'], encoding)
  const times = { queuedAt: undefined, startedAt: undefined, endedAt: undefined, dueAt: undefined }
  return { ...record, status: 'pending', attempt: 0, error: undefined, attempts, ...times }
}

/** The records of several such steps. */
export function retriedRecords(
  id: string,
  records: readonly StepRecord[],
  encoding: ValueEncoding,
): Promise<readonly StepRecord[]> {
  return Promise.all(
    records.map(async (record) => retriedRecord(id, record, await attemptsBefore(id, record, encoding), encoding)),
  )
}
