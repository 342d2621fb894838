import type { Batch } from '../../runtime/batch/batch.ts'
import type { LiveBatch } from '../records/batch-info.ts'
import type { LiveSteps } from '../records/open-steps.ts'

/** A batch as it is in this process. */
export function liveBatchOf({ executions, started }: Pick<Batch, 'executions' | 'started'>): LiveBatch {
  const steps = executions.map(({ plan, runs, startedAt, setup: { itemKey = '' } }): [string, LiveSteps] => [
    itemKey,
    { plan, states: runs, startedAt },
  ])
  return { started, steps: new Map(steps) }
}
