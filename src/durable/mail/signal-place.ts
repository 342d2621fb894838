import { describe } from '../../core/check-options.ts'
import { didYouMean } from '../../core/closest-name.ts'
import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import type { SignalPlace } from '../../core/contracts/signal-message.ts'
import { OptionError } from '../../core/errors.ts'
import { firstNameOf } from '../../core/graph/former-names.ts'
import { batchPlanOf } from '../../core/graph/batch-plan.ts'
import type { BatchPlan } from '../../core/graph/batch-plan.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import type { AnyDataType } from '../../core/language/data-type.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { receivedTypes } from '../../runtime/inputs/given-signals.ts'
import { messageNamed, requirePlanned, typeFromOutside, wayIn, wayInGraph } from './planned-signals.ts'
import type { MessageCall, SignalWay } from './planned-signals.ts'
import { noSuchExecution } from '../records/execution-info.ts'
import { headOfBatch } from '../records/batch-head.ts'
import { givenOnce } from '../records/restore-batch.ts'
import type { PlannedWaits } from '../records/stored-inputs.ts'

/** An execution or a batch, as far as a handle knows it. */
export interface SignalTarget {
  readonly id: string
  readonly graph: string | undefined
  /** The target type's name, where that is known. */
  readonly target?: string | undefined
  /** Undefined where it is not known yet. */
  readonly kind: ExecutionRecord['kind'] | undefined
  /** Whether it may have been started in the caller's transaction, and be seen by nobody else yet. @default false */
  readonly mayBeUnseen?: boolean | undefined
}

/** A batch, as far as signals to it go. */
interface BatchShape {
  readonly total: number
  /** Undefined where its graph is not known here, or does not fit. */
  readonly plan: BatchPlan | undefined
  /** What its record says of that: of the graph that it began with. */
  readonly waits?: PlannedWaits | undefined
}

/**
 * What a signal is for: of a batch, the item that it names, or what all items share.
 * @throws OptionError for a type that nothing waits for, or an item that is wrong or missing; ExecutionConflictError where there is no such execution; StoreError
 */
export async function signalPlace(
  context: DocketContext,
  call: MessageCall,
  target: SignalTarget,
  sent: AnyDataType,
  item: number | undefined,
): Promise<{ readonly place: SignalPlace; readonly way: SignalWay }> {
  const { name: type } = sent
  const batch = await batchShapeOf(context, target)
  requireWaited(context, call, target, type)
  if (batch === undefined) {
    const planned = await requirePlanned(context, call, target, type)
    if (item === undefined) return { place: { type: firstNameIn(context, target, sent) }, way: planned }
    throw new OptionError(`${call}: "${target.id}" is one execution, and only batches have items; leave item out`)
  }
  const { total, plan, waits } = batch
  const isOf = (part: BatchPlan['shared']): boolean =>
    part.signalSteps.some(({ spec }) => spec.output.name === type) ||
    receivedTypes(part).some(({ name }) => name === type)
  const mayBeShared = plan === undefined || !isOf(plan.item.plan)
  const mayBeOfItem = plan === undefined || !isOf(plan.shared)
  if (item === undefined && !mayBeShared)
    throw new OptionError(
      `${call}: each item of batch "${target.id}" waits for a "${type}" of its own; say which one is meant, by its index: { item: 0 }`,
    )
  if (item !== undefined && !mayBeOfItem)
    throw new OptionError(
      `${call}: all items of batch "${target.id}" share "${type}", since the step that waits for it needs nothing of an item; leave item out`,
    )
  if (item !== undefined && item >= total)
    throw new OptionError(
      `${call}: batch "${target.id}" has ${total} items, and no item ${item}; the first is item 0${total === 0 ? '' : `, the last item ${total - 1}`}`,
    )
  const graph = target.graph === undefined ? undefined : context.graphOf(target.graph)
  const place = { type: firstNameIn(context, target, sent), item }
  return { place, way: wayInGraph(graph, type) ?? (waits && wayIn(waits, type)) ?? 'signal' }
}

/** What the type was called first, so that it has one place in a mailbox, whatever it is called where something is sent: as the graph says, or the sender where that is not known here. */
function firstNameIn(context: DocketContext, { graph: name }: SignalTarget, sent: AnyDataType): string {
  const graph = name === undefined ? undefined : context.graphOf(name)
  return firstNameOf((graph && typeFromOutside(graph, sent.name)) ?? sent)
}

/** What is wrong with the option `item`. */
export function problemOfItem(item: unknown): string | false {
  if (item === undefined || (typeof item === 'number' && Number.isSafeInteger(item) && item >= 0)) return false
  return `item must be the index of an item of the batch, a whole number of at least 0, not ${describe(item)}`
}

/** Undefined for what is no batch. */
async function batchShapeOf(context: DocketContext, { id, kind }: SignalTarget): Promise<BatchShape | undefined> {
  if (kind === 'execution') return undefined
  const here = context.owned.get(id)
  if (here !== undefined) return here.batchShape
  await context.connection.readyBy()
  const stored = await context.recordOf(id)
  if (stored === undefined) throw noSuchExecution(id)
  if (stored.kind !== 'batch') return undefined
  const record = await context.presentRecord(stored)
  const head = await headOfBatch(record, context.connection.encoding)
  return { total: head.total, plan: planOfBatch(context.graphOf(record), record, head), waits: head.$waits }
}

function planOfBatch(
  graph: AnyGraph | undefined,
  { target }: ExecutionRecord,
  head: Awaited<ReturnType<typeof headOfBatch>>,
): BatchPlan | undefined {
  const type = graph === undefined ? undefined : requireIndex(graph).types.get(target)
  if (graph === undefined || type === undefined) return undefined
  const { shared, overrides = {} } = givenOnce(head, graph)
  try {
    return batchPlanOf(graph, type, new Set(Object.keys(shared)), false, new Set(Object.keys(overrides)))
  } catch {
    // It was another version of the graph that it began with: whoever runs it knows.
    return undefined
  }
}

/** @throws OptionError where the graph is known here, and no step of it waits for the type */
function requireWaited(
  context: DocketContext,
  call: MessageCall,
  { id, graph: name }: SignalTarget,
  type: string,
): void {
  const graph = name === undefined ? undefined : context.graphOf(name)
  if (graph === undefined) return
  if (wayInGraph(graph, type) !== undefined) return
  const waited = requireIndex(graph).specs.flatMap(({ kind, output, receives }) =>
    kind === 'signal' ? [output.name] : receives.map(({ name }) => name),
  )
  const hint = didYouMean(type, waited) || `; it waits for: ${waited.join(', ') || 'none'}`
  throw new OptionError(
    `no step of graph "${graph.name}" (execution "${id}") waits for ${messageNamed(call, type)}${hint}`,
  )
}
