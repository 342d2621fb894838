import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import { LeaseLostError } from '../../core/errors.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { formerNamesOfStep } from '../../core/graph/former-names.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import { keyNameOf } from '../../runtime/steps/key-names.ts'
import type { DocketContext } from '../context/docket-context.ts'
import type { ResumeCause } from '../records/restore-execution.ts'
import type { StoredInputs } from '../records/stored-inputs.ts'
import { keyNamesOf } from '../records/stored-names.ts'
import { forgottenRecord, keptBeside, splitUndoRecords, undoneRecordsOf } from '../records/undo-records.ts'
import { endUnowned } from './unowned.ts'

/**
 * What an execution goes on from that this process has acquired: its records as they are, unless it was not to go on in another process than the one that it
 * had. Then it begins anew, and of its records there is left that nothing of it is to be served: its attempts have other keys, and children others ids. Or it
 * has failed: then undefined. @throws StoreError, LeaseLostError, SerializationError
 */
export async function recordsAfterLoss(
  context: DocketContext,
  record: ExecutionRecord,
  { $onWorkerLoss: policy, $names }: Pick<StoredInputs, '$onWorkerLoss' | '$names'>,
  known: readonly StepRecord[] | undefined,
  graph: AnyGraph,
  cause: ResumeCause,
): Promise<{ readonly steps: readonly StepRecord[] | undefined } | undefined> {
  // What has not begun anywhere has lost nothing.
  if (record.startedAt === undefined) return { steps: known }
  if (policy === undefined || record.status === 'compensating') return { steps: known }
  // Where a further attempt of its parent's step goes on with it, that is not because of the loss.
  if (policy === 'fail' && cause !== 'end') {
    const message = `the process that ran execution "${record.id}" is lost, and it is not to go on in another one (onWorkerLoss: 'fail')`
    const place = { graph: record.graph, executionId: record.id }
    await endUnowned(context, record, 'failed', new LeaseLostError(message, place))
    return undefined
  }
  const anew = begunAnew(known ?? [], context.clock.now())
  const index = requireIndex(graph)
  const functions = index.specs.filter(({ kind }) => kind === 'durable' || kind === 'machine')
  // What they came to stands under the name that they had first, whichever of these that is.
  const named = { plan: { index }, keyNames: keyNamesOf(record, $names) }
  const names = functions.flatMap((spec) => [spec.name, ...formerNamesOfStep(spec.step), keyNameOf(named, spec)])
  const droppedCheckpoints = [...new Set(names)].map((step) => ({ step, item: '' }))
  if (anew.length > 0 || droppedCheckpoints.length > 0)
    await context.change(record, {}, { steps: anew, ...(droppedCheckpoints.length > 0 && { droppedCheckpoints }) })
  // What was given up before, and has not begun since, has no record but its count.
  const counts = [...(known ?? []), ...anew].filter((step) => keptBeside(step)?.as === 'count')
  return { steps: [...new Map(counts.map((count) => [count.step, count])).values()] }
}

/** In the place of its records: that they don't count any more, and how often what they say has been given up. */
function begunAnew(known: readonly StepRecord[], at: number): readonly StepRecord[] {
  const { steps, undoRecords } = splitUndoRecords(known)
  const { counts, undos, inputs } = undoRecords
  return [
    ...steps.flatMap((step) => undoneRecordsOf(step, (counts.get(step.step) ?? 0) + 1, at)),
    ...[...undos.values(), ...inputs.values()].map(forgottenRecord),
  ]
}
