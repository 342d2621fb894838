import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import type { UndoView } from '../../runtime/execution/execution-view.ts'
import { mostBeginnings } from '../../runtime/execution/undo.ts'
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

/** The records of steps alone, and what is kept beside them. */
export function splitUndoRecords(records: readonly StepRecord[]): {
  readonly steps: readonly StepRecord[]
  readonly undoRecords: UndoRecords
} {
  const undos = new Map<string, StepRecord>()
  const inputs = new Map<string, StepRecord>()
  const counts = new Map<string, number>()
  const steps = records.filter((record) => {
    const { step } = record
    if (step.startsWith(undoOf)) undos.set(step.slice(undoOf.length), record)
    else if (step.startsWith(inputsOf)) inputs.set(step.slice(inputsOf.length), record)
    else if (step.startsWith(countOf)) counts.set(step.slice(countOf.length), record.attempt)
    else return true
    return false
  })
  return { steps, undoRecords: { undos, inputs, counts } }
}

const blank: Omit<StepRecord, 'step' | 'status'> = {
  item: '',
  attempt: 0,
  inputHash: undefined,
  type: undoType,
  typeVersion: undefined,
  output: undefined,
  error: undefined,
  startedAt: undefined,
  endedAt: undefined,
  dueAt: undefined,
}

/** Which stored value is which: none can be moved to another place. */
export function undoIdentity(id: string, step: string, field: 'error' | 'inputs'): readonly string[] {
  return ['step', id, `${field === 'error' ? undoOf : inputsOf}${step}`, '', field]
}

/** How far it is undone. */
export function undoRecordOf(step: string, view: UndoView, error: StoredValue | undefined): StepRecord {
  const { attempt, startedAt, endedAt, dueAt } = view
  const status = view.status === 'undone' ? 'completed' : view.status
  const typeVersion = view.isUncertain ? uncertain : undefined
  return { ...blank, step: undoOf + step, status, attempt, typeVersion, startedAt, endedAt, dueAt, error }
}

/** An attempt of it may have done something that nobody knows of. */
export function uncertainRecordOf(step: string): StepRecord {
  return { ...blank, step: undoOf + step, status: 'pending' }
}

/** What its function is given. */
export function inputsRecordOf(step: string, inputs: StoredValue): StepRecord {
  return { ...blank, step: inputsOf + step, status: 'skipped', output: inputs }
}

/** What its undoing leaves: a result that does not count any more, and one more undoing. */
export function undoneRecordsOf(step: string, undoings: number, at: number): readonly StepRecord[] {
  return [
    { ...blank, step, status: 'cancelled', type: droppedType, endedAt: at },
    { ...blank, step: countOf + step, status: 'skipped', attempt: undoings },
  ]
}

/** The undoings of an execution that begins again: they were those of its last life. */
export function forgottenUndos({ undos }: UndoRecords): readonly StepRecord[] {
  return [...undos.values()].map(forgottenRecord)
}

/** In the place of a record that does not count any more. */
export function forgottenRecord(record: StepRecord): StepRecord {
  return { ...record, status: 'cancelled', type: droppedType, output: undefined, error: undefined }
}

/** The same record of a step that has another name now. */
export function withStepName(record: StepRecord, from: string, to: string): StepRecord {
  return { ...record, step: record.step.slice(0, record.step.length - from.length) + to }
}

/** Whether something of an execution may have to be undone, as far as its records can say that, which come in portions: of them names are kept. */
export class EffectSearch {
  readonly #begun = new Set<string>()
  readonly #withInputs = new Set<string>()
  readonly #uncertain = new Set<string>()

  take(records: readonly StepRecord[]): void {
    const { steps, undoRecords } = splitUndoRecords(records)
    for (const { step } of steps) this.#begun.add(step)
    for (const step of undoRecords.inputs.keys()) this.#withInputs.add(step)
    for (const [step, { status }] of undoRecords.undos) if (status === 'pending') this.#uncertain.add(step)
  }

  get hasFound(): boolean {
    return [...this.#withInputs].some((step) => this.#begun.has(step) || this.#uncertain.has(step))
  }
}

/** How many more deaths of its owners an execution survives that is compensating: undoings that kill them come to an end by themselves. */
export function deathsOfUndos({ status }: ExecutionRecord, records: readonly StepRecord[] = []): number {
  if (status !== 'compensating') return 0
  const undos = splitUndoRecords(records).undoRecords.undos.values()
  return mostBeginnings * [...undos].filter((undo) => undo.status === 'running').length
}

/** Whether nobody knows what the step did that is undone. */
export function isUncertain({ status, typeVersion }: StepRecord): boolean {
  return status === 'pending' || typeVersion === uncertain
}

/** How far a step is undone; undefined where a record says nothing of it. */
export function undoStatusOf({ status }: StepRecord): UndoView['status'] | undefined {
  if (status === 'completed') return 'undone'
  return status === 'pending' || status === 'running' || status === 'retrying' || status === 'failed'
    ? status
    : undefined
}
