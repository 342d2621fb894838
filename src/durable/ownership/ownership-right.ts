import { LeaseLostError } from '../../core/errors.ts'
import type { ExecutionRecord, NewExecution } from '../../core/contracts/execution-record.ts'

/** The right to write an execution's records. */
export interface OwnershipRight {
  readonly id: string
  readonly owner: string
  readonly epoch: number
  /** How long processes before this one owned it. */
  readonly ownedMs: number
  /** Owners that died one after another without completing a step. */
  readonly recoveries: number
  readonly timeoutMs: number | undefined
  /** The queue from which processes acquire it. */
  readonly queue: string
  /** When it was created. */
  readonly createdAt: number
  /** When a process began it first; undefined where that is now. */
  readonly startedAt: number | undefined
  /** It did not begin before. */
  readonly startAt: number | undefined
  /** The execution that waits for its end; undefined where it is nobody's child. */
  readonly parent: string | undefined
  /** Where it stands in its queue: so do its children. */
  readonly place: Pick<ExecutionRecord, 'queue' | 'priority' | 'key'>
}

/** What says of a record under which right it is owned. */
export type OwnedRecord = Pick<NewExecution, 'id' | 'owner' | 'createdAt' | 'parent' | 'queue' | 'priority' | 'key'> &
  Pick<ExecutionRecord, 'epoch' | 'ownedMs' | 'recoveries' | 'startedAt' | 'startAt'>

export function ownershipRightOf(record: OwnedRecord, timeoutMs: number | undefined): OwnershipRight {
  const { id, owner, epoch, ownedMs, recoveries, createdAt, startedAt, startAt, parent, queue, priority, key } = record
  const place = { queue, priority, key }
  const times = { createdAt, startedAt, startAt }
  return { id, owner: owner!, epoch, ownedMs, recoveries, timeoutMs, queue, parent, place, ...times }
}

/** What is refused to a process that has lost its right; `step` is what it was about to write of. */
export function lostError({ id }: Pick<OwnershipRight, 'id'>, step?: string): LeaseLostError {
  return new LeaseLostError(
    `execution "${id}" is not this process's any more: nothing can be written${step === undefined ? '' : ` of step "${step}"`}`,
    { executionId: id, step },
  )
}
