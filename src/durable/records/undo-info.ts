import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { UndoView } from '../../runtime/execution/execution-view.ts'
import { dateOf } from './date-of.ts'
import { unrecordedStep } from './open-steps.ts'
import { undoViewOf } from './restore-undos.ts'
import type { StepInfo, UndoInfo } from './step-info.ts'
import { placeOf } from './step-place.ts'
import { keptBeside } from './undo-records.ts'

/** The steps, with how far each is undone, as far as records say that; `former`: present names by those that they are stored under. @throws SerializationError for one that can't be read */
export async function withUndos(
  id: string,
  infos: readonly StepInfo[],
  undos: Iterable<StepRecord>,
  encoding: ValueEncoding,
  former: ReadonlyMap<string, string> | undefined,
): Promise<readonly StepInfo[]> {
  const shown = new Map<string, readonly [StepRecord, UndoInfo]>()
  for (const record of undos) {
    const { step } = keptBeside(record)!
    const { item } = record
    const view = await undoViewOf(id, { step, item }, record, encoding)
    if (view === undefined || view.status === 'pending') continue
    shown.set(placeOf({ step: former?.get(step) ?? step, item }), [record, infoOf(view)])
  }
  if (shown.size === 0) return infos
  return infos.map((info) => {
    const [, undo] = shown.get(placeOf({ step: info.step, item: info.item ?? '' })) ?? []
    if (undo === undefined) return info
    // Its record is gone, so that its value is not found again. What was certain to be undone had been done.
    const isGone = info.startedAt === undefined && (info.status === 'cancelled' || info.status === 'unknown')
    return isGone ? { ...info, status: undo.isUncertain ? 'cancelled' : 'completed', undo } : { ...info, undo }
  })
}

/** The steps, with those of a batch whose records their undoing has taken the place of. */
export function withUndone(infos: readonly StepInfo[], undos: readonly StepRecord[]): readonly StepInfo[] {
  if (undos.length === 0) return infos
  const known = new Set(infos.map(({ step, item = '' }) => placeOf({ step, item })))
  const gone = undos.flatMap((record) => {
    const { step } = keptBeside(record)!
    const item = record.item === '' ? undefined : record.item
    return known.has(placeOf({ step, item: record.item }))
      ? []
      : [{ ...unrecordedStep(step, 'cancelled', undefined), item }]
  })
  return [...infos, ...gone]
}

function infoOf(view: UndoView): UndoInfo {
  const { startedAt, endedAt, dueAt } = view
  return { ...view, startedAt: new Date(startedAt), endedAt: dateOf(endedAt), dueAt: dateOf(dueAt) }
}
