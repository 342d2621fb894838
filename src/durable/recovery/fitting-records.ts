import type { DroppedCheckpoints } from '../../core/contracts/checkpoint-record.ts'
import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import type { AnyGraph, GraphIndex } from '../../core/graph/graph-index.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import { keyNameOfStep } from '../../runtime/steps/key-names.ts'
import { turnOf } from '../../runtime/environment/turn.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { graphHashOf } from '../records/graph-hash.ts'
import { droppedRecord, droppedType, migrateRecords } from '../records/migrate-records.ts'
import type { MigratedRecords } from '../records/migrate-records.ts'
import { underPresentNames } from '../records/present-names.ts'
import type { PresentRecords, StoredRecords } from '../records/present-names.ts'
import { keyNamesOf, nameByFirstName } from '../records/stored-names.ts'
import { readInputs } from '../records/stored-inputs.ts'
import type { UndoRecords } from '../records/undo-records.ts'
import { namesNow, underNamesNow } from '../records/renamed-undos.ts'
import { splitUndoRecords } from '../records/undo-records.ts'
import { isUnfinished } from '../records/unfinished-records.ts'

/** The records of an execution as the graph of this process takes them. */
export interface FittedRecords {
  /** Under the names of today, and as a migration made them. */
  readonly stored: StoredRecords
  /** Writes them so, where they are another ones than those that are stored, and stay. */
  write(): Promise<void>
}

/** Gives an execution's records the names of today, and lets `migrate` make them fit. Nothing is written yet. @throws SerializationError, and what `migrate` throws */
export async function fittedRecords(
  context: DocketContext,
  record: ExecutionRecord,
  known: readonly StepRecord[],
  graph: AnyGraph,
): Promise<FittedRecords> {
  const { connection, options, clock } = context
  const hook = options.migrate?.[graph.name]
  const graphHash = graphHashOf(requireIndex(graph))
  const { steps, undoRecords } = splitUndoRecords(known)
  const isSame = graphHash === record.graphHash
  const present = await underPresentNames({ record, steps }, graph, connection.encoding, clock)
  const migrated =
    isSame || hook === undefined
      ? undefined
      : await migrateRecords(hook, present.record, present.steps, connection.encoding, turnOf(clock))
  const { execution, steps: records } = migrated ?? { execution: present.record, steps: present.steps }
  const names = new Set(records.map(({ step }) => step))
  // A target is not rewritten: such an execution is migrated each time that it goes on, and keeps its old records until it ends.
  const isKept = execution.target === present.record.target
  const left = isKept ? [] : steps.filter((step) => isUnfinished(step) && !names.has(step.step))
  const nameNow = namesNow(requireIndex(graph).former?.steps, present.steps, migrated)
  const undos = await underNamesNow(record.id, undoRecords, nameNow, connection.encoding)
  const counts = await knownCounts(undos.undoRecords.counts, execution, requireIndex(graph), connection.encoding)
  return {
    stored: { ...present, record: execution, steps: records, left, undoRecords: { ...undos.undoRecords, counts } },
    write: async () => {
      if (isKept && !(isSame && present.changes === undefined && undos.changes.length === 0))
        await writeFittingRecords(context, present, migrated, graph, undos.changes)
    },
  }
}

/** How often steps were undone, those too that a later version of the program has given another name, and undone under that: what they did then has another key. */
async function knownCounts(
  counts: UndoRecords['counts'],
  execution: ExecutionRecord,
  index: GraphIndex,
  encoding: ValueEncoding,
): Promise<UndoRecords['counts']> {
  const names = new Set(index.specs.map(({ name }) => name))
  if ([...counts.keys()].every((step) => names.has(step))) return counts
  const { $names } = await readInputs(execution, encoding)
  const known = new Map<string, number>()
  for (const [step, count] of counts) {
    const name = names.has(step) ? step : nameByFirstName(step, $names, index)
    known.set(name, Math.max(count, known.get(name) ?? 0))
  }
  return known
}

/** What the functions of steps came to that a migration has left out: they begin anew. */
async function checkpointsOf(
  { connection }: DocketContext,
  record: ExecutionRecord,
  steps: readonly string[],
  graph: AnyGraph,
): Promise<readonly DroppedCheckpoints[] | undefined> {
  if (steps.length === 0 || connection.store.readCheckpoints === undefined) return undefined
  const { $names } = await readInputs(record, connection.encoding)
  const named = { plan: { index: requireIndex(graph) }, keyNames: keyNamesOf(record, $names) }
  return steps.map((step) => ({ step: keyNameOfStep(named, step), item: '' }))
}

/** The records as they fit now: from here on they are the execution's. */
async function writeFittingRecords(
  context: DocketContext,
  { record, steps, changes }: PresentRecords,
  migrated: MigratedRecords | undefined,
  graph: AnyGraph,
  undoChanges: readonly StepRecord[],
): Promise<void> {
  const graphHash = graphHashOf(requireIndex(graph))
  const renamed = [...(changes?.steps ?? []), ...undoChanges]
  if (migrated === undefined) {
    const inputs = changes?.inputs
    await context.change(record, { graphHash, ...(inputs !== undefined && { inputs }) }, { steps: renamed })
    return
  }
  const names = new Set(migrated.steps.map(({ step }) => step))
  const gone = (changes?.steps ?? []).filter(({ type, step }) => type === droppedType && !names.has(step))
  const dropped = steps.filter(({ step }) => !names.has(step)).map((step) => droppedRecord(step, context.clock.now()))
  const { inputs } = migrated.execution
  const kept = [...gone, ...dropped, ...migrated.steps, ...undoChanges]
  const leftOut = dropped.map(({ step }) => step).filter((step) => !migrated.renamed.has(step))
  const droppedCheckpoints = await checkpointsOf(context, record, leftOut, graph)
  await context.change(record, { graphHash, inputs }, { steps: kept, droppedCheckpoints })
}
