import { ExecutionConflictError, LeaseLostError, SerializationError } from '../../core/errors.ts'
import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import { executionStatuses } from '../../core/contracts/statuses.ts'
import type { ExecutionStatus } from '../../core/contracts/statuses.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { ActInfo } from './act-info.ts'
import type { BatchInfo } from './batch-info.ts'
import type { ChildInfo } from './child-info.ts'
import { dateOf } from './date-of.ts'
import { isDetached } from './graph-hash.ts'
import type { LeaseInfo } from './lease-info.ts'
import type { StepInfo, StepWait } from './step-info.ts'
import { headOfBatch } from './batch-head.ts'
import { allSensitive, sensitiveNamesOf } from './sensitive-types.ts'
import { readInputs } from './stored-inputs.ts'
import { split } from '../../runtime/inputs/given-inputs.ts'

/** What is known of a durable execution. */
export interface ExecutionInfo {
  /** The execution's id. */
  readonly id: string
  /** The graph's name. */
  readonly graph: string
  /** The target type's name. */
  readonly target: string
  /** Where it is in its life. */
  readonly status: ExecutionStatus
  /** As they were given; of a batch, what was given once in `shared`. */
  readonly inputs: Readonly<Record<string, unknown>>
  /** Values that were given for types that steps make. */
  readonly overrides: Readonly<Record<string, unknown>>
  /** The target's value, of a completed one. */
  readonly output: unknown
  /** Of a failed or cancelled one. */
  readonly error: unknown
  /** What the caller gave as `headers`. */
  readonly headers: Readonly<Record<string, string>>
  /** The queue that it waits in. */
  readonly queue: string
  /** Higher ones of its queue and key begin first. */
  readonly priority: number
  /** The key that it is in turn with; absent where it has none. */
  readonly key?: string | undefined
  /** When it begins at the earliest; absent where nothing was said. */
  readonly startAt?: Date | undefined
  /** The process that runs it, or ran it last. */
  readonly owner: string | undefined
  /** When it ends at the latest. */
  readonly deadline: Date | undefined
  /** When it was started by a caller. */
  readonly createdAt: Date
  /** When a process began it first. */
  readonly startedAt: Date | undefined
  /** When it was written last. */
  readonly updatedAt: Date
  /** When it completed, failed or was cancelled. */
  readonly endedAt: Date | undefined
  /** Why this process can't go on with it: its graph has changed, or its records are damaged, or went through codecs that are not here; values that can't be read are undefined then. Empty where it can. */
  readonly incompatible: readonly string[]
  /** Whether `handle.detach()` took it out of the docket: it goes on elsewhere, or nowhere. Its status is `cancelled` then. */
  readonly isDetached: boolean
  /** Names of its types that are declared `sensitive`: tools show no value of them. */
  readonly sensitive: readonly string[]
  /** The execution that it is a child of; absent where there is none. */
  readonly parent?: string | undefined
  /** The execution that it was forked from; absent where there is none. */
  readonly forkedFrom?: string | undefined
}

/** An execution with its steps. */
export interface ExecutionDetails extends ExecutionInfo {
  /** The process that has the right to run it; undefined where none has: it has ended, was given up, or has not begun. */
  readonly lease: LeaseInfo | undefined
  /** Of one that nobody runs: the limits of its queue that keep it from beginning, or going on. Undefined where none does, or where it waits for something else first. */
  readonly waitsFor: Extract<StepWait, { readonly kind: 'limit' }> | undefined
  /** In a sentence for people: which process runs it, or why none does and which one will. */
  readonly situation: string
  /** What became of the items of a batch; undefined for an execution. */
  readonly batch: BatchInfo | undefined
  /**
   * Every step of the plan: in the process that runs it as it is at this moment, elsewhere, or where it has ended, as far as the records show. Of
   * an execution whose graph this process does not know, what is recorded; of a batch, what all items share, and the items in `batch.items`.
   */
  readonly steps: readonly StepInfo[]
  /** The executions that its steps have begun, the newest first, a hundred at the most: `docket.list({ parent })` has all of them. */
  readonly children: readonly ChildInfo[]
  /** What people did to it, the newest first, 25 at the most: `docket.acts.list({ execution })` has all of it. */
  readonly acts: readonly ActInfo[]
}

/** What a record says; of one that can't be read, what can be shown and why the rest can't. */
export async function infoOf(
  record: ExecutionRecord,
  encoding: ValueEncoding,
  incompatible: readonly string[] = [],
  present?: AnyGraph,
): Promise<ExecutionInfo> {
  const { id, graph, target, status, headers, owner, deadline, createdAt, startedAt, updatedAt, endedAt } = record
  const unreadable = new Set(incompatible)
  if (!isKnown(status)) unreadable.add(unknownStatus(record))
  const read = async <Value>(part: () => Value | Promise<Value>, instead: Value): Promise<Value> => {
    try {
      return await part()
    } catch (error) {
      if (!(error instanceof SerializationError)) throw error
      unreadable.add(error.message)
      return instead
    }
  }
  const nothing = { inputs: {}, overrides: {}, marked: [] }
  const { inputs, overrides, marked } = await read(() => givenInputsOf(record, encoding), nothing)
  return {
    id,
    graph,
    target,
    status,
    inputs,
    overrides,
    output: await read(
      () => decoded(record.output, (stored) => encoding.decode(stored, ['execution', id, 'output'])),
      undefined,
    ),
    error: await read(
      () => decoded(record.error, (stored) => encoding.decodeError(stored, ['execution', id, 'error'])),
      undefined,
    ),
    headers,
    queue: record.queue,
    priority: record.priority,
    ...(record.key !== '' && { key: record.key }),
    ...(record.startAt !== undefined && { startAt: new Date(record.startAt) }),
    owner,
    deadline: dateOf(deadline),
    createdAt: new Date(createdAt),
    startedAt: dateOf(startedAt),
    updatedAt: new Date(updatedAt),
    endedAt: dateOf(endedAt),
    incompatible: [...unreadable],
    isDetached: isDetached(record),
    sensitive: allSensitive(marked, present),
    ...(record.parent !== undefined && { parent: record.parent }),
    ...(record.forkedFrom !== undefined && { forkedFrom: record.forkedFrom }),
  }
}

async function givenInputsOf(
  record: ExecutionRecord,
  encoding: ValueEncoding,
): Promise<Pick<ExecutionInfo, 'inputs' | 'overrides'> & { readonly marked: readonly string[] }> {
  if (record.kind === 'batch') {
    const head = await headOfBatch(record, encoding)
    return { inputs: head.shared, overrides: head.overrides ?? {}, marked: sensitiveNamesOf(head) }
  }
  const { $given, $overrides, $sensitive = [] } = await readInputs(record, encoding)
  const [inputs, overrides] = split($given, $overrides)
  return { inputs, overrides, marked: $sensitive }
}

/** Whether this version knows the status: a newer one may have written it, or somebody by hand. */
export function isKnown(status: ExecutionStatus): boolean {
  return executionStatuses.includes(status)
}

export function noSuchExecution(id: string): ExecutionConflictError {
  return new ExecutionConflictError(`there is no execution "${id}": it was deleted, or never started`, {
    executionId: id,
  })
}

export function notCommitted(id: string): ExecutionConflictError {
  return new ExecutionConflictError(
    `execution "${id}" is not there: the transaction in which it was started was rolled back, or has not been committed yet (ask for it once it is), or it was deleted since`,
    { executionId: id },
  )
}

/** What a caller gets whose execution was lost before its end was written, while the store can't be reached. */
export function endUnknown(id: string, cause: unknown): LeaseLostError {
  const message = `it is not known how execution "${id}" ends: this process was cut off from its store for longer than its lease before an end was written, and another one may go on with it; it has not failed by that. Ask again when the store can be reached: (await docket.get(${JSON.stringify(id)})).result()`
  return new LeaseLostError(message, { executionId: id }, { cause })
}

export function unknownStatus({ id, status }: Pick<ExecutionRecord, 'id' | 'status'>): string {
  return `execution "${id}" has the status "${status}", which this version of docket does not know, and so does not go on with; use a newer version`
}

function decoded(stored: StoredValue | undefined, decode: (stored: StoredValue) => unknown): unknown {
  return stored === undefined ? undefined : decode(stored)
}
