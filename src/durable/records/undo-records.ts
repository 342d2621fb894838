import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import type { UndoView } from '../../runtime/execution/execution-view.ts'
import { mostBeginnings } from '../../runtime/execution/undo.ts'
import { placeOf } from './step-place.ts'
import { droppedType } from './migrate-records.ts'

/**
 * Beginnings of the names under which an execution keeps, beside a step's own record: how far what it did is undone, what its function was
 * given, and how often it has been undone.
 */
const undoOf = '$undo '
const inputsOf = '$inputs '
const countOf = '$undone '
const undoType = '$undo'
/** In the place of a version: nobody knows what the step did. */
const uncertain = 'uncertain'

/** What an execution keeps of its steps that have `compensate`, by their names. */
export interface UndoRecords {
  readonly undos: ReadonlyMap<string, StepRecord>
  readonly inputs: ReadonlyMap<string, StepRecord>
  readonly counts: ReadonlyMap<string, number>
}

export const noUndoRecords: UndoRecords = { undos: new Map(), inputs: new Map(), counts: new Map() }

/** Which step a record is kept beside, and as what; undefined for one of a step itself. */
export function keptBeside({
  step,
}: Pick<StepRecord, 'step'>): { readonly as: 'undo' | 'inputs' | 'count'; readonly step: string } | undefined {
  // Most are not.
  if (!step.startsWith('$')) return undefined
  if (step.startsWith(undoOf)) return { as: 'undo', step: step.slice(undoOf.length) }
  if (step.startsWith(inputsOf)) return { as: 'inputs', step: step.slice(inputsOf.length) }
  return step.startsWith(countOf) ? { as: 'count', step: step.slice(countOf.length) } : undefined
}

/** Which step, of which item; an execution has the item ''. */
export interface StepPlace {
  readonly step: string
  readonly item: string
}

/** The records of steps alone, and what is kept beside them. */
export function splitUndoRecords(records: readonly StepRecord[]): {
  readonly steps: readonly StepRecord[]
  readonly undoRecords: UndoRecords
} {
  const undos = new Map<string, StepRecord>()
  const inputs = new Map<string, StepRecord>()
  const counts = new Map<string, number>()
  const steps = records.filter((record) => {
    const kept = keptBeside(record)
    if (kept?.as === 'undo') undos.set(kept.step, record)
    else if (kept?.as === 'inputs') inputs.set(kept.step, record)
    else if (kept?.as === 'count') counts.set(kept.step, record.attempt)
    return kept === undefined
  })
  return { steps, undoRecords: { undos, inputs, counts } }
}

const blank: Omit<StepRecord, 'step' | 'item' | 'status'> = {
  attempt: 0,
  inputHash: undefined,
  type: undoType,
  typeVersion: undefined,
  output: undefined,
  error: undefined,
  attempts: undefined,
  queuedAt: undefined,
  startedAt: undefined,
  endedAt: undefined,
  dueAt: undefined,
}

/** Which stored value is which: none can be moved to another place. */
export function undoIdentity(
  id: string,
  { step, item }: StepPlace,
  field: 'error' | 'inputs' | 'attempts',
): readonly string[] {
  return ['step', id, `${field === 'inputs' ? inputsOf : undoOf}${step}`, item, field]
}

/** What is kept of a step whose own record its undoing takes the place of: how it was tried. */
export type KeptHistory = Pick<StepRecord, 'attempts' | 'queuedAt'>

/** How far it is undone; once that is over, with how the step itself was tried. */
export function undoRecordOf(
  { step, item }: StepPlace,
  view: UndoView,
  error: StoredValue | undefined,
  history?: KeptHistory,
): StepRecord {
  const { attempt, startedAt, endedAt, dueAt } = view
  const status = view.status === 'undone' ? 'completed' : view.status
  const typeVersion = view.isUncertain ? uncertain : undefined
  const times = { startedAt, endedAt, dueAt }
  return { ...blank, step: undoOf + step, item, status, attempt, typeVersion, ...times, error, ...history }
}

/** An attempt of it may have done something that nobody knows of. */
export function uncertainRecordOf({ step, item }: StepPlace): StepRecord {
  return { ...blank, step: undoOf + step, item, status: 'pending' }
}

/** What its function is given. */
export function inputsRecordOf({ step, item }: StepPlace, inputs: StoredValue): StepRecord {
  return { ...blank, step: inputsOf + step, item, status: 'skipped', output: inputs }
}

/** In the place of an item's outcome: it fails, once what it did is undone. */
export function failingRecordOf({ step, item }: StepPlace, error: StoredValue | undefined): StepRecord {
  return { ...blank, step, item, status: 'running', type: step, error }
}

/** What its undoing leaves: a result that does not count any more, and one more undoing. */
export function undoneRecordsOf(
  { step, item }: StepPlace,
  undoings: number,
  at: number,
): readonly [dropped: StepRecord, count: StepRecord] {
  return [
    { ...blank, step, item, status: 'cancelled', type: droppedType, endedAt: at },
    { ...blank, step: countOf + step, item, status: 'skipped', attempt: undoings },
  ]
}

/** The undoings of an execution that begins again: they were those of its last life. */
export function forgottenUndos({ undos }: UndoRecords): readonly StepRecord[] {
  return [...undos.values()].map(forgottenRecord)
}

/** In the place of a record that does not count any more. */
export function forgottenRecord(record: StepRecord): StepRecord {
  const values = { output: undefined, error: undefined, attempts: undefined, queuedAt: undefined }
  return { ...record, status: 'cancelled', type: droppedType, ...values }
}

/** The same record of a step that has another name now. */
export function withStepName(record: StepRecord, from: string, to: string): StepRecord {
  return { ...record, step: record.step.slice(0, record.step.length - from.length) + to }
}

/** Whether something of an execution may have to be undone, as far as its records can say that, which come in portions: of them names are kept. */
export class EffectSearch {
  readonly #begun = new Set<string>()
  readonly #withInputs = new Set<string>()
  hasFound = false

  take(records: readonly StepRecord[]): void {
    // That is enough, and there may be very many.
    if (this.hasFound) return
    for (const record of records) {
      const kept = keptBeside(record)
      const place = placeOf({ step: kept?.step ?? record.step, item: record.item })
      if (kept?.as === 'inputs') this.#withInputs.add(place)
      else if (kept === undefined || (kept.as === 'undo' && record.status === 'pending')) this.#begun.add(place)
      this.hasFound ||= this.#withInputs.has(place) && this.#begun.has(place)
    }
  }
}

/** How many more deaths of its owners an execution survives that is compensating: undoings that kill them come to an end by themselves. */
export function deathsOfUndos(
  { status }: ExecutionRecord,
  records: readonly StepRecord[] = [],
  undosOfItems = 0,
): number {
  if (status !== 'compensating') return 0
  const undos = splitUndoRecords(records).undoRecords.undos.values()
  return mostBeginnings * ([...undos].filter((undo) => undo.status === 'running').length + undosOfItems)
}

/** Whether nobody knows what the step did that is undone. */
export function isUncertain({ status, typeVersion }: StepRecord): boolean {
  return status === 'pending' || typeVersion === uncertain
}

/** Whether it is kept of a step that all items of a batch share, so that what it may have done can still be undone in the batch's next life. */
export function isLeftUnknown({ item, status }: StepRecord, as: 'undo' | 'inputs'): boolean {
  return item === '' && (as === 'inputs' || status === 'pending')
}

/** How far a step is undone; undefined where a record says nothing of it. */
export function undoStatusOf({ status }: StepRecord): UndoView['status'] | undefined {
  if (status === 'completed') return 'undone'
  return status === 'pending' || status === 'running' || status === 'retrying' || status === 'failed'
    ? status
    : undefined
}
