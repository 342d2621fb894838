import { ExecutionConflictError, SerializationError } from '../../core/errors.ts'
import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import { executionStatuses } from '../../core/contracts/statuses.ts'
import type { ExecutionStatus, StepStatus } from '../../core/contracts/statuses.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import { detachedHash } from './graph-hash.ts'
import { headOfBatch, stepsOfBatch } from './restore-batch.ts'
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
  /** Why this process can't go on with it: its graph has changed, or its records are damaged. Empty where it can. */
  readonly incompatible: readonly string[]
  /** Whether `handle.detach()` took it out of the docket: it goes on elsewhere, or nowhere. Its status is `cancelled` then. */
  readonly isDetached: boolean
}

/** What a step waits for. */
export type StepWait =
  /** Until these steps have ended. */
  | { readonly kind: 'inputs'; readonly steps: readonly string[] }
  /** Until its next attempt is due. */
  | { readonly kind: 'retry'; readonly at: Date }
  /** Until another attempt of the same step gives its slot of `concurrency` back. */
  | { readonly kind: 'slot' }
  /** Until the store, or an equal call that makes the result, has answered. */
  | { readonly kind: 'result' }
  /** For the execution's owner, which alone knows what the step does; where that has died, for another process to go on. */
  | { readonly kind: 'owner' }

/** What is known of one step. */
export interface StepInfo {
  /** The step's name. */
  readonly step: string
  /** Key of the batch's item; empty outside batches, and for what the items share. */
  readonly item: string
  /** `unknown`: there is no record of it, so that the process that runs the execution alone knows. */
  readonly status: StepStatus | 'unknown'
  /** The current or last attempt; 0 before the first. */
  readonly attempt: number
  /** Its value, once completed or cached. */
  readonly output: unknown
  /** What its last attempt failed with. */
  readonly error: unknown
  /** When its first attempt began. */
  readonly startedAt: Date | undefined
  /** When it ended. */
  readonly endedAt: Date | undefined
  /** When the next attempt is due. */
  readonly dueAt: Date | undefined
  /** When it came into this state, where that is known. */
  readonly since: Date | undefined
  /** Why it does not go on: undefined for one that runs or has ended. */
  readonly waitsFor: StepWait | undefined
}

/** An execution with its steps. */
export interface ExecutionDetails extends ExecutionInfo {
  /**
   * Of an unfinished execution, every step of its plan: in the process that runs it as it is at this moment, elsewhere as far as the records
   * say. Of one that has ended, and of a batch, what is recorded.
   */
  readonly steps: readonly StepInfo[]
}

/** What a record says; of one that can't be read, what can be shown and why the rest can't. */
export async function infoOf(
  record: ExecutionRecord,
  encoding: ValueEncoding,
  incompatible: readonly string[] = [],
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
  return {
    id,
    graph,
    target,
    status,
    ...(await read(() => givenInputsOf(record, encoding), { inputs: {}, overrides: {} })),
    output: await read(
      () => decoded(record.output, (stored) => encoding.decode(stored, ['execution', id, 'output'])),
      undefined,
    ),
    error: await read(
      () => decoded(record.error, (stored) => encoding.decodeError(stored, ['execution', id, 'error'])),
      undefined,
    ),
    headers,
    owner,
    deadline: dateOf(deadline),
    createdAt: new Date(createdAt),
    startedAt: dateOf(startedAt),
    updatedAt: new Date(updatedAt),
    endedAt: dateOf(endedAt),
    incompatible: [...unreadable],
    isDetached: record.graphHash === detachedHash,
  }
}

async function givenInputsOf(
  record: ExecutionRecord,
  encoding: ValueEncoding,
): Promise<Pick<ExecutionInfo, 'inputs' | 'overrides'>> {
  if (record.kind === 'batch') {
    const { shared, overrides = {} } = await headOfBatch(record, encoding)
    return { inputs: shared, overrides }
  }
  const { $given, $overrides } = await readInputs(record, encoding)
  const [inputs, overrides] = split($given, $overrides)
  return { inputs, overrides }
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

export function unknownStatus({ id, status }: Pick<ExecutionRecord, 'id' | 'status'>): string {
  return `execution "${id}" has the status "${status}", which this version of docket does not know, and so does not go on with; use a newer version`
}

/** What the records of steps say; what a batch keeps besides is not shown. @throws SerializationError for one that can't be read */
export function stepInfosOf(
  { id, kind }: ExecutionRecord,
  steps: readonly StepRecord[],
  encoding: ValueEncoding,
): Promise<readonly StepInfo[]> {
  return Promise.all(
    (kind === 'batch' ? stepsOfBatch(steps) : steps).map(
      async ({ step, item, status, attempt, output, error, startedAt, endedAt, dueAt }) => ({
        step,
        item,
        status,
        attempt,
        output: await decoded(output, (stored) => encoding.decode(stored, ['step', id, step, item, 'output'])),
        error: await decoded(error, (stored) => encoding.decodeError(stored, ['step', id, step, item, 'error'])),
        startedAt: dateOf(startedAt),
        endedAt: dateOf(endedAt),
        dueAt: dateOf(dueAt),
        since: dateOf(endedAt ?? (status === 'running' ? startedAt : undefined)),
        waitsFor: status === 'retrying' && dueAt !== undefined ? { kind: 'retry', at: new Date(dueAt) } : undefined,
      }),
    ),
  )
}

function decoded(stored: StoredValue | undefined, decode: (stored: StoredValue) => unknown): unknown {
  return stored === undefined ? undefined : decode(stored)
}

function dateOf(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms)
}
