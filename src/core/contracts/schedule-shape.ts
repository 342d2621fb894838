import { isRecord } from '../is-record.ts'
import type { ScheduleRecord } from './schedule-record.ts'

/** So long is the pause between two nominal times at least: a shorter one would leave no time for others. */
const shortestMs = 1_000
const overlaps: readonly unknown[] = ['skip', 'bufferOne', 'cancelOther', 'allowAll']

/**
 * What a store has read of a schedule, where it is one. For one that somebody has altered by hand: whoever went on with it would hold up all the others.
 * @throws Error with what is wrong
 */
export function requireSchedule(record: ScheduleRecord): ScheduleRecord {
  const { inputs, rule, runs, nextAt, dueAt, pausedAt, lastAt, bufferedAt, createdAt, updatedAt } = record
  // A column may be null that never is.
  if ((inputs as unknown) === undefined) throw new Error('it has no inputs')
  if (!isRule(rule)) throw new Error('its rule is not that of a schedule')
  if (!Array.isArray(runs) || !runs.every((run) => typeof run === 'string')) throw new Error('its runs are no ids')
  for (const time of [nextAt, dueAt, pausedAt, lastAt, bufferedAt, createdAt, updatedAt])
    if (!isAbsentOrNumber(time)) throw new Error('one of its times is none')
  return record
}

function isRule(value: unknown): boolean {
  if (!isRecord(value)) return false
  const { cron, everyMs, at, timeZone, overlap, catchUp, jitterMs, startAt, endAt, version, metadata, start } = value
  const timings = [cron, everyMs, at].filter((timing) => timing !== undefined)
  const isTimed =
    timings.length === 1 && (typeof cron === 'string' || isNumber(at) || (isNumber(everyMs) && everyMs >= shortestMs))
  const areNumbers = [jitterMs, startAt, endAt, version].every(isAbsentOrNumber)
  const isMax = isRecord(catchUp) && isNumber(catchUp['max'])
  const areGiven = isRecord(metadata) && isRecord(start) && (timeZone === undefined || typeof timeZone === 'string')
  return (
    isTimed &&
    areNumbers &&
    areGiven &&
    overlaps.includes(overlap) &&
    (catchUp === 'last' || catchUp === 'none' || isMax)
  )
}

function isAbsentOrNumber(value: unknown): boolean {
  return value === undefined || isNumber(value)
}

function isNumber(value: unknown): value is number {
  return Number.isFinite(value)
}
