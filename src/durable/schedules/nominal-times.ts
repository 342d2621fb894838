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
  const { late, onTime, isWhole } = timesFrom(record, calendar, record.nextAt, now)
  return isWhole ? withLate(record, late, late.length, onTime) : sinceLongAgo(record, calendar, now)
}

/** Those that have come since one of them, in their order: up to the first that has not, or to one late one more than are counted. */
function timesFrom(record: ScheduleRecord, calendar: Calendar, first: number | undefined, now: number) {
  const late: number[] = []
  const onTime: number[] = []
  let isWhole = true
  for (let next = first; next !== undefined && isWhole; next = calendar.next(next)) {
    const dueAt = dueTimeOf(record, next)
    if (dueAt > now) break
    if (dueAt + graceMs < now) late.push(next)
    else onTime.push(next)
    isWhole = late.length <= mostCounted
  }
  return { late, onTime, isWhole }
}

/** Of so many that they are not counted, only the last ones are looked at. */
function sinceLongAgo(record: ScheduleRecord, calendar: Calendar, now: number): DueTimes {
  const { catchUp, jitterMs = 0 } = record.rule
  const wanted = typeof catchUp === 'object' ? catchUp.max : 1
  // These are late however much later than their times they are due; what comes after them may be due in any order.
  const surely = calendar
    .last(wanted + 1, now - jitterMs - graceMs - 1)
    .filter((time) => record.nextAt === undefined || time >= record.nextAt)
  const last = surely.at(-1)
  const then = timesFrom(record, calendar, last === undefined ? record.nextAt : calendar.next(last), now)
  return withLate(record, [...surely, ...then.late], mostCounted, then.onTime)
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
    // By their jitter, one that is late may be after one that is on time.
    last: latest(onTime.at(-1), late.at(-1)),
  }
}

function latest(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.max(one, other)
}
