import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { First } from '../../core/language/race.ts'
import { canonicalize, digest } from '../../core/values/keys.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import { markOfPort } from '../records/race-winner.ts'
import type { StepRun } from '../../runtime/execution/step-run.ts'

/** The record of a step that lives here, as it is now. */
export function recordOfRun(
  run: StepRun,
  status: StepRecord['status'],
  inputHash: string | undefined,
  { output, error, endedAt, dueAt, attempts }: Pick<StepRecord, 'output' | 'error' | 'endedAt' | 'dueAt' | 'attempts'>,
): StepRecord {
  const { output: type } = run.planStep.spec
  const queuedAt = run.extras?.queuedAt
  return {
    step: run.step,
    item: itemOf(run),
    status,
    attempt: run.attempt,
    inputHash,
    type: type.name,
    typeVersion: type.version,
    output,
    error,
    attempts,
    // Most begin at once.
    queuedAt: queuedAt === run.startedAt ? undefined : queuedAt,
    startedAt: run.startedAt,
    endedAt,
    dueAt,
  }
}

/** The input hash of a step; undefined where its inputs have no canonical form. */
export function inputHashOf(
  { inputs, first }: Pick<StepRun, 'inputs' | 'first'>,
  encoding: ValueEncoding,
): string | undefined {
  return first === undefined ? hashOf(inputs, encoding) : hashOfFirst(first, encoding)
}

/** The input hash of a race of which this came first. It begins with what says which port that was: once a race has its value, nothing else does. */
export function hashOfFirst(first: First, encoding: ValueEncoding): string {
  return markOfPort(first.port) + (hashOf({ ...first }, encoding) ?? '')
}

function hashOf(inputs: Readonly<Record<string, unknown>>, encoding: ValueEncoding): string | undefined {
  try {
    return encoding.resultKey(digest(canonicalize(inputs)))
  } catch {
    return undefined
  }
}

/** The key of the batch's item that the step is of; empty outside batches. */
export function itemOf(run: StepRun): string {
  return run.execution.setup.itemKey ?? ''
}

/** Which field of which step's record a stored value is: none can be moved to another place. */
export function identityOf(
  executionId: string,
  run: StepRun,
  field: 'output' | 'error' | 'attempts',
): readonly string[] {
  return ['step', executionId, run.step, itemOf(run), field]
}
