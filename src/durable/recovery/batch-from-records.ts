import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import { batchFrameOf } from '../../runtime/batch/batch-options.ts'
import type { BatchFrame } from '../../runtime/batch/batch-options.ts'
import { turnOf } from '../../runtime/environment/turn.ts'
import type { Turn } from '../../runtime/environment/turn.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { parkingOf } from '../context/parking-of.ts'
import type { Misfit } from '../context/incompatible-executions.ts'
import type { CallerOptions } from '../context/start-options.ts'
import { ownershipRightOf } from '../ownership/ownership-right.ts'
import { OwnedBatch } from '../ownership/owned-batch.ts'
import { graphHashOf } from '../records/graph-hash.ts'
import type { BatchItems } from '../records/batch-items.ts'
import { batchUnderPresentNames, digestOfWritten } from '../records/present-batch.ts'
import type { PresentBatch } from '../records/present-batch.ts'
import { awaitedSlots } from '../records/awaited-slots.ts'
import { headOfBatch } from '../records/batch-head.ts'
import { BatchRestoration, itemStep, givenOnce, misfitsOfItems } from '../records/restore-batch.ts'
import type { BatchHead } from '../records/batch-head.ts'
import type { RestoredBatch } from '../records/restore-batch.ts'
import { nowMade } from '../records/restore-execution.ts'
import { forgottenEffect, hasChanged } from '../records/misfits-of-change.ts'
import { takersOfLost } from '../records/takers-of-lost.ts'
import type { ResumeCause } from '../records/restore-execution.ts'
import { keyNamesOf } from '../records/stored-names.ts'
import { boundsOf, deadlineOnceBegun, limitsWith, readLimits } from '../records/stored-limits.ts'
import type { FromRecords } from './execution-from-records.ts'
import { heldEventsOfBatch } from './held-events.ts'
import type { UnfitValues } from './unfit-values.ts'

/** What a batch is to do, as far as its record says. */
interface BatchTask {
  readonly found: BatchHead
  readonly head: BatchHead
  readonly frame: BatchFrame
}

/**
 * Puts a batch together from its records; where not all of its items were written, from those that its caller has at hand. What fits under other
 * names than those that it is stored under is written under them.
 * @throws SerializationError for damaged ones; StoreError; LeaseLostError
 */
export async function batchFromRecords(
  context: DocketContext,
  record: ExecutionRecord,
  graph: AnyGraph,
  cause: ResumeCause,
  caller?: CallerOptions,
): Promise<FromRecords> {
  const { connection, clock } = context
  const isOurs = (): boolean => record.owner === connection.session.owner
  const pages = context.pagesOf(record.id, isOurs)
  const present = await batchUnderPresentNames({ record, pages }, graph, connection.encoding, clock)
  const made = await fromPresentRecords(context, present, graph, cause, caller)
  // Where it is not, not all was read.
  if (!('reasons' in made) && isOurs()) await keepPresentNames(context, record, present, graph, isOurs)
  return made
}

/** In portions, each of which another process may go on from: the names that keys are made of come first, that the graph fits last. */
async function keepPresentNames(
  context: DocketContext,
  stored: ExecutionRecord,
  { record, changes }: PresentBatch,
  graph: AnyGraph,
  isOurs: () => boolean,
): Promise<void> {
  const graphHash = graphHashOf(requireIndex(graph))
  if (changes?.inputs !== undefined) await context.change(record, { inputs: changes.inputs })
  await changes?.pages((steps) => context.change(record, undefined, { steps }))
  if (graphHash !== stored.graphHash && isOurs()) await context.change(record, { graphHash })
}

/** A batch as its records make it, or why they don't fit. Nothing is written. */
type FittedBatch =
  | {
      readonly task: BatchTask
      readonly restoration: BatchRestoration
      readonly written: BatchItems | number
      readonly parts: BatchItems
      readonly restored: RestoredBatch | undefined
    }
  | (Pick<Misfit, 'reasons'> & Partial<Misfit>)

/** Why the records of a batch don't fit the graph; empty where they do. @throws SerializationError, StoreError */
export async function misfitOfBatch(
  context: DocketContext,
  record: ExecutionRecord,
  graph: AnyGraph,
  values?: UnfitValues,
): Promise<readonly string[]> {
  const { connection, clock } = context
  const pages = context.pagesOf(record.id)
  const present = await batchUnderPresentNames({ record, pages }, graph, connection.encoding, clock)
  const fitted = await fittedBatch(context, present, graph, 'release', undefined)
  if ('reasons' in fitted) return fitted.reasons
  if (values === undefined) return []
  const { shared, overrides } = await headOfBatch(present.record, connection.encoding)
  for (const inputs of [shared, overrides]) await values.takeInputs(inputs, record.parent === undefined)
  await present.pages((steps) => values.takeSteps(steps))
  return []
}

async function fittedBatch(
  context: DocketContext,
  { record, pages }: PresentBatch,
  graph: AnyGraph,
  cause: ResumeCause,
  caller: CallerOptions | undefined,
): Promise<FittedBatch> {
  const { encoding } = context.connection
  const turn = turnOf(context.clock)
  // Thrown later: what does not fit says more than what can't be read.
  const task = await taskOf(context, record, graph, cause, caller?.retried).catch((error: unknown) => ({ error }))
  const ready = 'frame' in task ? task : undefined
  const restoration = new BatchRestoration({
    record,
    graph,
    plan: ready?.frame.plan,
    head: ready?.head,
    cause,
    encoding,
    turn,
  })
  await pages((steps) => restoration.take(steps))
  const { misfits, unneeded } = restoration
  if (misfits.length > 0) return { reasons: misfits }
  if ('reasons' in task) return task
  if ('error' in task) throw task.error
  const { head, frame } = task
  const written = await restoration.items(head.total)
  const parts = typeof written === 'number' ? caller?.batch : written
  if (parts === undefined) {
    const reason = `only ${String(written)} of its ${head.total} items were written before its process died; start it again`
    return { reasons: [reason], mayFitElsewhere: false }
  }
  if (unneeded.length > 0) return { reasons: unneeded }
  // Nothing runs before all items are written.
  const restored = typeof written === 'number' ? undefined : restoration.restored()
  const wrong = await misfitsOfItems(head, parts, restored?.outcomes, frame, turn)
  if (wrong.length > 0) return { reasons: wrong }
  const outdated =
    restored === undefined ? [] : await misfitsOfChangeInItems(record, frame.plan, parts.keys, restored, cause, turn)
  if (outdated.length > 0) return { reasons: outdated }
  return { task, restoration, written, parts, restored }
}

/** Why a graph that has changed can't go on with what items have done. */
async function misfitsOfChangeInItems(
  record: ExecutionRecord,
  { whole, shared, item }: BatchFrame['plan'],
  keys: readonly string[],
  { undos: undosOf, views: viewsOf, outcomes, failing }: RestoredBatch,
  cause: ResumeCause,
  turn: Turn,
): Promise<readonly string[]> {
  if (cause === 'end' || !hasChanged(record, whole)) return []
  const needed = new Set(whole.steps.map(({ spec }) => spec.name))
  const reasons = new Set<string>()
  for (const [index, key] of ['', ...keys].entries()) {
    if (turn.mustYield()) await turn.next()
    if (outcomes.has(key) || failing.has(key)) continue
    const known = undosOf.of(key, viewsOf.of(key))
    if (known === undefined) continue
    const { steps: views, undos, givenInputs } = known
    for (const step of givenInputs?.keys() ?? [])
      if (views.get(step)?.status === 'completed' && !needed.has(step))
        reasons.add(forgottenEffect(step, record.target))
    if (record.status === 'compensating' || undos === undefined) continue
    const closedSignals = new Set<string>()
    const lost = takersOfLost(index === 0 ? shared : item.plan, { views, undos, closedSignals })
    for (const reason of lost) reasons.add(reason)
  }
  return [...reasons]
}

async function fromPresentRecords(
  context: DocketContext,
  present: PresentBatch,
  graph: AnyGraph,
  cause: ResumeCause,
  caller: CallerOptions | undefined,
): Promise<FromRecords> {
  const fitted = await fittedBatch(context, present, graph, cause, caller)
  if ('reasons' in fitted) return fitted
  const { record, hasFormerTarget, hasFormerTypes, pages } = present
  const { task, restoration, written, parts, restored } = fitted
  const { found, head, frame } = task
  const { encoding } = context.connection
  const turn = turnOf(context.clock)
  const { id, headers, timeoutMs, deadline } = record
  const held = cause === 'end' ? undefined : await heldEventsOfBatch(context, id, frame.plan, parts.keys, restored)
  const requestDigest = hasFormerTypes ? await digestOfWritten(record, written, encoding, turn) : record.requestDigest
  const failure = await failureOf(record, cause, encoding)
  const known = readLimits(head.$limits)
  const limits = limitsWith(known, cause === 'end' ? caller?.deadlineAt?.() : undefined)
  const kept = limits === known ? head : { ...head, $limits: limits }
  return {
    restored: restored?.found ?? 0,
    isUnwritten: restored === undefined,
    undosUnderWay: restoration.undosUnderWay,
    reopen: async (write) => {
      await restoration.anew?.write(pages, restoration.undos, context.clock.now(), itemStep, write)
      await restoration.writeRetried(pages, write)
    },
    awaited: cause === 'end' ? awaitedSlots(frame.plan, parts.keys, restored) : [],
    limits,
    inputs: kept === found ? undefined : await encoding.encode(kept, ['execution', id, 'inputs']),
    own: (owned, follower, mail, moves) => {
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
      const { createdAt, startedAt, startAt } = owned
      const times = { createdAt, startedAt, startAt, deadline: options.deadline }
      return new OwnedBatch({
        connection: context.connection,
        frame: {
          ...frame,
          options: { ...options, spentMs: owned.ownedMs, ...boundsOf(times, limits, context.clock.now()) },
        },
        deadlineOnceBegun: deadlineOnceBegun(times, limits),
        ...parts,
        requestDigest,
        setup: context.setup,
        inspect: context.inspect,
        right: ownershipRightOf(owned, options.timeoutMs),
        startedAt: owned.startedAt,
        restored,
        pages: context.pagesOf(id),
        failure,
        mail,
        life: (head.retries ?? 0) + 1,
        keyNames: keyNamesOf(record, head.$names),
        hasFormerTarget,
        moves,
        held,
        onRefused: () => context.refused(id),
        ...parkingOf(context, { id, graph: graph.name, queue: record.queue }, follower ?? {}),
        onGone: (gone) => context.leave(gone),
      })
    },
  }
}

/** What a batch ends with that is undone. @throws SerializationError */
async function failureOf(
  { id, status, error }: ExecutionRecord,
  cause: ResumeCause,
  encoding: ValueEncoding,
): Promise<{ readonly error: unknown } | undefined> {
  if (status !== 'compensating' || cause === 'end') return undefined
  return { error: error === undefined ? undefined : await encoding.decodeError(error, ['execution', id, 'error']) }
}

async function taskOf(
  context: DocketContext,
  record: ExecutionRecord,
  graph: AnyGraph,
  cause: ResumeCause,
  retried: CallerOptions['retried'],
): Promise<BatchTask | { readonly reasons: readonly string[] }> {
  const found = await headOfBatch(record, context.connection.encoding)
  const made = nowMade('shared input', Object.keys(found.shared), graph)
  if (made.length > 0) return { reasons: made }
  const head = cause === 'end' ? nextLifeOf(found, retried) : found
  const target = requireIndex(graph).types.get(record.target)!
  const { concurrency, onError } = head
  const options = { id: record.id, ...givenOnce(head, graph), concurrency, onError, app: context.options.app }
  return { found, head, frame: batchFrameOf('startBatch', graph, target, options) }
}

/** The head of a batch that begins again after its end. */
function nextLifeOf(head: BatchHead, retried: CallerOptions['retried']): BatchHead {
  return { ...head, retries: (head.retries ?? 0) + 1, retried: Array.isArray(retried) ? retried : undefined }
}
