import type { EventBase } from './event-base.ts'

/** What every event about a schedule has besides. `executionId` is the id of the execution that it is about, whether there is one or not. */
interface ScheduleEventBase extends EventBase {
  /** The schedule's name. */
  readonly schedule: string
  /** The target type's name. */
  readonly target: string
}

/** A nominal time of a schedule came to nothing, since an earlier run of it has not ended. */
export interface ScheduleSkipped extends ScheduleEventBase {
  readonly type: 'schedule.skipped'
  /** Which one, in milliseconds since the epoch. */
  readonly nominalTime: number
  /** The executions that are in the way. */
  readonly runs: readonly string[]
}

/** Nominal times of a schedule came to nothing, since nobody was there when they came. */
export interface ScheduleMissed extends ScheduleEventBase {
  readonly type: 'schedule.missed'
  /** How many; 1,000 stands for at least so many. */
  readonly count: number
  /** The first of them, in milliseconds since the epoch. */
  readonly from: number
  /** The last of them, in milliseconds since the epoch. */
  readonly to: number
}

/** A schedule is paused, since an execution of it has failed: see `pauseOnFailure`. */
export interface SchedulePaused extends ScheduleEventBase {
  readonly type: 'schedule.paused'
}

/** Nothing could be started though a nominal time of a schedule had come: it is tried again. Or a docket could not declare one that it was given, and does not. */
export interface ScheduleFailed extends ScheduleEventBase {
  readonly type: 'schedule.failed'
  /** The nominal time, in milliseconds since the epoch. */
  readonly nominalTime: number
  /** Why: an InputError of inputs that fit the graph no more, what an interceptor has thrown, … */
  readonly error: unknown
  /** How often in a row. */
  readonly failures: number
}

/** A schedule that was declared together with a docket is not among those that this one was given. It goes on: delete it if it is to end. */
export interface ScheduleVanished extends ScheduleEventBase {
  readonly type: 'schedule.vanished'
}

/** A schedule that this docket was given is declared otherwise by another process, in a higher version or later: that holds. */
export interface ScheduleOverruled extends ScheduleEventBase {
  readonly type: 'schedule.overruled'
  /** The version that this docket declares. */
  readonly version: number
  /** The version that holds. */
  readonly by: number
}

/** What happens to schedules. */
export type ScheduleEvent =
  ScheduleSkipped | ScheduleMissed | SchedulePaused | ScheduleFailed | ScheduleVanished | ScheduleOverruled
