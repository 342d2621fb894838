import type { ScheduleRecord } from '../../core/contracts/schedule-record.ts'
import { OptionError } from '../../core/errors.ts'
import { randomId } from '../../runtime/environment/ids.ts'
import { allAnswers } from '../../runtime/store-access/all-answers.ts'
import type { DocketContext } from '../context/docket-context.ts'

/** What becomes another one; undefined for nothing. */
export type ScheduleChange = Partial<ScheduleRecord> | undefined

/** For a caller that waits. @throws StoreError */
export async function readSchedule(context: DocketContext, name: string): Promise<ScheduleRecord | undefined> {
  const { store } = context.connection
  const [record] = await context.connection.patiently(async () =>
    allAnswers(store, 'getSchedules', [name], await store.getSchedules([name])),
  )
  return record
}

/** For a caller that waits. False where it has been changed, or deleted, meanwhile. @throws StoreError */
export async function changeSchedule(context: DocketContext, record: ScheduleRecord): Promise<boolean> {
  const { store } = context.connection
  const [isChanged] = await context.connection.patiently(async () =>
    allAnswers(store, 'changeSchedules', [record], await store.changeSchedules([record])),
  )
  return isChanged!
}

/** The record with what changes of it, as one more revision. */
export function revised(
  { clock, options }: Pick<DocketContext, 'clock' | 'options'>,
  record: ScheduleRecord,
  change: Partial<ScheduleRecord>,
): ScheduleRecord {
  const { revision } = record
  return { ...record, ...change, updatedAt: clock.now(), revision: revision + 1, write: randomId(options.random) }
}

/**
 * Changes a schedule as it is at the moment, whoever changes it meanwhile; what `changeOf` gives undefined for stays as it is. @returns what is there then
 * @throws OptionError where there is none; StoreError
 */
export async function updateSchedule(
  context: DocketContext,
  call: string,
  name: string,
  changeOf: (record: ScheduleRecord) => ScheduleChange | Promise<ScheduleChange>,
): Promise<ScheduleRecord> {
  for (;;) {
    const record = await readSchedule(context, name)
    if (record === undefined) throw noSuchSchedule(call, name)
    const change = await changeOf(record)
    if (change === undefined) return record
    const changed = revised(context, record, change)
    if (await changeSchedule(context, changed)) return changed
  }
}

/** What a call gets that names a schedule which is not there. */
export function noSuchSchedule(call: string, name: string): OptionError {
  return new OptionError(`${call}: there is no schedule ${JSON.stringify(name)}`)
}
