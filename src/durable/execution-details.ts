import type { ExecutionRecord, StepRecord } from '../core/contracts/execution-record.ts'
import { isTerminal } from '../core/contracts/statuses.ts'
import { requireIndex } from '../core/graph/plan.ts'
import type { AnyGraph, StepSpec } from '../core/graph/graph-index.ts'
import { checkOptions, describe } from '../core/check-options.ts'
import { durationHint, durationMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { turnOf } from '../runtime/environment/turn.ts'
import { actsOn } from './acts.ts'
import type { Misfit } from './context/incompatible-executions.ts'
import type { DocketContext } from './context/docket-context.ts'
import { withCheckpoints } from './function-details.ts'
import { withLimits } from './limit-details.ts'
import { liveSteps } from './mail/look.ts'
import { misfitOfRecord } from './recovery/misfit-of-record.ts'
import { mayHaveChildren } from './recovery/child-cascade.ts'
import { queueWaitOf } from './queue-wait.ts'
import { batchInfoOf } from './records/batch-info.ts'
import { childInfoOf } from './records/child-info.ts'
import type { ChildInfo } from './records/child-info.ts'
import type { BatchInfo, LiveBatch } from './records/batch-info.ts'
import { infoOf, isKnown, noSuchExecution } from './records/execution-info.ts'
import type { ExecutionDetails, ExecutionInfo } from './records/execution-info.ts'
import { endedStepInfos } from './records/ended-steps.ts'
import { leaseInfoOf, situationOf } from './records/lease-info.ts'
import type { LeaseInfo } from './records/lease-info.ts'
import { lenientEncoding } from './records/lenient-encoding.ts'
import { liveStepInfos, recordedStepInfos } from './records/open-steps.ts'
import { shownBatch } from './records/present-batch.ts'
import { shownRecords } from './records/present-names.ts'
import { planOfRecord, specsByName } from './records/restore-execution.ts'
import { withSensitivity } from './records/sensitive-steps.ts'
import { stepInfosOf } from './records/step-info.ts'
import { placeOf } from './records/step-place.ts'
import type { StepInfo } from './records/step-info.ts'
import { withUndone, withUndos } from './records/undo-info.ts'
import { splitUndoRecords } from './records/undo-records.ts'

const mostChildren = 100

/** How an execution is looked at. */
export interface DetailsOptions {
  /**
   * Whether the process that runs it is to say what its steps do at this moment, where that is another one: what it does not write down it alone knows. Its answer is
   * waited for, for two seconds at the most, or for this long; then records alone say what is known. Not for batches. @default false
   */
  readonly live?: boolean | Duration | undefined
}

const patienceMs = 2_000

/** @throws OptionError with all problems */
export function checkDetails(options: unknown): void {
  checkOptions('details', options, ['live'], ({ live }) => [
    live !== undefined &&
      typeof live !== 'boolean' &&
      durationMs(live) === undefined &&
      `live must be a boolean or a duration, not ${describe(live)}; ${durationHint}`,
  ])
}

/** What the record of an execution says. @throws (as rejection) ExecutionConflictError where there is none, StoreError */
export async function infoOfExecution(context: DocketContext, id: string): Promise<ExecutionInfo> {
  await context.connection.readyBy()
  const stored = await context.recordOf(id)
  if (stored === undefined) throw noSuchExecution(id)
  const record = await context.presentRecord(stored)
  const misfit = context.incompatible.misfitOfOpen(record)
  return infoOf(record, context.connection.encoding, misfit?.reasons, context.graphOf(stored))
}

/** All that is known of an execution. @throws (as rejection) ExecutionConflictError where there is none, StoreError */
export async function detailsOf(
  context: DocketContext,
  id: string,
  { live = false }: DetailsOptions = {},
): Promise<ExecutionDetails> {
  const { connection } = context
  await connection.readyBy()
  const stored = await context.recordOf(id)
  if (stored === undefined) throw noSuchExecution(id)
  return stored.kind === 'batch' ? detailsOfBatch(context, stored) : detailsOfOne(context, stored, live)
}

async function detailsOfOne(
  context: DocketContext,
  stored: ExecutionRecord,
  isLive: boolean | Duration,
): Promise<ExecutionDetails> {
  const { clock, connection } = context
  const { id } = stored
  const unreadable = new Set<string>()
  const encoding = lenientEncoding(connection.encoding, unreadable)
  const [records, lease, children, acts] = await Promise.all([
    context.stepsOf(id),
    leaseOf(context, stored),
    childrenOf(context, stored),
    actsOn(context, id),
  ])
  const { steps: rows, undoRecords } = splitUndoRecords(records)
  const graph = context.graphOf(stored)
  const { record, steps } = await shownRecords({ record: stored, steps: rows }, graph, connection.encoding, clock)
  const { info, waitsFor, situationWith } = await headOf(context, record, lease, stored)
  const recorded = await stepInfosOf(record, steps, encoding, turnOf(clock), graph, undoRecords.counts)
  const former = graph === undefined ? undefined : requireIndex(graph).former?.steps
  const waitMs = isLive === true ? patienceMs : isLive === false ? 0 : durationMs(isLive)!
  const asked = lease?.isAlive === true && waitMs > 0 ? await liveSteps(context, stored, recorded, waitMs) : undefined
  const undos = [...undoRecords.undos.values()]
  const all = asked ?? (await allSteps(context, record, info, recorded))
  // Without its graph there is nothing but records, and of what was undone that of the undoing alone.
  const known = graph === undefined ? withUndone(all, undos) : all
  const infos = await withUndos(id, known, undos, encoding, former)
  const limited = await withLimits(context, infos)
  const closed = withSensitivity(limited, info.sensitive, typesOf(graph, steps))
  const shown = await withCheckpoints(context, record, graph, closed, encoding)
  const incompatible = [...new Set([...info.incompatible, ...unreadable])]
  return {
    ...info,
    incompatible,
    lease,
    batch: undefined,
    waitsFor,
    situation: situationWith(shown),
    steps: shown,
    children,
    acts,
  }
}

async function detailsOfBatch(context: DocketContext, stored: ExecutionRecord): Promise<ExecutionDetails> {
  const { clock, connection } = context
  const unreadable = new Set<string>()
  const encoding = lenientEncoding(connection.encoding, unreadable)
  const graph = context.graphOf(stored)
  const pages = context.pagesOf(stored.id)
  const [shown, lease, children, acts] = await Promise.all([
    connection.patiently(() => shownBatch({ record: stored, pages }, graph, connection.encoding, clock)),
    leaseOf(context, stored),
    childrenOf(context, stored),
    actsOn(context, stored.id),
  ])
  const { record } = shown
  const { info, waitsFor, situationWith } = await headOf(context, record, lease, stored)
  const live = liveOf(context, record)?.liveBatch
  const { batch, steps, undos } = await connection.patiently(() =>
    batchInfoOf(shown, connection.encoding, live, turnOf(clock)),
  )
  const recorded = await stepInfosOf(record, steps, encoding, turnOf(clock))
  const former = graph === undefined ? undefined : requireIndex(graph).former?.steps
  const known = live === undefined ? recorded : withLiveSteps(recorded, batch, live)
  const all = await withLimits(context, await withUndos(stored.id, withUndone(known, undos), undos, encoding, former))
  const infos = withSensitivity(all, info.sensitive, typesOf(graph, steps))
  const incompatible = [...new Set([...info.incompatible, ...unreadable])]
  return {
    ...info,
    incompatible,
    lease,
    batch,
    waitsFor,
    situation: situationWith(infos),
    steps: infos,
    children,
    acts,
  }
}

/** Finds the type that a step makes: as its graph says, or its record where that is not known. */
function typesOf(graph: AnyGraph | undefined, records: readonly StepRecord[]): (step: string) => string | undefined {
  const specs = graph === undefined ? undefined : specsByName(requireIndex(graph))
  let recorded: Map<string, string> | undefined
  return (step) => {
    recorded ??= new Map(records.map((record) => [record.step, record.type]))
    return specs?.get(step)?.output.name ?? recorded.get(step)
  }
}

/** The newest of its children, where it may have any. */
async function childrenOf(context: DocketContext, record: ExecutionRecord): Promise<readonly ChildInfo[]> {
  if (!mayHaveChildren(context, record)) return []
  const { store } = context.connection
  const query = { parent: record.id, limit: mostChildren }
  return (await context.connection.patiently(() => store.list(query))).map(childInfoOf)
}

/** What its own record says, and what keeps it from going on, by what its steps do. */
async function headOf(
  context: DocketContext,
  record: ExecutionRecord,
  lease: LeaseInfo | undefined,
  stored: ExecutionRecord,
): Promise<{
  readonly info: ExecutionInfo
  readonly waitsFor: ExecutionDetails['waitsFor']
  readonly situationWith: (steps: readonly StepInfo[]) => ExecutionDetails['situation']
}> {
  const { clock, connection, options, owned } = context
  const [misfit, waitsFor] = await Promise.all([
    misfitOfUnrun(context, stored, lease),
    queueWaitOf(context, record, lease),
  ])
  const info = await infoOf(record, connection.encoding, misfit?.reasons, context.graphOf(record))
  const willingness = {
    knowsGraph: context.graphOf(record) !== undefined,
    takesOver: options.takeOver !== false,
    isClosing: context.isClosing,
    waitsFor,
    misfit: { reasons: info.incompatible, mayFitElsewhere: misfit?.mayFitElsewhere ?? !isKnown(record.status) },
  }
  const situationWith = (steps: readonly StepInfo[]): ExecutionDetails['situation'] =>
    situationOf(record, lease, willingness, steps, clock.now(), owned.get(record.id)?.unwrittenEnd)
  return { info, waitsFor, situationWith }
}

/** What is known to keep it from going on here, or is found out of one that some process should go on with now. @throws StoreError */
async function misfitOfUnrun(
  context: DocketContext,
  stored: ExecutionRecord,
  lease: LeaseInfo | undefined,
): Promise<Misfit | undefined> {
  const known = context.incompatible.misfitOfOpen(stored)
  const { parkedAt, dueAt } = stored
  const isAtRest = parkedAt !== undefined && (dueAt === undefined || dueAt > context.clock.now())
  if (known !== undefined || lease?.isAlive === true || isAtRest) return known
  const found = await misfitOfRecord(context, stored)
  return found?.reasons.length === 0 ? undefined : found
}

async function leaseOf(context: DocketContext, { owner }: ExecutionRecord): Promise<LeaseInfo | undefined> {
  if (owner === undefined) return undefined
  const state = await context.ownerState(owner)
  return leaseInfoOf(owner, state, context.connection.session.owner, context.clock.now())
}

/** The execution as it lives in this process; undefined where it has ended, or lives elsewhere. */
function liveOf({ owned }: DocketContext, { id }: ExecutionRecord): ReturnType<DocketContext['owned']['get']> {
  const here = owned.get(id)
  return here === undefined || here.hasEnded ? undefined : here
}

/** The steps of the whole plan, where its graph is known here. */
async function allSteps(
  context: DocketContext,
  record: ExecutionRecord,
  info: ExecutionInfo,
  recorded: readonly StepInfo[],
): Promise<readonly StepInfo[]> {
  const { connection, graphs, setup } = context
  const live = liveOf(context, record)?.liveSteps
  if (live !== undefined) return liveStepInfos(live, recorded)
  const isUndone = record.status === 'compensating'
  const known = isUndone ? recorded.map(stopped) : recorded
  const graph = graphs.get(record.graph)
  const plan = graph === undefined ? undefined : await planOfRecord(record, graph, connection.encoding)
  if (plan === undefined) return known
  const persistOf = (spec: StepSpec) => spec.persist ?? setup.persistOf?.(spec)
  if (isUndone || isTerminal(record.status)) return endedStepInfos(plan, known, info, persistOf)
  return recordedStepInfos(plan, known, info, persistOf)
}

/** Of an execution that is undone, no step waits any more, though its record is closed with the end alone. */
function stopped(step: StepInfo): StepInfo {
  return step.waitsFor === undefined ? step : { ...step, status: 'cancelled', dueAt: undefined, waitsFor: undefined }
}

/** Of a batch that runs here, what the steps of the shown items do takes the place of what is recorded of them. */
function withLiveSteps(recorded: readonly StepInfo[], { items }: BatchInfo, { steps }: LiveBatch): readonly StepInfo[] {
  const underWay = [undefined, ...items.map(({ key }) => key)].flatMap((key) => {
    const live = steps.get(key ?? '')
    if (live === undefined) return []
    // Items forget their steps once they have ended: what has no state is in the records, or has not begun.
    return liveStepInfos(live, recorded, key).filter((_, position) => live.states[position] !== undefined)
  })
  const isLive = new Set(underWay.map(placeOf))
  return [...recorded.filter((step) => !isLive.has(placeOf(step))), ...underWay]
}
