import type { ScheduleCatchUp, ScheduleOverlap, ScheduleRecord } from '../../core/contracts/schedule-record.ts'
import { dateOf } from '../records/date-of.ts'

/** A schedule, as it was declared, and how far it has come. */
export interface ScheduleInfo {
  /** Unique within the store. */
  readonly name: string
  /** The graph's name. */
  readonly graph: string
  /** The target type's name. */
  readonly target: string
  /** The pattern, if it goes by one. */
  readonly cron: string | undefined
  /** The pause between two nominal times in milliseconds, if it goes by one. */
  readonly everyMs: number | undefined
  /** Its only nominal time, if it has but one. */
  readonly at: Date | undefined
  /** Where the pattern's times are those of the clocks. */
  readonly timeZone: string | undefined
  /** The bounds of its nominal times. */
  readonly startAt: Date | undefined
  /** The bounds of its nominal times. */
  readonly endAt: Date | undefined
  /** By how much a run begins later than its nominal time, at most. */
  readonly jitterMs: number
  /** What happens while an earlier run has not ended. */
  readonly overlap: ScheduleOverlap
  /** What is made up for. */
  readonly catchUp: ScheduleCatchUp
  /** Whether it is paused once a run has failed. */
  readonly pauseOnFailure: boolean
  /** Of declarations that differ, the one with the higher version holds. */
  readonly version: number
  /** Texts to find it by. */
  readonly metadata: Readonly<Record<string, string>>
  /** Options of its executions. */
  readonly start: Readonly<Record<string, unknown>>
  /** The next nominal time; undefined once there is none. */
  readonly nextAt: Date | undefined
  /** The last nominal time that is dealt with. */
  readonly lastAt: Date | undefined
  /** A nominal time whose run waits until the one before has ended. */
  readonly bufferedAt: Date | undefined
  /** Since when it has been paused; undefined while it is not. */
  readonly pausedAt: Date | undefined
  /** Why it is paused. */
  readonly note: string | undefined
  /** Executions that it has started. */
  readonly started: number
  /** Nominal times that came to nothing since an earlier run had not ended. */
  readonly skipped: number
  /** Nominal times that came to nothing since nobody was there. */
  readonly missed: number
  /** How often in a row nothing could be started. */
  readonly failures: number
  /** Ids of its executions that had not ended when it was looked at last; of those that run side by side, the last hundred that it has started. */
  readonly runs: readonly string[]
  /** When it was declared first. */
  readonly createdAt: Date
  /** When it was written last. */
  readonly updatedAt: Date
}

/** A record for people. */
export function infoOfSchedule(record: ScheduleRecord): ScheduleInfo {
  const { name, graph, target, rule, note, started, skipped, missed, failures, runs } = record
  return {
    name,
    graph,
    target,
    cron: rule.cron,
    everyMs: rule.everyMs,
    at: dateOf(rule.at),
    timeZone: rule.timeZone,
    startAt: dateOf(rule.startAt),
    endAt: dateOf(rule.endAt),
    jitterMs: rule.jitterMs ?? 0,
    overlap: rule.overlap,
    catchUp: rule.catchUp,
    pauseOnFailure: rule.pauseOnFailure === true,
    version: rule.version ?? 0,
    metadata: rule.metadata,
    start: rule.start,
    nextAt: dateOf(record.nextAt),
    lastAt: dateOf(record.lastAt),
    bufferedAt: dateOf(record.bufferedAt),
    pausedAt: dateOf(record.pausedAt),
    note,
    started,
    skipped,
    missed,
    failures,
    runs,
    createdAt: new Date(record.createdAt),
    updatedAt: new Date(record.updatedAt),
  }
}
