import type { ExecutionRecord, NewExecution } from './execution-record.ts'
import { unparked } from './parking.ts'

/** The record that an execution begins with, in every store that keeps whole records. */
export function firstRecord(given: NewExecution): ExecutionRecord {
  const { steps: _, checkpoints: __, sequence: ___, ...created } = given
  return {
    ...created,
    status: created.startedAt === undefined ? 'pending' : 'running',
    output: undefined,
    error: undefined,
    errorCode: undefined,
    epoch: created.owner === undefined ? 0 : 1,
    recoveries: 0,
    ownedMs: 0,
    updatedAt: created.createdAt,
    endedAt: undefined,
    ...(created.owner === undefined && created.startAt !== undefined
      ? { parkedAt: created.createdAt, dueAt: Math.ceil(created.startAt), waitsFor: undefined }
      : unparked),
  }
}
