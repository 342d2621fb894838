import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { Plan } from '../../core/graph/plan.ts'
import { takersOf } from '../../core/graph/plan.ts'
import { isSensitiveType } from '../../core/graph/sensitivity.ts'
import { encodedValue } from '../../core/values/value-encoding.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { Execution } from '../../runtime/execution/execution.ts'
import type { StepRun } from '../../runtime/execution/step-run.ts'
import { statusOf } from '../../runtime/execution/step-status.ts'
import { attemptsOfRun } from './attempts-of-run.ts'
import { identityOf, recordOfRun } from './record-of-run.ts'

/**
 * Records of steps that are not persisted, as a parked execution needs them: values and failures that something unfinished takes, and attempts that are
 * counted; of these, those that are wanted. With them nothing that has ended runs again. @throws SerializationError for what can't be stored
 */
export async function parkedValues(
  execution: Execution,
  encoding: ValueEncoding,
  isWanted: (run: StepRun) => boolean = () => true,
): Promise<readonly StepRecord[]> {
  const { plan, runs, id } = execution
  const records: StepRecord[] = []
  for (const run of runs) {
    if (run === undefined || run.planStep.spec.kind === 'value') continue
    if (execution.persistOf(run.planStep.spec) !== undefined || !isNeeded(plan, runs, run)) continue
    if (!isWanted(run)) continue
    const { error, endedAt, dueAt } = run
    const { spec } = run.planStep
    const status = statusOf(run)
    const output = run.hasOutput
      ? await encodedValue(encoding, run.output, identityOf(id, run, 'output'), isSensitiveType(spec.output))
      : undefined
    const stored =
      error === undefined || run.hasOutput ? undefined : await encoding.encodeError(error, identityOf(id, run, 'error'))
    const attempts = await attemptsOfRun(run, id, encoding, execution.recorder?.owner ?? '')
    records.push(recordOfRun(run, status, undefined, { output, error: stored, endedAt, dueAt, attempts }))
  }
  return records
}

function isNeeded(plan: Plan, runs: readonly (StepRun | undefined)[], run: StepRun): boolean {
  const status = statusOf(run)
  // What a failure let be skipped is nowhere on record: whoever wakes it skips it for the same reason.
  if (status === 'retrying' || status === 'failed') return true
  if (status !== 'completed') return false
  const { outputSlot } = run.planStep
  return plan.isWanted[outputSlot]! || takersOf(plan, outputSlot).some((taker) => runs[taker]?.hasEnded !== true)
}
