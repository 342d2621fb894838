import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import { isRecord } from '../../core/is-record.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { Turn } from '../../runtime/environment/turn.ts'
import type { PersistedExecution, StepView, UndoView } from '../../runtime/execution/execution-view.ts'
import { isUncertain, undoIdentity, undoStatusOf } from './undo-records.ts'
import type { UndoRecords } from './undo-records.ts'

/** What an execution that goes on knows of its undoing. */
type RestoredUndos = Pick<PersistedExecution, 'value' | 'error' | 'givenInputs'> & {
  readonly undos: Readonly<Record<string, UndoView>> | undefined
}

const stopped = { attempt: 0, startedAt: undefined, endedAt: undefined, dueAt: undefined, output: undefined }

/** Reads how far an execution is undone. Steps of which all is undone are put among the views, as cancelled. @throws SerializationError */
export async function restoreUndos(
  { id, status, error }: ExecutionRecord,
  { undos: records, inputs }: UndoRecords,
  names: ReadonlySet<string>,
  views: Map<string, StepView>,
  encoding: ValueEncoding,
  beginsAgain: boolean,
  turn: Turn,
): Promise<RestoredUndos> {
  const isCompensating = status === 'compensating'
  const thrown =
    !isCompensating || error === undefined ? undefined : await encoding.decodeError(error, ['execution', id, 'error'])
  const undos: Record<string, UndoView> = {}
  const givenInputs = new Map<string, Record<string, unknown>>()
  for (const [step, record] of records) {
    if (turn.mustYield()) await turn.next()
    const known = undoStatusOf(record)
    const isEnded = known === 'undone' || known === 'failed'
    // A commit of its value that came late, and for the second time, may have brought back what its undoing has taken away.
    if (isEnded && (isCompensating || beginsAgain)) views.delete(step)
    // Of an execution that begins again the undoings of its last life are over.
    const view = beginsAgain || !names.has(step) ? undefined : await undoViewOf(id, step, record, encoding)
    if (view === undefined) continue
    // One that has begun again since is another deed.
    if (isEnded && !isCompensating) continue
    if (!views.has(step)) views.set(step, { ...stopped, status: 'cancelled', error: undefined })
    undos[step] = view
  }
  for (const [step, { output }] of inputs) {
    if (turn.mustYield()) await turn.next()
    if (output === undefined || !views.has(step)) continue
    const given = await encoding.decode(output, undoIdentity(id, step, 'inputs'))
    if (isRecord(given)) givenInputs.set(step, given)
  }
  const hasUndos = Object.keys(undos).length > 0
  return {
    value: isCompensating ? 'compensating' : 'pending',
    error: thrown,
    givenInputs,
    undos: hasUndos ? undos : undefined,
  }
}

/** How far a step is undone; undefined for a record that says nothing of it. */
export async function undoViewOf(
  id: string,
  step: string,
  record: StepRecord,
  encoding: ValueEncoding,
): Promise<UndoView | undefined> {
  const status = undoStatusOf(record)
  if (status === undefined) return undefined
  const { attempt, startedAt = 0, endedAt, dueAt, error } = record
  const thrown = error === undefined ? undefined : await encoding.decodeError(error, undoIdentity(id, step, 'error'))
  return { status, isUncertain: isUncertain(record), attempt, startedAt, endedAt, dueAt, error: thrown }
}
