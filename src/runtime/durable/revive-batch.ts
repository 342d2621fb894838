import type { AnyGraph } from '../../core/graph-index.ts'
import type { ExecutionRecord, StepRecord } from '../../core/store.ts'
import type { DurableRuntime } from './durable-runtime.ts'
import { batchFrameOf } from '../batch-options.ts'
import { requireIndex } from '../../core/plan.ts'
import { LiveBatch } from './live-batch.ts'
import { restoreBatch } from './restored-batch.ts'
import type { ResumeCause } from './restored-execution.ts'
import { holdingOf } from './revive-execution.ts'
import type { Revival } from './revive-execution.ts'

/** Puts a batch together from its records. @throws SerializationError for damaged ones */
export async function reviveBatch(
  runtime: DurableRuntime,
  record: ExecutionRecord,
  steps: readonly StepRecord[],
  graph: AnyGraph,
  cause: ResumeCause,
): Promise<Revival> {
  const restored = await restoreBatch(record, steps, graph, runtime.connection.encoding, cause)
  if ('reasons' in restored) return restored
  const { id, asked, headers, timeoutMs } = record
  const { shared, concurrency, onError, items, keys } = restored
  const target = requireIndex(graph).types.get(record.target)!
  const frame = batchFrameOf('startBatch', graph, target, { id, shared, concurrency, onError })
  return {
    restored: restored.found,
    live: (owned, watch) => {
      const options = runtime.optionsOf(frame.plan.whole, { ...watch, id, headers, timeout: timeoutMs })
      return new LiveBatch({
        connection: runtime.connection,
        frame: { ...frame, options: { ...options, spentMs: owned.ownedMs } },
        items,
        keys,
        asked,
        setup: runtime.setup,
        holding: holdingOf(owned, options.timeoutMs),
        startedAt: owned.startedAt,
        restored,
        onRefused: () => runtime.arrivals.doubt(),
        onGone: (gone) => runtime.leave(gone),
      })
    },
  }
}
