import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import { movedAttempts } from './attempt-history.ts'
import type { MigratedRecords } from './migrate-records.ts'
import { forgottenRecord, undoIdentity, withStepName } from './undo-records.ts'
import type { UndoRecords } from './undo-records.ts'

/** What an execution keeps of its steps that have `compensate`, under other names, and what is to be written for that. */
interface RenamedUndos {
  readonly undoRecords: UndoRecords
  readonly changes: readonly StepRecord[]
}

/** The name that a step has now; undefined for one that a migration has left out. */
type NameNow = (step: string) => string | undefined

/** The names that steps have now, by those that they are stored under. */
export function namesNow(
  former: ReadonlyMap<string, string> | undefined,
  present: readonly StepRecord[],
  migrated: MigratedRecords | undefined,
): NameNow | undefined {
  if ((former === undefined || former.size === 0) && migrated === undefined) return undefined
  const known = new Set(present.map(({ step }) => step))
  const kept = new Set(migrated?.steps.map(({ step }) => step))
  return (step) => {
    const name = former?.get(step) ?? step
    if (migrated === undefined) return name
    return migrated.renamed.get(name) ?? (known.has(name) && !kept.has(name) ? undefined : name)
  }
}

/**
 * Puts what is kept beside the records of steps under the names that these have now. What stands under such a name already holds. How often a step
 * was undone stays known also of one that was left out: where it comes back, it is another deed.
 */
export async function underNamesNow(
  id: string,
  { undos, inputs, counts }: UndoRecords,
  nameNow: NameNow | undefined,
  encoding: ValueEncoding,
): Promise<RenamedUndos> {
  if (nameNow === undefined) return { undoRecords: { undos, inputs, counts }, changes: [] }
  const changes: StepRecord[] = []
  const moved = async (records: ReadonlyMap<string, StepRecord>): Promise<ReadonlyMap<string, StepRecord>> => {
    const now = new Map([...records].filter(([step]) => nameNow(step) === step))
    for (const [step, record] of records) {
      const name = nameNow(step)
      if (name === step) continue
      changes.push(forgottenRecord(record))
      if (name === undefined || now.has(name)) continue
      const renamed = await movedKeptRecord(id, record, step, name, encoding)
      now.set(name, renamed)
      changes.push(renamed)
    }
    return now
  }
  const counted = new Map<string, number>()
  for (const [step, count] of counts) {
    const name = nameNow(step) ?? step
    counted.set(name, Math.max(count, counted.get(name) ?? 0))
  }
  return { undoRecords: { undos: await moved(undos), inputs: await moved(inputs), counts: counted }, changes }
}

/** The record that is kept beside that of a step which has another name now. Its values are encoded for their new place: no value can be moved to another one. */
export async function movedKeptRecord(
  id: string,
  record: StepRecord,
  from: string,
  to: string,
  encoding: ValueEncoding,
): Promise<StepRecord> {
  const { output, error, attempts, item } = record
  const decoded = (stored: StoredValue): unknown =>
    encoding.decode(stored, undoIdentity(id, { step: from, item }, 'inputs'))
  return {
    ...withStepName(record, from, to),
    output:
      output === undefined
        ? undefined
        : await encoding.encode(await decoded(output), undoIdentity(id, { step: to, item }, 'inputs')),
    error:
      error === undefined
        ? undefined
        : await encoding.encodeError(
            await encoding.decodeError(error, undoIdentity(id, { step: from, item }, 'error')),
            undoIdentity(id, { step: to, item }, 'error'),
          ),
    attempts: await movedAttempts(
      attempts,
      undoIdentity(id, { step: from, item }, 'attempts'),
      undoIdentity(id, { step: to, item }, 'attempts'),
      encoding,
    ),
  }
}
