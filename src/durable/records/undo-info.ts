import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { UndoView } from '../../runtime/execution/execution-view.ts'
import { attemptsOfUndone } from './attempt-history.ts'
import type { AttemptInfo } from './attempt-history.ts'
import { dateOf } from './date-of.ts'
import { unrecordedStep } from './open-steps.ts'
import { undoViewOf } from './restore-undos.ts'
import type { StepInfo, UndoInfo } from './step-info.ts'
import { placeOf } from './step-place.ts'
import { keptBeside, undoIdentity } from './undo-records.ts'

/** The steps, with how far each is undone, as far as records say that; `former`: present names by those that they are stored under. @throws SerializationError for one that can't be read */
export async function withUndos(
  id: string,
  infos: readonly StepInfo[],
  undos: Iterable<StepRecord>,
  encoding: ValueEncoding,
  former: ReadonlyMap<string, string> | undefined,
): Promise<readonly StepInfo[]> {
  const shown = new Map<string, { readonly undo: UndoInfo; readonly history: StepHistory | undefined }>()
  for (const record of undos) {
    const { step } = keptBeside(record)!
    const { item } = record
    const view = await undoViewOf(id, { step, item }, record, encoding)
    if (view === undefined || view.status === 'pending') continue
    const attempts = await attemptsOfUndone(record, undoIdentity(id, { step, item }, 'attempts'), encoding)
    shown.set(placeOf({ step: former?.get(step) ?? step, item }), {
      undo: infoOf(view),
      history: historyOf(attempts, record),
    })
  }
  if (shown.size === 0) return infos
  return infos.map((info) => {
    const found = shown.get(placeOf({ step: info.step, item: info.item ?? '' }))
    if (found === undefined) return info
    const { undo, history } = found
    // Its record is gone, so that its value is not found again. What was certain to be undone had been done.
    const isGone = info.startedAt === undefined && (info.status === 'cancelled' || info.status === 'unknown')
    const known = info.startedAt === undefined ? { ...info, ...history } : info
    return isGone ? { ...known, status: undo.isUncertain ? 'cancelled' : 'completed', undo } : { ...known, undo }
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

type StepHistory = Pick<StepInfo, 'attempt' | 'attempts' | 'queuedAt' | 'startedAt' | 'endedAt' | 'since'>

/** How a step was tried whose own record is gone; undefined where that is not on record. */
function historyOf(attempts: readonly AttemptInfo[], { queuedAt }: StepRecord): StepHistory | undefined {
  const [first, last] = [attempts[0], attempts.at(-1)]
  if (first === undefined || last === undefined) return undefined
  // Of one that was tried very often, the first attempts are not on record.
  const startedAt = first.attempt === 1 ? first.startedAt : undefined
  const { attempt, endedAt } = last
  return { attempt, attempts, queuedAt: dateOf(queuedAt) ?? startedAt, startedAt, endedAt, since: endedAt }
}

function infoOf(view: UndoView): UndoInfo {
  const { startedAt, endedAt, dueAt } = view
  return { ...view, startedAt: new Date(startedAt), endedAt: dateOf(endedAt), dueAt: dateOf(dueAt) }
}
