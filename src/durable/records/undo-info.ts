import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { UndoView } from '../../runtime/execution/execution-view.ts'
import { dateOf } from './date-of.ts'
import { undoViewOf } from './restore-undos.ts'
import type { StepInfo, UndoInfo } from './step-info.ts'
import type { UndoRecords } from './undo-records.ts'

/** The steps, with how far each is undone, as far as records say that; `former`: present names by those that they are stored under. @throws SerializationError for one that can't be read */
export async function withUndos(
  id: string,
  infos: readonly StepInfo[],
  { undos }: UndoRecords,
  encoding: ValueEncoding,
  former: ReadonlyMap<string, string> | undefined,
): Promise<readonly StepInfo[]> {
  if (undos.size === 0) return infos
  const shown = new Map<string, UndoInfo>()
  for (const [step, record] of undos) {
    const view = await undoViewOf(id, { step, item: '' }, record, encoding)
    if (view !== undefined && view.status !== 'pending') shown.set(former?.get(step) ?? step, infoOf(view))
  }
  return infos.map((info) => {
    const undo = shown.get(info.step)
    if (undo === undefined) return info
    // Its record is gone, so that its value is not found again. What was certain to be undone had been done.
    const wasDone = info.status === 'cancelled' && info.startedAt === undefined && !undo.isUncertain
    return wasDone ? { ...info, status: 'completed', undo } : { ...info, undo }
  })
}

function infoOf(view: UndoView): UndoInfo {
  const { startedAt, endedAt, dueAt } = view
  return { ...view, startedAt: new Date(startedAt), endedAt: dateOf(endedAt), dueAt: dateOf(dueAt) }
}
