import { isRecord } from '../../core/is-record.ts'
import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import type { StepStatus } from '../../core/contracts/statuses.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import { split } from '../../runtime/inputs/given-inputs.ts'
import { readInputs } from './stored-inputs.ts'

/** What a migration sees and changes of an execution's records. */
export interface MigratableExecution {
  readonly id: string
  readonly graph: string
  readonly target: string
  /** Digest of the graph as it was. */
  readonly graphHash: string
  readonly machineVersion: number
  readonly inputs: Readonly<Record<string, unknown>>
  /** Values that were given for types that steps made; absent where there are none. */
  readonly overrides?: Readonly<Record<string, unknown>> | undefined
  /** Completed steps by name: rename them, change their values, or leave them out to run them again. */
  readonly steps: Readonly<Record<string, MigratableStep>>
}

export interface MigratableStep {
  /** Name and declared version of the output's data type. */
  readonly type: string
  readonly typeVersion: string | undefined
  readonly output: unknown
}

/**
 * Makes the records of an older version of a graph fit; undefined where it can't. Not called for batches: they go on if their records
 * fit as they are.
 */
export type MigrateHook = (execution: MigratableExecution) => MigratableExecution | undefined

/** What a migration made, as records again. */
export interface MigratedRecords {
  readonly execution: ExecutionRecord
  readonly steps: readonly StepRecord[]
}

/** In the place of a type's name: the record is of a step that a migration has left out. Stores take no record away. */
export const droppedType = ''

const done: ReadonlySet<StepStatus> = new Set(['completed', 'cached'])

/** Runs a hook over an execution's records; undefined where the hook declines, and for a batch. */
export async function migrateRecords(
  hook: MigrateHook,
  execution: ExecutionRecord,
  steps: readonly StepRecord[],
  encoding: ValueEncoding,
): Promise<MigratedRecords | undefined> {
  if (execution.kind === 'batch') return undefined
  const { id, graph, target, graphHash, machineVersion } = execution
  const { $checked, $overrides } = await readInputs(execution, encoding)
  const [inputs, overrides] = split($checked, $overrides)
  const known: Record<string, MigratableStep> = {}
  for (const { step, item, status, type, typeVersion, output } of steps)
    if (done.has(status))
      known[step] = { type, typeVersion, output: await encoding.decode(output!, ['step', id, step, item, 'output']) }
  const migrated = hook({
    id,
    graph,
    target,
    graphHash,
    machineVersion,
    inputs,
    ...($overrides.length > 0 && { overrides }),
    steps: known,
  })
  if (migrated === undefined) return undefined
  const overriding = isRecord(migrated) ? (migrated.overrides ?? {}) : {}
  if (!isRecord(migrated) || !isRecord(migrated.inputs) || !isRecord(overriding) || !isRecord(migrated.steps))
    throw new TypeError(
      `the migration of graph "${graph}" must return { …execution, target, inputs, steps } or undefined`,
    )
  const records: StepRecord[] = []
  for (const [step, { type, typeVersion, output }] of Object.entries(migrated.steps)) {
    const old = steps.find((record) => record.step === step) ?? steps.find((record) => record.type === type)
    records.push({
      ...(old ?? blank),
      step,
      item: '',
      status: 'completed',
      type,
      typeVersion,
      inputHash: undefined,
      output: await encoding.encode(output, ['step', id, step, '', 'output']),
      error: undefined,
    })
  }
  const overridden = Object.keys(overriding)
  const fitting = {
    ...migrated.inputs,
    ...overriding,
    ...(overridden.length > 0 && { $overrides: overridden }),
  }
  return {
    execution: {
      ...execution,
      target: migrated.target,
      inputs: await encoding.encode(fitting, ['execution', id, 'inputs']),
    },
    steps: records,
  }
}

const blank = { attempt: 1, startedAt: undefined, endedAt: undefined, dueAt: undefined }
