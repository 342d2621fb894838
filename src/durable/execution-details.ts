import type { ExecutionRecord } from '../core/contracts/execution-record.ts'
import { isTerminal } from '../core/contracts/statuses.ts'
import { requireIndex } from '../core/graph/plan.ts'
import type { StepSpec } from '../core/graph/graph-index.ts'
import { turnOf } from '../runtime/environment/turn.ts'
import type { DocketContext } from './context/docket-context.ts'
import { batchInfoOf, shownSteps } from './records/batch-info.ts'
import type { BatchInfo, LiveBatch } from './records/batch-info.ts'
import { infoOf, isKnown, noSuchExecution } from './records/execution-info.ts'
import type { ExecutionDetails, ExecutionInfo } from './records/execution-info.ts'
import { endedStepInfos } from './records/ended-steps.ts'
import { leaseInfoOf, situationOf } from './records/lease-info.ts'
import type { LeaseInfo } from './records/lease-info.ts'
import { liveStepInfos, recordedStepInfos } from './records/open-steps.ts'
import { shownRecords } from './records/present-names.ts'
import { planOfRecord } from './records/restore-execution.ts'
import { stepInfosOf } from './records/step-info.ts'
import type { StepInfo } from './records/step-info.ts'
import { withUndos } from './records/undo-info.ts'
import { splitUndoRecords } from './records/undo-records.ts'

/** All that is known of an execution. @throws (as rejection) ExecutionConflictError where there is none, StoreError */
export async function detailsOf(context: DocketContext, id: string): Promise<ExecutionDetails> {
  const { clock, connection, incompatible, options } = context
  await connection.readyBy()
  const stored = await context.recordOf(id)
  if (stored === undefined) throw noSuchExecution(id)
  const [records, lease] = await Promise.all([context.stepsOf(id), leaseOf(context, stored)])
  const { steps: rows, undoRecords } = splitUndoRecords(records)
  const graph = context.graphOf(stored.graph)
  const { record, steps } = await shownRecords({ record: stored, steps: rows }, graph, connection.encoding, clock)
  const misfit = incompatible.misfitOfOpen(record)
  const info = await infoOf(record, connection.encoding, misfit?.reasons)
  const willingness = {
    knowsGraph: graph !== undefined,
    takesOver: options.takeOver !== false,
    isClosing: context.isClosing,
    misfit: { reasons: info.incompatible, mayFitElsewhere: misfit?.mayFitElsewhere ?? !isKnown(record.status) },
  }
  const turn = turnOf(clock)
  const withSteps = (infos: readonly StepInfo[]): Pick<ExecutionDetails, 'situation' | 'steps'> => ({
    situation: situationOf(record, lease, willingness, infos, clock.now(), context.owned.get(id)?.unwrittenEnd),
    steps: infos,
  })
  if (record.kind === 'batch') {
    const live = liveOf(context, record)?.liveBatch
    const batch = await batchInfoOf(record, steps, connection.encoding, live, turn)
    const recorded = await stepInfosOf(record, shownSteps(steps, batch), connection.encoding, turn)
    return { ...info, lease, batch, ...withSteps(live === undefined ? recorded : withLiveSteps(recorded, batch, live)) }
  }
  const recorded = await stepInfosOf(record, steps, connection.encoding, turn)
  return {
    ...info,
    lease,
    batch: undefined,
    ...withSteps(
      await withUndos(
        id,
        await allSteps(context, record, info, recorded),
        undoRecords,
        connection.encoding,
        graph === undefined ? undefined : requireIndex(graph).former?.steps,
      ),
    ),
  }
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
  const graph = graphs.get(record.graph)
  const plan = graph === undefined ? undefined : await planOfRecord(record, graph, connection.encoding)
  if (plan === undefined) return recorded
  const persistOf = (spec: StepSpec) => spec.persist ?? setup.persistOf?.(spec)
  if (isTerminal(record.status)) return endedStepInfos(plan, recorded, info, persistOf)
  return recordedStepInfos(plan, recorded, info.startedAt, persistOf)
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

function placeOf({ step, item }: StepInfo): string {
  return JSON.stringify([step, item])
}
