import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { StoreError } from '../../core/errors.ts'
import { describeThrown } from '../../core/thrown.ts'
import { turnOf } from '../../runtime/environment/turn.ts'
import type { DocketContext } from '../context/docket-context.ts'
import type { Misfit } from '../context/incompatible-executions.ts'
import { isKnown, unknownStatus } from '../records/execution-info.ts'
import { isDetached } from '../records/graph-hash.ts'
import { restoreExecution } from '../records/restore-execution.ts'
import { readInputs } from '../records/stored-inputs.ts'
import { misfitOfBatch } from './batch-from-records.ts'
import { fittedRecords } from './fitting-records.ts'
import { withReferencedInputs } from './referenced-inputs.ts'
import type { UnfitValues } from './unfit-values.ts'

const fits: Misfit = { reasons: [], mayFitElsewhere: true }

/**
 * Why an execution that has not ended could not go on in this process, found out without taking it, or writing anything; without reasons where it could, undefined
 * where its graph is not known here. `valuesOf`: finds what of the values of one that could go on does not fit. @throws StoreError
 */
export async function misfitOfRecord(
  context: DocketContext,
  record: ExecutionRecord,
  valuesOf?: (graph: AnyGraph) => UnfitValues,
): Promise<Misfit | undefined> {
  if (!isKnown(record.status)) return ofVersion([unknownStatus(record)])
  if (isTerminal(record.status) || isDetached(record)) return fits
  const unlearned = await context.learn(record)
  if (unlearned !== undefined) return ofVersion(unlearned)
  const graph = context.graphOf(record)
  if (graph === undefined) return undefined
  const { connection, clock } = context
  const { encoding } = connection
  try {
    if (record.kind === 'batch') return ofVersion(await misfitOfBatch(context, record, graph, valuesOf?.(graph)))
    const whole =
      record.parent === undefined
        ? record
        : await withReferencedInputs(context, record, await readInputs(record, encoding))
    const { stored } = await fittedRecords(context, whole, await context.stepsOf(record.id), graph)
    const found = await restoreExecution(
      stored.record,
      stored.steps,
      graph,
      encoding,
      'release',
      turnOf(clock),
      stored.undoRecords,
    )
    if ('reasons' in found) return ofVersion(found.reasons)
    const values = valuesOf?.(graph)
    await values?.takeInputs(found.inputs, record.parent === undefined)
    await values?.takeSteps(stored.steps)
    return fits
  } catch (error) {
    if (error instanceof StoreError) throw error
    return { reasons: [describeThrown(error)], mayFitElsewhere: false }
  }
}

/** What keeps it from going on with this version of the program. */
function ofVersion(reasons: readonly string[]): Misfit {
  return { reasons, mayFitElsewhere: true }
}
