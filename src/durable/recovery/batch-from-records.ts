import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import { batchFrameOf } from '../../runtime/batch/batch-options.ts'
import { turnOf } from '../../runtime/environment/turn.ts'
import type { DocketContext } from '../context/docket-context.ts'
import type { CallerOptions } from '../context/start-options.ts'
import { ownershipRightOf } from '../ownership/ownership-right.ts'
import { OwnedBatch } from '../ownership/owned-batch.ts'
import type { StoredRecords } from '../records/present-names.ts'
import {
  givenOnce,
  headOfBatch,
  itemsOfBatch,
  misfitsOfItems,
  restoreBatch,
  stepsOfBatch,
} from '../records/restore-batch.ts'
import type { BatchHead } from '../records/restore-batch.ts'
import { misfitsOf, nowMade, unneededUnfinished } from '../records/restore-execution.ts'
import type { ResumeCause } from '../records/restore-execution.ts'
import { keyNamesOf } from '../records/stored-names.ts'
import type { FromRecords } from './execution-from-records.ts'

/**
 * Puts a batch together from its records; where not all of its items were written, from those that its caller has at hand.
 * @throws SerializationError for damaged ones
 */
export async function batchFromRecords(
  context: DocketContext,
  { record, steps, hasFormerTarget }: StoredRecords,
  graph: AnyGraph,
  cause: ResumeCause,
  caller?: CallerOptions,
): Promise<FromRecords> {
  const { encoding } = context.connection
  const turn = turnOf(context.clock)
  const ofSteps = stepsOfBatch(steps)
  const reasons = misfitsOf(record, ofSteps, graph)
  if (reasons.length > 0) return { reasons }
  const { id, requestDigest, headers, timeoutMs, deadline } = record
  const found = await headOfBatch(record, encoding)
  const head = cause === 'end' ? nextLifeOf(found, caller?.retried) : found
  const { concurrency, onError, total } = head
  const made = nowMade('shared input', Object.keys(head.shared), graph)
  if (made.length > 0) return { reasons: made }
  const written = await itemsOfBatch(id, steps, total, encoding, turn)
  const parts = typeof written === 'number' ? caller?.batch : written
  if (parts === undefined) {
    const reason = `only ${String(written)} of its ${total} items were written before its process died; start it again`
    return { reasons: [reason], mayFitElsewhere: false }
  }
  const target = requireIndex(graph).types.get(record.target)!
  const frame = batchFrameOf('startBatch', graph, target, { id, ...givenOnce(head, graph), concurrency, onError })
  const needed = new Set(frame.plan.whole.steps.map(({ spec }) => spec.name))
  const unneeded = unneededUnfinished(ofSteps, needed, record.target)
  if (unneeded.length > 0) return { reasons: unneeded }
  // Nothing runs before all items are written.
  const restored =
    typeof written === 'number' ? undefined : await restoreBatch(record, steps, frame.plan, encoding, cause, head, turn)
  const todo = parts.items.filter((_, index) => restored?.outcomes.has(parts.keys[index]!) !== true)
  const wrong = misfitsOfItems(head, todo, frame)
  if (wrong.length > 0) return { reasons: wrong }
  return {
    restored: restored?.found ?? 0,
    inputs: head === found ? undefined : await encoding.encode(head, ['execution', id, 'inputs']),
    own: (owned, follower) => {
      const { signal, observers, logger } = follower ?? {}
      const options = context.optionsOf(frame.plan.whole, {
        signal,
        observers,
        logger,
        id,
        headers,
        timeout: timeoutMs,
        deadline,
      })
      return new OwnedBatch({
        connection: context.connection,
        frame: { ...frame, options: { ...options, spentMs: owned.ownedMs } },
        ...parts,
        requestDigest,
        setup: context.setup,
        inspect: context.inspect,
        right: ownershipRightOf(owned, options.timeoutMs),
        startedAt: owned.startedAt,
        restored,
        life: (head.retries ?? 0) + 1,
        keyNames: keyNamesOf(record, head.$names),
        hasFormerTarget: hasFormerTarget === true,
        onRefused: () => context.turns.markUncertain(),
        onGone: (gone) => context.leave(gone),
      })
    },
  }
}

/** The head of a batch that begins again after its end. */
function nextLifeOf(head: BatchHead, retried: CallerOptions['retried']): BatchHead {
  return { ...head, retries: (head.retries ?? 0) + 1, retried: Array.isArray(retried) ? retried : undefined }
}
