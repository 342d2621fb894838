import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import { isRecord } from '../../core/is-record.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { Turn } from '../../runtime/environment/turn.ts'
import type { PersistedExecution, StepView, UndoView } from '../../runtime/execution/execution-view.ts'
import { hasCompleted } from './known-outcome.ts'
import { decodePresent } from './stored-inputs.ts'
import { isUncertain, undoIdentity, undoStatusOf } from './undo-records.ts'
import type { StepPlace, UndoRecords } from './undo-records.ts'

/** What an execution that goes on knows of its undoing. */
type RestoredUndos = Pick<PersistedExecution, 'value' | 'error' | 'givenInputs' | 'outcome'> & {
  readonly undos: Readonly<Record<string, UndoView>> | undefined
}

export const stopped = { attempt: 0, startedAt: undefined, endedAt: undefined, dueAt: undefined, output: undefined }

/** Reads how far an execution is undone. Steps of which all is undone are put among the views, as cancelled. @throws SerializationError */
export async function restoreUndos(
  record: ExecutionRecord,
  { undos: records, inputs }: UndoRecords,
  names: ReadonlySet<string>,
  views: Map<string, StepView>,
  encoding: ValueEncoding,
  beginsAgain: boolean,
  turn: Turn,
): Promise<RestoredUndos> {
  const { id, error } = record
  const outcome = await outcomeOf(record, encoding, beginsAgain)
  const isCompensating = record.status === 'compensating' && outcome === undefined
  const thrown =
    !isCompensating || error === undefined ? undefined : await encoding.decodeError(error, ['execution', id, 'error'])
  const undos: Record<string, UndoView> = {}
  const givenInputs = new Map<string, Record<string, unknown>>()
  for (const [step, undo] of records) {
    if (turn.mustYield()) await turn.next()
    const known = undoStatusOf(undo)
    // A commit of its value that came late, and for the second time, may have brought back what its undoing has taken away.
    if (known === 'undone' || known === 'failed') views.delete(step)
    // Of an execution that begins again the undoings of its last life are over.
    const view = beginsAgain || !names.has(step) ? undefined : await undoViewOf(id, { step, item: '' }, undo, encoding)
    if (view === undefined) continue
    if (!views.has(step)) views.set(step, { ...stopped, status: 'cancelled', error: undefined })
    undos[step] = view
  }
  for (const [step, { output }] of inputs) {
    if (turn.mustYield()) await turn.next()
    if (output === undefined || !views.has(step)) continue
    const given = await encoding.decode(output, undoIdentity(id, { step, item: '' }, 'inputs'))
    if (isRecord(given)) givenInputs.set(step, given)
  }
  const hasUndos = Object.keys(undos).length > 0
  return {
    value: isCompensating ? 'compensating' : 'pending',
    error: thrown,
    outcome,
    givenInputs,
    undos: hasUndos ? undos : undefined,
  }
}

/** What an execution has completed with, of which only the losers of races are left to be undone. */
async function outcomeOf(
  record: ExecutionRecord,
  encoding: ValueEncoding,
  beginsAgain: boolean,
): Promise<PersistedExecution['outcome']> {
  if (beginsAgain || record.status !== 'compensating' || !hasCompleted(record)) return undefined
  return { output: await decodePresent(record.output, ['execution', record.id, 'output'], encoding) }
}

/** How far a step is undone; undefined for a record that says nothing of it. */
export async function undoViewOf(
  id: string,
  place: StepPlace,
  record: StepRecord,
  encoding: ValueEncoding,
): Promise<UndoView | undefined> {
  const status = undoStatusOf(record)
  if (status === undefined) return undefined
  const { attempt, startedAt = 0, endedAt, dueAt, error } = record
  const thrown = error === undefined ? undefined : await encoding.decodeError(error, undoIdentity(id, place, 'error'))
  return { status, isUncertain: isUncertain(record), attempt, startedAt, endedAt, dueAt, error: thrown }
}
