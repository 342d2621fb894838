import { LeaseLostError } from '../../core/errors.ts'
import { DocketError } from '../../core/docket-error.ts'
import { describeThrown } from '../../core/thrown.ts'
import type { AnyGraph, GraphIndex, StepSpec } from '../../core/graph/graph-index.ts'
import type { Plan, PlanStep } from '../../core/graph/plan.ts'
import { isRace, requireIndex } from '../../core/graph/plan.ts'
import { stepStatuses } from '../../core/contracts/statuses.ts'
import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { Turn } from '../../runtime/environment/turn.ts'
import { unbegunStep } from '../../runtime/execution/execution-view.ts'
import type { StepView } from '../../runtime/execution/execution-view.ts'
import { isPromiseLike } from '../../runtime/inputs/check-value.ts'
import { recordedInputs, split } from '../../runtime/inputs/given-inputs.ts'
import type { PersistedExecution } from '../../runtime/execution/execution-view.ts'
import type { PastAttempt } from '../../runtime/execution/past-attempt.ts'
import type { KeyNames } from '../../runtime/steps/key-names.ts'
import { machineVersion } from './machine-version.ts'
import { misfitsOfChange } from './misfits-of-change.ts'
import { awaitedKeyOf } from './awaited-key.ts'
import { failedUnderAnotherName } from './failed-under-another-name.ts'
import { misfitOfState } from '../../runtime/steps/machine-state.ts'
import { keptAttempts, withAttempts } from './attempt-history.ts'
import { keptStateOf } from './kept-state.ts'
import { queuedOf } from './queued-since.ts'
import { firstOf, winnerOf } from './race-winner.ts'
import { decodePresent, readInputs } from './stored-inputs.ts'
import type { WorkerLossPolicy } from './stored-inputs.ts'
import type { StoredLimits } from './stored-limits.ts'
import { keyNamesOf } from './stored-names.ts'
import type { StoredNames } from './stored-names.ts'
import { noUndoRecords } from './undo-records.ts'
import type { UndoRecords } from './undo-records.ts'
import { madeOfUndone } from './undone-takers.ts'
import { restoreUndos } from './restore-undos.ts'
import { attemptsBefore, isTriedAnew, retriedRecord } from './retried-records.ts'
import { isUnfinished } from './unfinished-records.ts'
import { isPromise } from '../../core/own-promise.ts'

/** An execution put together from its records, ready to go on. */
export interface RestoredExecution {
  readonly plan: Plan
  /** As the caller gave them. */
  readonly inputs: unknown
  /** Checked already, when it was created. */
  readonly leafValues: readonly unknown[]
  readonly persisted: PersistedExecution
  readonly inputHashes: ReadonlyMap<string, string>
  /** Records of steps that have not ended, as they are to be written if nothing else becomes of them. */
  readonly open: readonly StepRecord[]
  readonly keyNames: KeyNames | undefined
  /** Values that came with the start for what steps wait for. */
  readonly signals: Readonly<Record<string, unknown>> | undefined
  /** What bounds its time, where that is more than a deadline. */
  readonly limits: StoredLimits | undefined
  /** What becomes of it when its process is lost; undefined where another one goes on with it. */
  readonly onWorkerLoss: WorkerLossPolicy | undefined
  /** Whether it had ended, and begins again. */
  readonly beginsAgain: boolean
  /** Records of steps that are tried anew, as they are to be written where it begins again. */
  readonly retried: readonly StepRecord[]
  /** How often steps were undone. */
  readonly undoings: ReadonlyMap<string, number>
  /** Steps that begin anew because what they are made of was undone. */
  readonly anew: readonly string[]
}

/** Why an execution went on here. */
export type ResumeCause = 'death' | 'release' | 'end'

/** The plan of a stored execution; undefined where its inputs can't be read or no longer fit the graph. */
export async function planOfRecord(
  record: ExecutionRecord,
  graph: AnyGraph,
  encoding: ValueEncoding,
): Promise<Plan | undefined> {
  const target = requireIndex(graph).types.get(record.target)
  if (target === undefined) return undefined
  try {
    const { $checked, $overrides } = await readInputs(record, encoding)
    return recordedInputs(graph, target, $checked, $overrides).plan
  } catch (error) {
    if (!(error instanceof DocketError)) throw error
    return undefined
  }
}

/**
 * Puts an execution together from its records, or says why they don't fit this graph.
 * @throws SerializationError for damaged records
 */
export async function restoreExecution(
  record: ExecutionRecord,
  steps: readonly StepRecord[],
  graph: AnyGraph,
  encoding: ValueEncoding,
  cause: ResumeCause,
  turn: Turn,
  undoRecords: UndoRecords = noUndoRecords,
): Promise<RestoredExecution | { readonly reasons: readonly string[] }> {
  const reasons = await misfitsInTurns(record, steps, graph, turn)
  if (reasons.length > 0) return { reasons }
  const stored = await readInputs(record, encoding)
  const { $given, $checked, $versions, $overrides, $names, $signals, $limits, $onWorkerLoss } = stored
  const [inputs] = split($given, $overrides)
  const changed = [...changedInputs($given, $versions, graph), ...nowMade('input', Object.keys(inputs), graph)]
  if (changed.length > 0) return { reasons: changed }
  let given
  try {
    given = recordedInputs(graph, requireIndex(graph).types.get(record.target)!, $checked, $overrides)
  } catch (error) {
    if (!(error instanceof DocketError)) throw error
    return { reasons: [describeThrown(error)] }
  }
  const names = new Set(given.plan.steps.map(({ spec }) => spec.name))
  const known = cause === 'end' || $names === undefined ? undefined : misfitIn(graph, $names)
  const failed = known === undefined ? [] : steps.flatMap((step) => known(step) ?? [])
  if (failed.length > 0) return { reasons: failed }
  const unneeded = unneededUnfinished(steps, names, record.target)
  if (unneeded.length > 0) return { reasons: unneeded }
  const views = new Map<string, StepView>()
  const inputHashes = new Map<string, string>()
  const misfits: string[] = []
  const byName = specsByName(given.plan.index)
  const open: StepRecord[] = []
  const triedBefore = new Map<string, readonly PastAttempt[]>()
  const retried: StepRecord[] = []
  const races = racesByName(given.plan)
  for (const step of steps) {
    if (turn.mustYield()) await turn.next()
    const maxAttempts = attemptsOf(byName.get(step.step))
    const found = names.has(step.step) ? viewOf(record, step, encoding, cause, maxAttempts) : undefined
    // Mostly it is there at once, and there may be very many.
    const view = isPromise(found) ? await found : found
    if (isUnfinished(step)) open.push(await openRecordOf(record, step, view, encoding))
    if ((cause === 'end' || step.status === 'pending') && view?.endedAt === undefined && names.has(step.step)) {
      const tried = await attemptsBefore(record.id, step, encoding)
      triedBefore.set(step.step, tried)
      if (isTriedAnew(step)) retried.push(await retriedRecord(record.id, step, tried, encoding))
    }
    if (view === undefined) continue
    const misfit = misfitOfState(byName.get(step.step), view.keptState)
    if (misfit !== undefined) misfits.push(misfit)
    const race = view.status === 'completed' ? races?.get(step.step) : undefined
    views.set(step.step, race === undefined ? view : { ...view, winner: winnerOf(race, step.inputHash) })
    if (view.endedAt !== undefined && step.inputHash !== undefined) inputHashes.set(step.step, step.inputHash)
  }
  if (misfits.length > 0) return { reasons: misfits }
  const { id, target } = record
  const total = given.plan.steps.length
  const startedAt = cause === 'end' ? undefined : record.startedAt
  const { undos, ...undone } = await restoreUndos(record, undoRecords, names, views, encoding, cause === 'end', turn)
  const outdated = cause === 'end' ? [] : misfitsOfChange(record, given.plan, { steps, views, undos, undoRecords })
  if (outdated.length > 0) return { reasons: outdated }
  const persisted: PersistedExecution = {
    ...undone,
    head: { executionId: id, graph: graph.name, target, total, settled: 0, startedAt, endedAt: undefined, undos },
    input: $given,
    output: undefined,
    steps: views,
    triedBefore,
  }
  const keyNames = keyNamesOf(record, $names)
  const anew = cause === 'end' && undoRecords.undos.size > 0 ? madeOfUndone(given.plan, undoRecords, views) : []
  for (const step of anew) views.delete(step)
  const undoings = new Map(undoRecords.counts)
  for (const step of anew) undoings.set(step, (undoings.get(step) ?? 0) + 1)
  const { plan, leafValues } = given
  const found = { plan, inputs: $given, leafValues, persisted, inputHashes, open, keyNames, undoings, anew }
  const kept = { signals: $signals, limits: $limits, onWorkerLoss: $onWorkerLoss }
  return {
    ...found,
    ...kept,
    beginsAgain: cause === 'end',
    retried: retried.filter(({ step }) => !anew.includes(step)),
  }
}

/** The races of a plan; undefined where there are none. */
function racesByName({ racers, steps }: Plan): ReadonlyMap<string, PlanStep> | undefined {
  return racers === undefined ? undefined : new Map(steps.filter(isRace).map((step) => [step.spec.name, step]))
}

const goOn: ReadonlySet<StepSpec['kind']> = new Set<StepSpec['kind']>(['subgraph', 'durable', 'machine', 'remote'])

/** How often a step may begin. One that is tried once begins again after a death, though that it began is on record where it may be undone. */
export function attemptsOf(spec: StepSpec | undefined): number {
  if (spec === undefined) return 1
  // What a death takes from a subgraph is the wait for its child, which lives on; a durable function runs again to where it was, and a machine goes on from
  // where it was at rest. Another service goes on without us.
  if (goOn.has(spec.kind)) return Infinity
  return spec.maxAttempts === 1 && spec.compensate !== undefined ? Infinity : spec.maxAttempts
}

/** Inputs whose data type has another version now. Those that a migration made are as the graph wants them. */
function changedInputs(
  given: Readonly<Record<string, unknown>>,
  versions: Readonly<Record<string, string>> | undefined,
  graph: AnyGraph,
): readonly string[] {
  if (versions === undefined) return []
  const { types } = requireIndex(graph)
  return Object.keys(given).flatMap((name) => {
    const now = types.get(name)?.version
    const then = versions[name]
    return now === then
      ? []
      : [`input "${name}" was given in version ${then ?? '(none)'}, and is version ${now ?? '(none)'} now`]
  })
}

/** Values that callers gave, and that steps make now: what comes from outside must not take a step's place. */
export function nowMade(what: string, names: readonly string[], graph: AnyGraph): readonly string[] {
  const { producers } = requireIndex(graph)
  return names.flatMap((name) => {
    const producer = producers.get(name)
    return producer === undefined
      ? []
      : [`${what} "${name}" was given by its caller, and step "${producer.name}" makes it now`]
  })
}

const remedy = 'if another step takes its place, give that one `formerly`, or handle it in `migrate`'

/** The status, and which attempt it is of: one that its process has taken back is none. */
function stateOf({ status, attempt }: StepRecord): string {
  return attempt === 0 ? status : `${status} (attempt ${attempt})`
}

/** Steps that the graph still has and that have begun, but that the target needs no more: what they do would be given up unnoticed. */
export function unneededUnfinished(
  steps: readonly StepRecord[],
  needed: ReadonlySet<string>,
  target: string,
): readonly string[] {
  return steps.flatMap((record) =>
    !hasBegun(record) || needed.has(record.step)
      ? []
      : `step "${record.step}" is ${stateOf(record)}, but "${target}" does not need it any more; ${remedy}`,
  )
}

/** Whether a step that has not ended has begun in this life of its execution. */
function hasBegun({ status }: Pick<StepRecord, 'status'>): boolean {
  return isUnfinished({ status }) && status !== 'pending'
}

const specs = new WeakMap<GraphIndex, ReadonlyMap<string, StepSpec>>()

/** A graph's steps by name. */
export function specsByName(index: GraphIndex): ReadonlyMap<string, StepSpec> {
  let found = specs.get(index)
  if (found === undefined) specs.set(index, (found = new Map(index.specs.map((spec) => [spec.name, spec]))))
  return found
}

/** What of an execution's own record does not fit the graph as it is now. */
export function misfitsOf(record: ExecutionRecord, graph: AnyGraph): readonly string[] {
  const index = requireIndex(graph)
  const reasons: string[] = []
  if (record.machineVersion > machineVersion)
    reasons.push(
      `it was written by a newer version (format ${record.machineVersion}, this one knows ${machineVersion})`,
    )
  if (!index.types.has(record.target)) reasons.push(`the graph has no type "${record.target}" any more`)
  return reasons
}

async function misfitsInTurns(
  record: ExecutionRecord,
  steps: readonly StepRecord[],
  graph: AnyGraph,
  turn: Turn,
): Promise<readonly string[]> {
  const reasons = new Set(misfitsOf(record, graph))
  const misfitOf = misfitIn(graph)
  for (const step of steps) {
    if (turn.mustYield()) await turn.next()
    const reason = misfitOf(step)
    if (reason !== undefined) reasons.add(reason)
  }
  return [...reasons]
}

/** Says of a step's record why it does not fit the graph; undefined for one that does. `names`: those of an execution that has not ended. */
export function misfitIn(graph: AnyGraph, names?: StoredNames): (record: StepRecord) => string | undefined {
  const index = requireIndex(graph)
  const byName = specsByName(index)
  return (record) => {
    const { step, type, typeVersion, status } = record
    // A record that somebody edited, or that a newer version wrote, may have another.
    if (!stepStatuses.includes(status))
      return `step "${step}" has the status "${String(status)}", which this version does not know`
    const spec = byName.get(step)
    // What began under a name that is gone would be begun again under another one, with another idempotency key.
    if (spec === undefined && hasBegun({ status }))
      return `step "${step}" is ${stateOf(record)}, but the graph has no such step any more; ${remedy}`
    if (status !== 'completed' && status !== 'cached')
      return spec === undefined ? failedUnderAnotherName(record, names, index) : undefined
    if (spec === undefined) return `step "${step}" has a result, but the graph has no such step any more; ${remedy}`
    if (spec.output.name !== type) return `step "${step}" made "${type}", and makes "${spec.output.name}" now`
    if (spec.output.version === typeVersion) return undefined
    return `step "${step}" made version ${typeVersion ?? '(none)'} of "${type}", which is version ${spec.output.version ?? '(none)'} now`
  }
}

/** A record of a step that has not ended, as it is written if nothing else becomes of it: the last attempt may have died with its process. */
export async function openRecordOf(
  { id }: ExecutionRecord,
  record: StepRecord,
  view: StepView | undefined,
  encoding: ValueEncoding,
): Promise<StepRecord> {
  if (view?.status !== 'failed') return record
  const error = await encoding.encodeError(view.error, ['step', id, record.step, record.item, 'error'])
  return { ...record, status: 'failed', error, endedAt: view.endedAt }
}

/** What a record says of its step; undefined where it begins anew. A promise only where a codec's is. */
export function viewOf(
  { id, epoch }: Pick<ExecutionRecord, 'id' | 'epoch'>,
  record: StepRecord,
  encoding: ValueEncoding,
  cause: ResumeCause,
  maxAttempts: number,
): StepView | undefined | Promise<StepView | undefined> {
  const { step, item, status, attempt, startedAt, endedAt, dueAt, output, attempts } = record
  if (status !== 'completed' && status !== 'cached')
    return openViewOf({ id, epoch }, record, encoding, cause, maxAttempts)
  const made = decodePresent(output, ['step', id, step, item, 'output'], encoding)
  // One for each of very many: all of its fields at once.
  const viewWith = (value: unknown): StepView => ({
    status,
    attempt,
    startedAt,
    endedAt,
    dueAt,
    output: value,
    error: undefined,
  })
  if (attempts !== undefined)
    return withAttempts(Promise.resolve(made).then(viewWith), record, ['step', id, step, item, 'attempts'], encoding)
  return isPromiseLike(made) ? Promise.resolve(made).then(viewWith) : viewWith(made)
}

async function openViewOf(
  { id, epoch }: Pick<ExecutionRecord, 'id' | 'epoch'>,
  record: StepRecord,
  encoding: ValueEncoding,
  cause: ResumeCause,
  maxAttempts: number,
): Promise<StepView | undefined> {
  const { step, item, status, attempt, startedAt, endedAt, dueAt, output, error } = record
  const identity = ['step', id, step, item]
  const noted = output === undefined ? undefined : await encoding.decode(output, [...identity, 'output'])
  const first = firstOf(noted)
  const keptState = keptStateOf(noted)
  // An execution that is started again tries anew what failed; what has won a race stays, and what is data goes on from there.
  if (cause === 'end' || status === 'pending') {
    if (keptState !== undefined) return { ...unbegunStep, keptState }
    return first === undefined ? undefined : { ...unbegunStep, first }
  }
  const attempts = await keptAttempts(record, [...identity, 'attempts'], encoding)
  const { queuedAt } = record
  const times = { startedAt, endedAt, dueAt, queuedAt }
  const view = { status, attempt, ...times, output: undefined, error: undefined, first, keptState, attempts }
  const thrown = error === undefined ? undefined : await encoding.decodeError(error, [...identity, 'error'])
  if (status === 'retrying' || status === 'failed') return { ...view, error: thrown }
  if (status === 'waiting') return { ...view, awaitedKey: awaitedKeyOf(noted) }
  if (status === 'queued') {
    // It has its place in line again; attempts before count.
    const queuedSince = queuedOf(noted)?.since
    const status = attempt === 0 ? 'pending' : 'retrying'
    const queued = { ...view, status, queuedSince, queuedAt: queuedAt ?? (attempt === 0 ? queuedSince : undefined) }
    return attempt === 0 ? { ...queued, startedAt: undefined } : queued
  }
  // What had stopped it may not have got there, as the end of its item: where it is needed still, it goes on from what it was at.
  if (status === 'cancelled' && keptState !== undefined) return { ...view, status: 'waiting' }
  if (status !== 'running') return undefined
  // A process that gives up what it runs takes its attempts back. So whoever ran one that is still on record died of it, though others may
  // have had the execution since, and released it because they could not go on. Only what was recorded with the execution may not have
  // begun: where its creator gave it up at once, or never had the answer.
  if (cause === 'release' && epoch === 2 && attempt === 1) return { ...view, attempt: 0 }
  if (attempt < maxAttempts) return view
  const death = new LeaseLostError(`the process died during attempt ${attempt} of ${maxAttempts} of step "${step}"`, {
    executionId: id,
    step,
    attempt,
  })
  return { ...view, status: 'failed', endedAt: startedAt, error: death }
}
