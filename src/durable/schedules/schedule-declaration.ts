import type { ScheduleCatchUp, ScheduleOverlap } from '../../core/contracts/schedule-record.ts'
import type { Duration } from '../../core/duration.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import type { InputsOf, LeafNames, TargetOf, TypeIn } from '../../core/graph/graph.ts'
import type { AnySchedule } from '../../core/graph/any-schedule.ts'
import type { GivenOf, TypedDataType } from '../../core/language/data-type.ts'
import type { StartOptions } from '../context/start-options.ts'

/** When a schedule starts something: by exactly one of `cron`, `every` and `at`. */
export interface ScheduleTiming {
  /**
   * A pattern of cron: five fields, or six with seconds before them, or a word like `@daily`. Where a day of the month and a day of the week are both given, either
   * will do. @default none
   */
  readonly cron?: string | undefined
  /** Where the pattern's times are those of the clocks, as `Europe/Berlin`. @default 'UTC' */
  readonly timeZone?: string | undefined
  /**
   * The pause between two nominal times, at least a second. They are aligned: to `startAt`, where that is given, else to 1970-01-01T00:00:00Z, so that `'1h'` is every full
   * hour, whenever it was declared. @default none
   */
  readonly every?: Duration | undefined
  /** The only nominal time: a Date, or milliseconds since the epoch. @default none */
  readonly at?: Date | number | undefined
  /** No nominal time is before it. @default from when it is declared */
  readonly startAt?: Date | number | undefined
  /** No nominal time is after it. @default none */
  readonly endAt?: Date | number | undefined
  /** A run begins later than its nominal time by up to so much, by how much follows from name and time. The nominal time stays what it is. @default none */
  readonly jitter?: Duration | undefined
}

/** What becomes of nominal times, and what a schedule is found by. */
export interface SchedulePolicy {
  /**
   * What happens when a nominal time comes while an earlier run has not ended: it comes to nothing (`skip`), it waits for the end (`bufferOne`; a further one comes to nothing), the
   * earlier one is cancelled and it begins after that (`cancelOther`), or both run (`allowAll`). @default 'skip'
   */
  readonly overlap?: ScheduleOverlap | undefined
  /**
   * Which of the nominal times are made up for that came while no process was there: the last one, none, or the last few (each then goes by
   * `overlap`). Up to ten seconds late is on time. @default 'last'
   */
  readonly catchUp?: ScheduleCatchUp | undefined
  /** Whether it is paused once a run has failed. @default false */
  readonly pauseOnFailure?: boolean | undefined
  /** Texts to find it by, for people. @default {} */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** Of processes that declare it otherwise the higher version holds, whichever begins last; of equal ones, what was declared last. @default 0 */
  readonly version?: number | undefined
}

/** What each of its executions is started with, as `docket.start` takes it. */
export type ScheduledStartOptions = Omit<
  StartOptions,
  'id' | 'signal' | 'observers' | 'logger' | 'deadline' | 'startAt' | 'eager' | 'onBusy' | 'dedupe'
>

/** Names of leaves that take a Date. */
export type DateLeafNames<G, T> =
  string extends LeafNames<G, T>
    ? string
    : {
        [Name in LeafNames<G, T> & string]: Date extends GivenOf<Extract<TypeIn<G, Name>, TypedDataType>> ? Name : never
      }[LeafNames<G, T> & string] &
        string

/** What a schedule starts, and when. */
export interface ScheduleDeclaration<G extends AnyGraph, T extends TypedDataType, Nominal extends string>
  extends ScheduleTiming, SchedulePolicy, ScheduledStartOptions {
  /** The graph of its executions. */
  readonly graph: G
  /** What each of them makes. */
  readonly target: TargetOf<G, T>
  /** What each of them is given: stored with the schedule. */
  readonly inputs: InputsOf<G, T, Nominal>
  /** The leaf that is given the nominal time of each run, a Date, and that `inputs` leave out. @default none */
  readonly nominalTime?: Nominal | undefined
}

/** A schedule that is declared beside graphs. Made by `schedule`. */
export interface DeclaredSchedule<Name extends string = string> extends AnySchedule {
  /** Unique within the store. */
  readonly name: Name
}

/**
 * Declares a schedule beside graphs, for `createDocket({ schedules })`: it is written down when the docket begins, and one that is there already, and
 * unchanged, goes on as it was. `docket.schedule` does the same at any time.
 *
 * Inert: `createDocket` reports what is wrong.
 *
 * @example
 * const nightly = schedule('nightly report', { graph: reports, target: Report, inputs: { Shop: 'Berlin' }, cron: '30 2 * * *', timeZone: 'Europe/Berlin' })
 */
export function schedule<
  G extends AnyGraph,
  T extends TypedDataType,
  const Name extends string,
  const Nominal extends DateLeafNames<G, T> = never,
>(name: Name, declaration: ScheduleDeclaration<G, T, Nominal>): DeclaredSchedule<Name> {
  return Object.freeze({ kind: 'schedule', name, declaration })
}
