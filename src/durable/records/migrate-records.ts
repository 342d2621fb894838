import { isRecord } from '../../core/is-record.ts'
import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import { describe } from '../../core/check-options.ts'
import type { First } from '../../core/language/race.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import { isTerminalStep, stepStatuses } from '../../core/contracts/statuses.ts'
import type { StepStatus } from '../../core/contracts/statuses.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { Turn } from '../../runtime/environment/turn.ts'
import { split } from '../../runtime/inputs/given-inputs.ts'
import { dateOf } from './date-of.ts'
import { firstOf } from './race-winner.ts'
import { decodePresent, readInputs } from './stored-inputs.ts'
import { namesAfterMigration } from './stored-names.ts'
import { closedRecord } from './unfinished-records.ts'
import { movedAttempts } from './attempt-history.ts'

/** What a migration sees of an execution's records. */
export interface MigratableExecution {
  /** The execution's id. */
  readonly id: string
  /** The graph's name. */
  readonly graph: string
  /** The target type's name. */
  readonly target: string
  /** Digest of the graph as it was. */
  readonly graphHash: string
  /** Version of the records and life cycles that wrote it. */
  readonly machineVersion: number
  /** By type name, as they were given. */
  readonly inputs: Readonly<Record<string, unknown>>
  /** Values that were given for types that steps made; absent where there are none. */
  readonly overrides?: Readonly<Record<string, unknown>> | undefined
  /** All steps of which there is a record, by name. */
  readonly steps: Readonly<Record<string, MigratableStep>>
}

/** The record of a step, as a migration sees it. */
export interface MigratableStep {
  /** A step that is `running`, `retrying`, `queued` or `waiting` has begun and not ended: its effects may have happened. */
  readonly status: StepStatus
  /** The current or last attempt; 0 before the first. */
  readonly attempt: number
  /** Name of the output's data type. */
  readonly type: string
  /** The declared version of that type, if there is one. */
  readonly typeVersion: string | undefined
  /** Of a completed or cached step. */
  readonly output: unknown
  /** What the last attempt failed with. */
  readonly error: unknown
  /** When its first attempt began. */
  readonly startedAt: Date | undefined
  /** When it ended. */
  readonly endedAt: Date | undefined
  /** When the next attempt is due. */
  readonly dueAt: Date | undefined
  /** What came first, of a race that is decided and has no value yet; absent otherwise. It stays the winner where a migration keeps it. */
  readonly first?: First | undefined
}

/** A record that a migration gives: one that it has seen, with changes, or a new one. */
export type MigratedStep = Pick<MigratableStep, 'type' | 'typeVersion' | 'output'> &
  // A record that is made by hand is of a completed step, in its first attempt.
  Partial<Omit<MigratableStep, 'type' | 'typeVersion' | 'output'>>

/** What a migration makes of an execution's records. */
export interface MigratedExecution extends Omit<MigratableExecution, 'steps'> {
  /**
   * By name: rename them, change their values, or leave them out. A step that is left out begins anew when it is needed, with its first
   * attempt; one that keeps its status goes on from there.
   */
  readonly steps: Readonly<Record<string, MigratedStep>>
}

/**
 * Makes the records of an older version of a graph fit; undefined where it can't. Not called for batches: they go on if their records
 * fit as they are.
 */
export type MigrateHook = (execution: MigratableExecution) => MigratedExecution | undefined

/** What a migration made, as records again. */
export interface MigratedRecords {
  readonly execution: ExecutionRecord
  readonly steps: readonly StepRecord[]
  /** Present names of steps by those that they had before, where that is another one. */
  readonly renamed: ReadonlyMap<string, string>
}

/** In the place of a type's name: the record is of a step that a migration has left out. Stores take no record away. */
export const droppedType = ''

/** A record that stands for none any more. */
export function droppedRecord(record: StepRecord, at: number): StepRecord {
  return {
    ...closedRecord(record, at),
    type: droppedType,
    typeVersion: undefined,
    output: undefined,
    error: undefined,
    attempts: undefined,
  }
}

const done: ReadonlySet<StepStatus> = new Set(['completed', 'cached'])

/** Runs a hook over an execution's records; undefined where the hook declines, and for a batch. */
export async function migrateRecords(
  hook: MigrateHook,
  execution: ExecutionRecord,
  steps: readonly StepRecord[],
  encoding: ValueEncoding,
  turn: Turn,
): Promise<MigratedRecords | undefined> {
  if (execution.kind === 'batch') return undefined
  const { id, graph, target, graphHash, machineVersion } = execution
  const stored = await readInputs(execution, encoding)
  const { $checked, $overrides, $names, $signals, $waits, $limits, $drawing, $onWorkerLoss, $sensitive } = stored
  const [inputs, overrides] = split($checked, $overrides)
  const known: Record<string, MigratableStep> = {}
  const byStep = new Map<string, StepRecord>()
  const byType = new Map<string, StepRecord>()
  for (const record of steps) {
    if (turn.mustYield()) await turn.next()
    known[record.step] = await migratableOf(id, record, encoding)
    if (!byStep.has(record.step)) byStep.set(record.step, record)
    if (!byType.has(record.type)) byType.set(record.type, record)
  }
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
  const renamed = new Map<string, string>()
  for (const [step, made] of Object.entries(migrated.steps)) {
    if (turn.mustYield()) await turn.next()
    const { type, typeVersion, output, error, first } = made
    const old = byStep.get(step) ?? byType.get(type)
    const { status = 'completed', attempt = old?.attempt ?? 1 } = made
    const startedAt = made.startedAt?.getTime() ?? old?.startedAt
    const endedAt = made.endedAt?.getTime() ?? old?.endedAt ?? execution.updatedAt
    if (!stepStatuses.includes(status))
      throw new TypeError(
        `the migration of graph "${graph}" gave step "${step}" the status ${describe(status)}; known are ${stepStatuses.join(', ')}`,
      )
    if (old !== undefined && !Object.hasOwn(migrated.steps, old.step)) renamed.set(old.step, step)
    const value = done.has(status) ? { stored: output } : first === undefined ? undefined : { stored: { ...first } }
    const isUnderWay = value === undefined && !isTerminalStep(status) && old !== undefined
    const kept =
      isUnderWay && known[old.step]!.first === undefined ? await keptState(id, old, step, encoding) : undefined
    records.push({
      step,
      item: '',
      status,
      attempt,
      type,
      typeVersion,
      // What its inputs were is not known of a record that was changed.
      inputHash: undefined,
      output: value === undefined ? kept : await encoding.encode(value.stored, ['step', id, step, '', 'output']),
      error: error === undefined ? undefined : await encoding.encodeError(error, ['step', id, step, '', 'error']),
      attempts: await movedAttempts(
        old?.attempts,
        ['step', id, old?.step ?? step, '', 'attempts'],
        ['step', id, step, '', 'attempts'],
        encoding,
      ),
      queuedAt: old?.queuedAt,
      startedAt,
      endedAt: isTerminalStep(status) ? endedAt : undefined,
      dueAt: made.dueAt?.getTime(),
    })
  }
  const overridden = Object.keys(overriding)
  const names = namesAfterMigration($names, renamed)
  const fitting = {
    ...migrated.inputs,
    ...overriding,
    ...(overridden.length > 0 && { $overrides: overridden }),
    ...(names !== undefined && { $names: names }),
    ...($signals !== undefined && { $signals }),
    ...($waits !== undefined && { $waits }),
    ...($sensitive !== undefined && { $sensitive }),
    ...($limits !== undefined && { $limits }),
    ...($drawing !== undefined && { $drawing }),
    ...($onWorkerLoss !== undefined && { $onWorkerLoss }),
  }
  return {
    execution: {
      ...execution,
      target: migrated.target,
      inputs: await encoding.encode(fitting, ['execution', id, 'inputs']),
    },
    steps: records,
    renamed,
  }
}

/** What a step that has not ended has on record beside its status, for the place that it has after the migration: what its machine is at, or the key of the event that it waits for. */
async function keptState(
  id: string,
  { step: from, output, status }: StepRecord,
  to: string,
  encoding: ValueEncoding,
): Promise<StoredValue | undefined> {
  if (output === undefined || isTerminalStep(status)) return undefined
  return encoding.encode(await encoding.decode(output, ['step', id, from, '', 'output']), [
    'step',
    id,
    to,
    '',
    'output',
  ])
}

async function migratableOf(id: string, record: StepRecord, encoding: ValueEncoding): Promise<MigratableStep> {
  const { step, item, status, attempt, type, typeVersion, output, error, startedAt, endedAt, dueAt } = record
  const identity = ['step', id, step, item]
  const value = output === undefined ? undefined : await decodePresent(output, [...identity, 'output'], encoding)
  const first = done.has(status) ? undefined : firstOf(value)
  return {
    status,
    attempt,
    type,
    typeVersion,
    output: done.has(status) ? value : undefined,
    ...(first !== undefined && { first }),
    error: error === undefined ? undefined : await encoding.decodeError(error, [...identity, 'error']),
    startedAt: dateOf(startedAt),
    endedAt: dateOf(endedAt),
    dueAt: dateOf(dueAt),
  }
}
