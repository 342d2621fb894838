import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import { SerializationError } from '../../core/errors.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import type { DocketContext } from '../context/docket-context.ts'
import type { ResumeCause } from '../records/restore-execution.ts'
import { readInputs } from '../records/stored-inputs.ts'
import { withReferencedInputs } from './referenced-inputs.ts'
import { recordsAfterLoss } from './worker-loss.ts'

/** What an execution goes on from. */
interface AcquiredRecords {
  readonly record: ExecutionRecord
  readonly steps: readonly StepRecord[] | undefined
}

/**
 * What an execution that this process has acquired goes on from: of a child, with the inputs that its parent keeps, and as its parent wants it where its process
 * was lost. Undefined where it has ended because of that. @throws StoreError, LeaseLostError
 */
export async function acquiredRecords(
  context: DocketContext,
  record: ExecutionRecord,
  steps: readonly StepRecord[] | undefined,
  graph: AnyGraph | undefined,
  cause: ResumeCause,
): Promise<AcquiredRecords | undefined> {
  if (graph === undefined || record.parent === undefined || record.kind === 'batch') return { record, steps }
  try {
    const stored = await readInputs(record, context.connection.encoding)
    const left = await recordsAfterLoss(context, record, stored, steps, graph, cause)
    return left && { record: await withReferencedInputs(context, record, stored), steps: left.steps }
  } catch (error) {
    if (!(error instanceof SerializationError)) throw error
    // Whoever makes an execution of it says what is wrong.
    return { record, steps }
  }
}
