import { isName } from '../../core/check-name.ts'
import { checkOptions, describe, isWholeFromOne } from '../../core/check-options.ts'
import { OptionError } from '../../core/errors.ts'
import { isDate } from '../../core/is-builtin.ts'
import { isPlainRecord } from '../../core/is-record.ts'

/** @throws OptionError with all problems */
export function checkScheduleList(query: unknown): void {
  checkOptions(
    'schedules.list',
    query,
    ['graph', 'metadata', 'limit', 'after'],
    ({ graph, metadata, limit, after }) => [
      graph !== undefined && typeof graph !== 'string' && `graph must be a graph's name, not ${describe(graph)}`,
      metadata !== undefined &&
        !(isPlainRecord(metadata) && Object.values(metadata).every((text) => typeof text === 'string')) &&
        `metadata must be a plain object of strings, not ${describe(metadata)}`,
      limit !== undefined && !isWholeFromOne(limit) && 'limit must be a whole number of at least 1',
      after !== undefined && !isName(after) && 'after must be the `next` of the page before',
    ],
  )
}

const backfillOverlaps = ['skip', 'bufferOne', 'cancelOther', 'allowAll']

/** @throws OptionError with all problems */
export function checkBackfill(options: unknown): void {
  checkOptions('schedules.backfill', options, ['from', 'to', 'overlap', 'dryRun'], ({ from, to, overlap, dryRun }) => [
    !isTime(from) && `from must be a Date, not ${describe(from)}`,
    !isTime(to) && `to must be a Date, not ${describe(to)}`,
    isTime(from) && isTime(to) && from.getTime() > to.getTime() && 'from is after to',
    overlap !== undefined &&
      !backfillOverlaps.includes(overlap as string) &&
      `overlap must be one of ${backfillOverlaps.join(', ')}, not ${describe(overlap)}`,
    dryRun !== undefined && typeof dryRun !== 'boolean' && `dryRun must be a boolean, not ${describe(dryRun)}`,
  ])
}

/** @throws OptionError */
export function checkTimesCount(count: unknown): void {
  if (!isWholeFromOne(count) || (count as number) > 1_000)
    throw new OptionError(
      `schedules.nextTimes: the count must be a whole number from 1 to 1000, not ${describe(count)}`,
    )
}

function isTime(value: unknown): value is Date {
  return isDate(value) && !Number.isNaN(value.getTime())
}
