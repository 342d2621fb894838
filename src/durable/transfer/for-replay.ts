import { defaultQueue } from '../../core/contracts/queue-record.ts'
import { isRecord } from '../../core/is-record.ts'
import type { ExportedExecution } from './exported-execution.ts'

/**
 * An exported execution as it is replayed: it is nobody's child, has the whole of its time again, and stands in a queue that is served. What its steps made stays.
 */
export function forReplay(exported: ExportedExecution, keepsQueue: boolean): ExportedExecution {
  const { execution } = exported
  const { parent: _parent, deadline: _deadline, startAt: _startAt, ...rest } = execution
  const place = keepsQueue ? {} : { queue: defaultQueue, key: '', priority: 0 }
  return {
    ...exported,
    execution: { ...rest, ...place, ownedMs: 0, recoveries: 0, inputs: unbound(execution['inputs']) },
  }
}

/** The inputs, without what bounds the time of the original, and what became of it with its process. */
function unbound(inputs: unknown): unknown {
  if (!isRecord(inputs) || !isRecord(inputs['json'])) return inputs
  const { $limits: _limits, $onWorkerLoss: _loss, ...json } = inputs['json']
  return { json }
}
