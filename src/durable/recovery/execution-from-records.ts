import type { AnyGraph } from '../../core/graph/graph-index.ts'
import type { ExecutionRecord, NewExecution, StepRecord } from '../../core/contracts/store.ts'
import type { GivenInputs } from '../../runtime/inputs/given-inputs.ts'
import type { DurableRuntime } from '../context/docket-context.ts'
import type { OwnershipRight } from '../ownership/execution-recorder.ts'
import type { StartOptions, CallerOptions } from '../start/execution-request.ts'
import { OwnedExecution } from '../ownership/owned-execution.ts'
import { restoreExecution } from '../records/restore-execution.ts'
import type { RestoredExecution, ResumeCause } from '../records/restore-execution.ts'
import type { Live } from '../ownership/ownership.ts'

/** What tells of an owner's right to an execution. */
export type OwnedRecord = Pick<NewExecution, 'id' | 'owner'> &
  Pick<ExecutionRecord, 'epoch' | 'ownedMs' | 'recoveries' | 'startedAt'>

/** Something that its records bring back to life, or why they don't. */
export type Revival =
  | {
      /** Steps whose results were found. */
      readonly restored: number
      live(record: OwnedRecord, watch?: CallerOptions): Live & { start(): void; readonly written?: Promise<void> }
    }
  | { readonly reasons: readonly string[] }

/** Puts an execution together from its records. @throws SerializationError for damaged ones */
export async function reviveExecution(
  runtime: DurableRuntime,
  record: ExecutionRecord,
  steps: readonly StepRecord[],
  graph: AnyGraph,
  cause: ResumeCause,
): Promise<Revival> {
  const restored = await restoreExecution(record, steps, graph, runtime.connection.encoding, cause)
  if ('reasons' in restored) return restored
  const { plan, leafValues, inputs, persisted } = restored
  const { id, asked, headers, timeoutMs, deadline } = record
  return {
    restored: [...persisted.steps.values()].filter(({ endedAt }) => endedAt !== undefined).length,
    live: (owned, watch) =>
      executionOf(runtime, {
        given: { plan, leafValues },
        input: inputs,
        asked,
        startOptions: { ...watch, id, headers, timeout: timeoutMs, deadline },
        record: owned,
        restored,
      }),
  }
}

/** An execution that this process owns, ready to start. */
export function executionOf(
  runtime: DurableRuntime,
  parts: {
    readonly given: GivenInputs
    readonly input: unknown
    readonly asked: string
    readonly startOptions: StartOptions & { readonly id: string }
    readonly record: OwnedRecord
    readonly restored: RestoredExecution | undefined
  },
): OwnedExecution {
  const { given, input, asked, startOptions, record, restored } = parts
  const options = runtime.optionsOf(given.plan, startOptions)
  return new OwnedExecution({
    connection: runtime.connection,
    given,
    input,
    asked,
    options: { ...options, spentMs: record.ownedMs },
    setup: runtime.setup,
    right: ownershipRightOf(record, options.timeoutMs),
    startedAt: record.startedAt,
    restored,
    onRefused: () => runtime.arrivals.doubt(),
    onGone: (gone) => runtime.leave(gone),
  })
}

export function ownershipRightOf(
  { id, owner, epoch, ownedMs, recoveries }: OwnedRecord,
  timeoutMs: number | undefined,
): OwnershipRight {
  return { id, owner: owner!, epoch, ownedMs, recoveries, timeoutMs }
}
