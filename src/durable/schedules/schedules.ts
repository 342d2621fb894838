import { describe } from '../../core/check-options.ts'
import type { ScheduleRecord } from '../../core/contracts/schedule-record.ts'
import { OptionError } from '../../core/errors.ts'
import { allAnswers } from '../../runtime/store-access/all-answers.ts'
import { orClosed } from '../context/closed-while-waiting.ts'
import { LruMap } from '../../runtime/collections/lru-map.ts'
import type { DocketContext } from '../context/docket-context.ts'
import type { ExecutionStarter } from '../start/start-execution.ts'
import { backfillSchedule } from './backfill.ts'
import type { Backfill, BackfillOptions } from './backfill.ts'
import { calendarOf } from './calendar.ts'
import { checkBackfill, checkScheduleList, checkTimesCount } from './check-schedule-calls.ts'
import { checkSchedule, requireScheduleName } from './check-schedule.ts'
import type { CheckedSchedule } from './check-schedule.ts'
import { withBuffered } from './decide-firing.ts'
import { declareSchedule } from './declare-schedule.ts'
import type { Declared } from './declare-schedule.ts'
import { dueTimeOf } from './nominal-times.ts'
import { openRuns } from './open-runs.ts'
import { noSuchSchedule, readSchedule, updateSchedule } from './schedule-access.ts'
import type { ScheduleChange } from './schedule-access.ts'
import { infoOfSchedule } from './schedule-info.ts'
import type { ScheduleInfo } from './schedule-info.ts'
import { startRun } from './scheduled-run.ts'

/** Which schedules `list` returns. */
export interface ScheduleListQuery {
  /** Of the graph of this name. @default any */
  readonly graph?: string | undefined
  /** With these texts among their metadata. @default any */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** How many at most. @default 100 */
  readonly limit?: number | undefined
  /** `next` of the page before. @default the first page */
  readonly after?: string | undefined
}

/** A page of schedules, by their names. */
export interface SchedulePage {
  /** By their names. */
  readonly schedules: readonly ScheduleInfo[]
  /** Asks for the next page; undefined on the last. */
  readonly next: string | undefined
}

/** What is farther off was triggered under another time of the clock. */
const mostAheadMs = 1_000
const portionSize = 200
const mostTriggered = 1_000

/** What there is to be done with schedules: `docket.schedules`. Every call may reject with a DocketClosedError or a StoreError. */
export class Schedules {
  readonly #context: DocketContext
  readonly #starter: ExecutionStarter
  readonly #cancel: (id: string) => Promise<void>
  readonly #onChanged: () => void
  readonly #onDeclared: (schedule: CheckedSchedule, declared: Declared) => void
  /** The nominal times of the last triggers, by schedule: of those of the last moments alone they matter. */
  readonly #triggered = new LruMap<number>()

  /** @param calls `onChanged` lets this process look at once what is due; `onDeclared` gets what this docket has declared */
  constructor(
    context: DocketContext,
    starter: ExecutionStarter,
    calls: {
      readonly cancel: (id: string) => Promise<void>
      readonly onChanged: () => void
      readonly onDeclared: (schedule: CheckedSchedule, declared: Declared) => void
    },
  ) {
    this.#context = context
    this.#starter = starter
    this.#cancel = calls.cancel
    this.#onChanged = calls.onChanged
    this.#onDeclared = calls.onDeclared
  }

  /** Makes sure that a schedule is there: `docket.schedule`, for names and graphs that the compiler does not know. @throws (as rejection) OptionError with all problems, and what `docket.start` throws */
  async declare(name: string, declaration: object): Promise<ScheduleInfo> {
    const checked = checkSchedule(name, declaration, this.#context.connection.store, false)
    const declare = () => declareSchedule(this.#context, checked)
    const declared = await orClosed(this.#context, 'schedule', undefined, declare)
    this.#onDeclared(checked, declared)
    this.#onChanged()
    return infoOfSchedule(declared.record)
  }

  /** Schedules by their names, a page at a time. @throws (as rejection) OptionError */
  async list(query: ScheduleListQuery = {}): Promise<SchedulePage> {
    checkScheduleList(query)
    return orClosed(this.#context, 'schedules.list', undefined, () => this.#list(query))
  }

  async #list(query: ScheduleListQuery): Promise<SchedulePage> {
    const { limit = 100, graph, metadata = {} } = query
    const { connection } = this.#context
    await connection.readyBy()
    const wanted = Object.entries(metadata)
    const found: ScheduleRecord[] = []
    // One more than the page has shows whether there is another page.
    for (let { after } = query; found.length <= limit;) {
      const request = { graph, after, limit: portionSize }
      const page = await connection.patiently(() => connection.store.listSchedules(request))
      for (const record of page)
        if (found.length <= limit && wanted.every(([key, text]) => record.rule.metadata[key] === text))
          found.push(record)
      if (page.length < portionSize) break
      after = page.at(-1)!.name
    }
    const schedules = found.slice(0, limit).map(infoOfSchedule)
    return { schedules, next: found.length > limit ? schedules.at(-1)!.name : undefined }
  }

  /** One schedule; undefined where there is none of this name. @throws (as rejection) OptionError */
  async get(name: string): Promise<ScheduleInfo | undefined> {
    requireScheduleName('schedules.get', name)
    const record = await this.#read('schedules.get', name)
    return record && infoOfSchedule(record)
  }

  /** Nothing is started by it until it is resumed. What runs goes on. @throws (as rejection) OptionError where there is none */
  pause(name: string, note?: string): Promise<ScheduleInfo> {
    return this.#update('schedules.pause', name, (record) => {
      const { pausedAt, note: known } = record
      if (note !== undefined && typeof note !== 'string')
        throw new OptionError(`schedules.pause: note must be a string, not ${describe(note)}`)
      if (pausedAt !== undefined && (note === undefined || note === known)) return undefined
      const now = this.#context.clock.now()
      const runs = withBuffered(record, record.runs)
      return { pausedAt: pausedAt ?? now, note: note ?? known, dueAt: undefined, runs, bufferedAt: undefined }
    })
  }

  /** Goes on with the next nominal time: what came while it was paused is not made up for. @throws (as rejection) OptionError where there is none */
  resume(name: string): Promise<ScheduleInfo> {
    return this.#update('schedules.resume', name, async (record) => {
      if (record.pausedAt === undefined) return undefined
      const after = Math.max(this.#context.clock.now(), record.lastAt ?? -Infinity)
      const nextAt = calendarOf(record.rule).next(after)
      const isWaiting = record.bufferedAt !== undefined
      const dueAt = isWaiting ? this.#context.clock.now() : nextAt && dueTimeOf(record, nextAt)
      // What has failed meanwhile is known to whoever resumes it; what has not ended is in the way of others still.
      const runs = await openRuns(this.#context, record)
      return { pausedAt: undefined, note: undefined, nextAt, dueAt, failures: 0, runs }
    })
  }

  /** Starts an execution now, paused or not, whatever else runs, with this moment as its nominal time. @returns its id @throws (as rejection) what `docket.start` throws */
  async trigger(name: string): Promise<string> {
    requireScheduleName('schedules.trigger', name)
    const record = await this.#known('schedules.trigger', name)
    return orClosed(this.#context, 'schedules.trigger', undefined, async () => {
      const id = await startRun(this.#context, this.#starter, record, this.#triggerTime(name))
      await updateSchedule(this.#context, 'schedules.trigger', name, ({ started, runs }) => ({
        started: started + 1,
        runs: [...runs, id].slice(-100),
      }))
      return id
    })
  }

  /** Each is an execution of its own, which its nominal time names: also of those that come in one millisecond. */
  #triggerTime(name: string): number {
    const now = Math.floor(this.#context.clock.now())
    const next = (this.#triggered.get(name) ?? -Infinity) + 1
    // The clock may have been set back.
    const time = next - now > mostAheadMs ? now : Math.max(now, next)
    this.#triggered.set(name, time, mostTriggered)
    return time
  }

  /**
   * Starts executions for the nominal times between two moments in the past, both included, that have none. It may be repeated, as after a crash: what is there is left
   * alone. @throws (as rejection) OptionError, and what `docket.start` throws
   */
  async backfill(name: string, options: BackfillOptions): Promise<Backfill> {
    requireScheduleName('schedules.backfill', name)
    checkBackfill(options)
    const record = await this.#known('schedules.backfill', name)
    const made = await orClosed(this.#context, 'schedules.backfill', undefined, () =>
      backfillSchedule(this.#context, this.#starter, record, options, this.#cancel),
    )
    this.#onChanged()
    return made
  }

  /** The schedule is gone; what it has started goes on. False where there is none. @throws (as rejection) OptionError */
  async delete(name: string): Promise<boolean> {
    requireScheduleName('schedules.delete', name)
    const { connection } = this.#context
    return orClosed(this.#context, 'schedules.delete', undefined, async () => {
      await connection.readyBy()
      const { store } = connection
      const [isDeleted] = await connection.patiently(async () =>
        allAnswers(store, 'deleteSchedules', [name], await store.deleteSchedules([name])),
      )
      return isDeleted!
    })
  }

  /** The nominal times that come next, as if it were not paused. @throws (as rejection) OptionError where there is none */
  async nextTimes(name: string, count = 5): Promise<readonly Date[]> {
    requireScheduleName('schedules.nextTimes', name)
    checkTimesCount(count)
    const record = await this.#known('schedules.nextTimes', name)
    const calendar = calendarOf(record.rule)
    const times: Date[] = []
    const isGoingOn = record.pausedAt === undefined
    for (
      let next = isGoingOn ? record.nextAt : calendar.next(this.#context.clock.now());
      next !== undefined && times.length < count;
      next = calendar.next(next)
    )
      times.push(new Date(next))
    return times
  }

  #read(call: string, name: string): Promise<ScheduleRecord | undefined> {
    return orClosed(this.#context, call, undefined, async () => {
      await this.#context.connection.readyBy()
      return readSchedule(this.#context, name)
    })
  }

  async #known(call: string, name: string): Promise<ScheduleRecord> {
    const record = await this.#read(call, name)
    if (record === undefined) throw noSuchSchedule(call, name)
    return record
  }

  async #update(
    call: string,
    name: string,
    changeOf: (record: ScheduleRecord) => ScheduleChange | Promise<ScheduleChange>,
  ): Promise<ScheduleInfo> {
    requireScheduleName(call, name)
    const record = await orClosed(this.#context, call, undefined, async () => {
      await this.#context.connection.readyBy()
      return updateSchedule(this.#context, call, name, changeOf)
    })
    this.#onChanged()
    return infoOfSchedule(record)
  }
}
