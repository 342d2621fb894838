import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import { isDigestOfChild } from './child-digest.ts'
import { SerializationError } from '../../core/errors.ts'
import { DocketError } from '../../core/docket-error.ts'
import type { FormerNames } from '../../core/graph/former-names.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import { isRecord } from '../../core/is-record.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { FullClock } from '../../runtime/environment/clock.ts'
import { turnOf } from '../../runtime/environment/turn.ts'
import { recordedInputs } from '../../runtime/inputs/given-inputs.ts'
import { requestDigestOf } from '../../runtime/results/execution-memory.ts'
import { droppedRecord } from './migrate-records.ts'
import { placeOf } from './step-place.ts'
import { decodePresent, readInputs } from './stored-inputs.ts'
import { namesAtResumption } from './stored-names.ts'
import type { StoredNames } from './stored-names.ts'
import type { UndoRecords } from './undo-records.ts'
import { movedAttempts } from './attempt-history.ts'

/** The records of an execution. */
export interface StoredRecords {
  readonly record: ExecutionRecord
  readonly steps: readonly StepRecord[]
  /** What is kept beside the records of steps, of an execution. @default nothing */
  readonly undoRecords?: UndoRecords
  /** Records of steps that have not ended, and that no step goes on with. @default none */
  readonly left?: readonly StepRecord[]
  /** Whether the target is stored under a former name. @default false */
  readonly hasFormerTarget?: boolean
}

/** Records as the graph names things now. */
export interface PresentRecords extends StoredRecords {
  /** What is to be written where the execution goes on under these names; undefined where nothing is. */
  readonly changes: { readonly inputs: StoredValue | undefined; readonly steps: readonly StepRecord[] } | undefined
}

/**
 * Puts present names in the place of former ones: of the graph, its steps and its types. For one execution; of a batch, see present-batch.ts.
 * @throws SerializationError for damaged records
 */
export async function underPresentNames(
  { record, steps }: StoredRecords,
  graph: AnyGraph,
  encoding: ValueEncoding,
  clock: FullClock,
): Promise<PresentRecords> {
  const { former } = requireIndex(graph)
  const recorded = new Set(steps.map(({ step }) => step))
  const head = await headUnderPresentNames(record, recorded, graph, encoding)
  if (former === undefined || head === undefined) return { record, steps, changes: undefined }
  const { present, changedInputs, hasFormerTypes } = head
  const renamed = await presentSteps(record.id, steps, former, encoding, clock)
  const requestDigest = hasFormerTypes ? await presentDigestOf(present, graph, encoding) : record.requestDigest
  const isChanged = changedInputs !== undefined || renamed.changes.length > 0
  return {
    record: { ...present, requestDigest },
    hasFormerTarget: present.target !== record.target,
    steps: renamed.steps,
    changes: isChanged ? { inputs: changedInputs, steps: renamed.changes } : undefined,
  }
}

/** The record of an execution or a batch as its graph names things now; undefined where nothing had another name, or its inputs are none. */
export async function headUnderPresentNames(
  record: ExecutionRecord,
  recorded: ReadonlySet<string>,
  graph: AnyGraph,
  encoding: ValueEncoding,
): Promise<
  | {
      readonly present: ExecutionRecord
      /** The inputs as they are to be written, with the names that keys are made of; undefined where they are so already. */
      readonly changedInputs: StoredValue | undefined
      /** Whether the request’s digest may have been made with former names. */
      readonly hasFormerTypes: boolean
    }
  | undefined
> {
  const index = requireIndex(graph)
  if (index.former === undefined) return undefined
  const identity = ['execution', record.id, 'inputs']
  const stored = await decodePresent(record.inputs, identity, encoding)
  if (!isRecord(stored)) return undefined
  const names = namesAtResumption(record, stored['$names'] as StoredNames | undefined, recorded, index)
  const named = (document: object): object => (names === undefined ? document : { ...document, $names: names })
  const inputs = await encoding.encode(named(renamedDocument(record, stored, index.former)), identity)
  const isSameNames = JSON.stringify(names) === JSON.stringify(stored['$names'])
  return {
    present: { ...record, ...presentHead(record, graph, index.former), inputs },
    changedInputs: isSameNames ? undefined : await encoding.encode(named(stored), identity),
    hasFormerTypes: mayHaveFormerTypes(record, stored, index.former),
  }
}

/** Records as the graph names things now, to be shown. What can't be read keeps its names. */
export async function shownRecords(
  stored: StoredRecords,
  graph: AnyGraph | undefined,
  encoding: ValueEncoding,
  clock: FullClock,
): Promise<StoredRecords> {
  if (graph === undefined) return stored
  try {
    return await underPresentNames(stored, graph, encoding, clock)
  } catch (error) {
    if (!(error instanceof SerializationError)) throw error
    return { ...stored, record: await presentRecord(stored.record, graph, encoding) }
  }
}

/** A record as the graph names things now, to be shown. One whose inputs can't be read keeps them. */
export async function presentRecord(
  record: ExecutionRecord,
  graph: AnyGraph | undefined,
  encoding: ValueEncoding,
): Promise<ExecutionRecord> {
  const former = graph === undefined ? undefined : requireIndex(graph).former
  if (graph === undefined || former === undefined) return record
  const present = { ...record, ...presentHead(record, graph, former) }
  const identity = ['execution', record.id, 'inputs']
  try {
    const stored = await decodePresent(record.inputs, identity, encoding)
    if (!isRecord(stored)) return present
    return { ...present, inputs: await encoding.encode(renamedDocument(record, stored, former), identity) }
  } catch (error) {
    if (!(error instanceof SerializationError)) throw error
    return present
  }
}

function presentHead(
  { target }: ExecutionRecord,
  graph: AnyGraph,
  { types }: FormerNames,
): Pick<ExecutionRecord, 'graph' | 'target'> {
  return { graph: graph.name, target: types.get(target) ?? target }
}

/** The records of steps under present names, and what is to be written for that. */
async function presentSteps(
  id: string,
  rows: readonly StepRecord[],
  { steps: presentNames, types }: FormerNames,
  encoding: ValueEncoding,
  clock: FullClock,
): Promise<{ readonly steps: readonly StepRecord[]; readonly changes: readonly StepRecord[] }> {
  const steps = new Map<string, StepRecord>()
  const changes = new Map<string, StepRecord>()
  const former: StepRecord[] = []
  const turn = turnOf(clock)
  const at = clock.now()
  for (const row of rows) {
    if (turn.mustYield()) await turn.next()
    if (presentNames.has(row.step)) former.push(row)
    else steps.set(placeOf(row), { ...row, type: types.get(row.type) ?? row.type })
  }
  for (const row of former) {
    if (turn.mustYield()) await turn.next()
    changes.set(placeOf(row), droppedRecord(row, at))
    const renamed = { ...row, step: presentNames.get(row.step)!, type: types.get(row.type) ?? row.type }
    const standing = steps.get(placeOf(renamed))
    if (standing !== undefined && !takesPlaceOf(renamed, standing)) continue
    const moved = await movedRecord(id, row, renamed, encoding)
    steps.set(placeOf(moved), moved)
    changes.set(placeOf(moved), moved)
  }
  return { steps: [...steps.values()], changes: [...changes.values()] }
}

/** Its values encoded for their new place: no value can be moved to another one. */
export async function movedRecord(
  id: string,
  from: StepRecord,
  to: StepRecord,
  encoding: ValueEncoding,
): Promise<StepRecord> {
  const [old, now] = [from, to].map(({ step, item }) => ['step', id, step, item])
  const { output, error } = from
  return {
    ...to,
    attempts: await movedAttempts(from.attempts, [...old!, 'attempts'], [...now!, 'attempts'], encoding),
    output:
      output === undefined
        ? undefined
        : await encoding.encode(await encoding.decode(output, [...old!, 'output']), [...now!, 'output']),
    error:
      error === undefined
        ? undefined
        : await encoding.encodeError(await encoding.decodeError(error, [...old!, 'error']), [...now!, 'error']),
  }
}

/**
 * Whether of two records of one step the one under an older name holds: what is completed does, else what was written last. An older version of the program may have
 * gone on after a newer one had failed.
 */
export function takesPlaceOf(older: RecordedEnd, newer: RecordedEnd): boolean {
  if (isCompleted(newer)) return false
  return isCompleted(older) || writtenAt(older) > writtenAt(newer)
}

/** What says which of two records of one step holds. */
export type RecordedEnd = Pick<StepRecord, 'status' | 'startedAt' | 'endedAt'>

function isCompleted({ status }: RecordedEnd): boolean {
  return status === 'completed' || status === 'cached'
}

function writtenAt({ startedAt = 0, endedAt = startedAt }: RecordedEnd): number {
  return endedAt
}

/** The stored inputs of an execution, or a batch's head, by present names of types. */
function renamedDocument(
  { kind }: ExecutionRecord,
  document: Readonly<Record<string, unknown>>,
  { types }: FormerNames,
): Readonly<Record<string, unknown>> {
  if (types.size === 0) return document
  const lists = kind === 'batch' ? ['leaves'] : ['$overrides']
  const records = kind === 'batch' ? ['shared', 'overrides'] : ['$checked', '$versions', '$signals']
  const renamed = kind === 'batch' ? document : (renamedKeys(document, types) as Record<string, unknown>)
  return Object.fromEntries(
    Object.entries(renamed).map(([key, value]) => {
      if (records.includes(key)) return [key, renamedKeys(value, types)]
      if (!lists.includes(key) || !Array.isArray(value)) return [key, value]
      return [key, value.map((name: unknown) => types.get(name as string) ?? name)]
    }),
  )
}

/** A record whose keys are names of types, by present ones. */
export function renamedKeys(record: unknown, types: ReadonlyMap<string, string>): unknown {
  if (!isRecord(record)) return record
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [types.get(name) ?? name, value]))
}

/** Whether the request’s digest may have been made with former names. What a batch has of them may be in any of its items. */
function mayHaveFormerTypes(
  { kind, target }: ExecutionRecord,
  document: Readonly<Record<string, unknown>>,
  { types }: FormerNames,
): boolean {
  if (types.size === 0) return false
  return kind === 'batch' || types.has(target) || Object.keys(document).some((name) => types.has(name))
}

/** The request’s digest as it would be now; the one that the record has, where it does not fit the graph. */
async function presentDigestOf(record: ExecutionRecord, graph: AnyGraph, encoding: ValueEncoding): Promise<string> {
  const type = requireIndex(graph).types.get(record.target)
  if (type === undefined || isDigestOfChild(record.requestDigest)) return record.requestDigest
  try {
    const { $given, $overrides } = await readInputs(record, encoding)
    const { plan, leafValues } = recordedInputs(graph, type, $given, $overrides)
    return encoding.resultKey(requestDigestOf(plan, leafValues))
  } catch (error) {
    if (!(error instanceof DocketError)) throw error
    return record.requestDigest
  }
}
