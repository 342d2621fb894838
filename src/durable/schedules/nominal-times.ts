import type { ScheduleRecord } from '../../core/contracts/schedule-record.ts'
import { digest } from '../../core/values/keys.ts'
import type { Calendar } from './calendar.ts'

/** A nominal time that is dealt with no later than this is on time: processes look a little late, and stores are away for a moment. */
const graceMs = 10_000
/** So many late ones are counted, no more: there may be millions. */
const mostCounted = 1_000

/** Nominal times that have come. */
export interface DueTimes {
  /** Those for which something is to be started, in their order. */
  readonly wanted: readonly number[]
  /** Those that came while nobody was there, and that are not made up for. */
  readonly missed: { readonly count: number; readonly from: number; readonly to: number } | undefined
  /** The last one of all; undefined where none has come. */
  readonly last: number | undefined
}

/** The id of the execution of a nominal time: whoever starts it again finds it there. */
export function runIdOf(schedule: string, nominalTime: number): string {
  return `${schedule}/${new Date(nominalTime).toISOString()}`
}

/** When somebody is to look at a schedule for a nominal time: the same in every process. */
export function dueTimeOf(
  { name, rule: { jitterMs = 0 } }: Pick<ScheduleRecord, 'name' | 'rule'>,
  nominalTime: number,
): number {
  if (jitterMs === 0) return nominalTime
  const bytes = Buffer.from(digest(`${nominalTime} ${name}`), 'base64url')
  return nominalTime + Math.floor((bytes.readUIntBE(0, 6) / 2 ** 48) * jitterMs)
}

/** Which nominal times have come by now, and which of them count. */
export function dueTimesOf(record: ScheduleRecord, calendar: Calendar, now: number): DueTimes {
  const late: number[] = []
  const onTime: number[] = []
  let next = record.nextAt
  while (next !== undefined && dueTimeOf(record, next) <= now) {
    const isLate = dueTimeOf(record, next) + graceMs < now
    if (isLate) late.push(next)
    else onTime.push(next)
    if (late.length > mostCounted) return sinceLongAgo(record, calendar, now)
    next = calendar.next(next)
  }
  return withLate(record, late, late.length, onTime)
}

/** Of so many that they are not counted, only the last ones are looked at. */
function sinceLongAgo(record: ScheduleRecord, calendar: Calendar, now: number): DueTimes {
  const { catchUp } = record.rule
  const wanted = typeof catchUp === 'object' ? catchUp.max : 1
  const come = calendar
    .last(wanted + 1 + Math.ceil(graceMs / 1_000), now)
    .filter((time) => dueTimeOf(record, time) <= now)
  const late = come.filter((time) => dueTimeOf(record, time) + graceMs < now)
  const onTime = come.filter((time) => dueTimeOf(record, time) + graceMs >= now)
  return withLate(record, late, mostCounted, onTime)
}

function withLate(record: ScheduleRecord, late: readonly number[], count: number, onTime: readonly number[]): DueTimes {
  const { catchUp } = record.rule
  // The last one is made up for by one that is on time.
  const most = catchUp === 'none' ? 0 : catchUp === 'last' ? (onTime.length > 0 ? 0 : 1) : catchUp.max
  const caughtUp = most === 0 ? [] : late.slice(-most)
  const lost = count - caughtUp.length
  const lastLost = late[late.length - caughtUp.length - 1]
  return {
    wanted: [...caughtUp, ...onTime],
    missed: lost <= 0 || lastLost === undefined ? undefined : { count: lost, from: record.nextAt!, to: lastLost },
    last: onTime.at(-1) ?? late.at(-1),
  }
}
