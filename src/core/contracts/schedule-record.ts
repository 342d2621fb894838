import type { StoredValue } from './stored-value.ts'

/** What happens at a nominal time while an earlier run of the schedule has not ended. */
export type ScheduleOverlap = 'skip' | 'bufferOne' | 'cancelOther' | 'allowAll'

/** Which of the nominal times are made up for that passed while nobody looked. */
export type ScheduleCatchUp = 'last' | 'none' | { readonly max: number }

/** What is declared of a schedule besides what it starts, as plain data: stores keep it as the text of a JSON document. Durations are in milliseconds, times in those since the epoch. */
export interface ScheduleRule {
  /** A pattern of cron, if it goes by one. */
  readonly cron?: string
  /** The pause between two nominal times, if it goes by one. */
  readonly everyMs?: number
  /** Its only nominal time, if it has but one. */
  readonly at?: number
  /** Where the pattern's times are those of clocks on the wall. */
  readonly timeZone?: string
  /** What becomes of a run that another one is in the way of. */
  readonly overlap: ScheduleOverlap
  /** What becomes of nominal times that nobody was there for. */
  readonly catchUp: ScheduleCatchUp
  /** By how much a run begins later than its nominal time, at most. */
  readonly jitterMs?: number
  /** No nominal time is before it. */
  readonly startAt?: number
  /** No nominal time is after it. */
  readonly endAt?: number
  /** The name of the leaf type that is given the nominal time. */
  readonly nominalTime?: string
  /** Whether it is paused once a run of it has failed. */
  readonly pauseOnFailure?: true
  /** Whether it was declared together with a docket, and is missed when it is there no more. */
  readonly isInCode?: true
  /** Of two declarations the one with the higher version holds; of equal ones, the last one. @default 0 */
  readonly version?: number
  /** For people, and to find it by. */
  readonly metadata: Readonly<Record<string, string>>
  /** Options of the executions that it starts, as they were given. */
  readonly start: Readonly<Record<string, unknown>>
}

/** A schedule: what it starts and when, and how far it has come. Times are milliseconds since the epoch, by the store's clock. */
export interface ScheduleRecord {
  /** Unique within the store. At most 200 bytes, counted as in `StoreLimits`. */
  readonly name: string
  /** The graph's name. */
  readonly graph: string
  /** The target type's name. */
  readonly target: string
  /** What each of its executions is given. */
  readonly inputs: StoredValue
  /** What else is declared. */
  readonly rule: ScheduleRule
  /** Digest of all that is declared. */
  readonly digest: string
  /** The nominal time that comes next; undefined once there is none. */
  readonly nextAt: number | undefined
  /** When somebody is to look at it. Undefined while nobody has to: it is paused, or its last time is over. */
  readonly dueAt: number | undefined
  /** Since when it has been paused; undefined while it is not. */
  readonly pausedAt: number | undefined
  /** Why it is paused, for people. */
  readonly note: string | undefined
  /** The last nominal time that is dealt with. */
  readonly lastAt: number | undefined
  /** A nominal time whose run waits until the one before has ended. */
  readonly bufferedAt: number | undefined
  /** How many executions it has started. */
  readonly started: number
  /** How many nominal times came to nothing since an earlier run had not ended. */
  readonly skipped: number
  /** How many nominal times came to nothing since nobody was there. */
  readonly missed: number
  /** How often in a row nothing could be started though a time had come. */
  readonly failures: number
  /** Ids of executions of it that may not have ended. */
  readonly runs: readonly string[]
  /** When it was declared first. */
  readonly createdAt: number
  /** When it was written last. */
  readonly updatedAt: number
  /** Grows by one with each change. */
  readonly revision: number
  /** Names the write that made it what it is: the same one, sent again since an answer was lost, gets its first answer. At most 100 characters of ASCII. */
  readonly write: string
}

/** Which schedules to list. */
export interface ScheduleQuery {
  /** The graph's name. @default any */
  readonly graph?: string | undefined
  /** The name of the last schedule of the page before. @default the first page */
  readonly after?: string | undefined
  /** How many at most. */
  readonly limit: number
}

/** Which schedules a process wants to deal with. */
export interface ScheduleTaking {
  /** Names of the graphs that it has. */
  readonly graphs: readonly string[]
  /** Those that were due by this time. */
  readonly before: number
  /** They are due again then, unless they have changed: whoever took them has died. */
  readonly until: number
  /** Names this call among all of them. At most 100 characters of ASCII. */
  readonly taker: string
  /** How many at most. */
  readonly limit: number
}

/** Keeps schedules. Taking is moving `dueAt`, in one operation with the look: so of all processes that look at the same time, one deals with each of them. */
export interface ScheduleStore {
  /** Adds schedules whose names are free. @returns the record of each as it is then, added or there before */
  addSchedules(schedules: readonly ScheduleRecord[]): Promise<readonly ScheduleRecord[]>
  /**
   * Puts records in the place of those whose revision is one less. False for each that has another one, or is gone; true for one that stands there as the same
   * write has made it.
   */
  changeSchedules(schedules: readonly ScheduleRecord[]): Promise<readonly boolean[]>
  /** The records of schedules, in the order of the names; undefined for what is not there. */
  getSchedules(names: readonly string[]): Promise<readonly (ScheduleRecord | undefined)[]>
  /** In an order of the store's choice, which is always the same. */
  listSchedules(query: ScheduleQuery): Promise<readonly ScheduleRecord[]>
  /** When the first schedule of these graphs is due; undefined where none will be. The cost does not grow with schedules. */
  nextSchedule(graphs: readonly string[]): Promise<number | undefined>
  /** Takes schedules that are due, the earliest first: they are due at `until` from then on. The cost does not grow with those that are not due. */
  takeSchedules(taking: ScheduleTaking): Promise<readonly ScheduleRecord[]>
  /** Deletes schedules; what they have started stays. False for each that is not there. */
  deleteSchedules(names: readonly string[]): Promise<readonly boolean[]>
}
