import type { ExecutionCommit, ExecutionRecord, HeadChange } from './execution-record.ts'

type Parked = Pick<ExecutionRecord, 'parkedAt' | 'dueAt' | 'waitsFor'>

/** What an execution's record has that is not parked, or not any more. */
export const unparked: Parked = { parkedAt: undefined, dueAt: undefined, waitsFor: undefined }

/** What a commit changes of the execution itself, parking included. A due time is never earlier than it was given. */
export function headOf({ head, park, at }: ExecutionCommit): (HeadChange & Partial<Parked>) | undefined {
  if (park === undefined) return head
  const dueAt = park.dueAt === undefined ? undefined : Math.ceil(park.dueAt)
  return { ...head, isReleased: true, parkedAt: at, dueAt, waitsFor: park.waitsFor }
}
