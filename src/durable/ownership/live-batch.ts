import type { Batch } from '../../runtime/batch/batch.ts'
import type { LiveBatch } from '../records/batch-info.ts'
import { liveStepsOf } from '../records/live-steps.ts'
import type { LiveSteps } from '../records/live-steps.ts'

/** A batch as it is in this process. */
export function liveBatchOf({ executions, started }: Pick<Batch, 'executions' | 'started'>): LiveBatch {
  const steps = executions.map((execution): [string, LiveSteps] => [
    execution.setup.itemKey ?? '',
    liveStepsOf(execution),
  ])
  return { started, steps: new Map(steps) }
}
