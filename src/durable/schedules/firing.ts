import type { ScheduleRecord } from '../../core/contracts/schedule-record.ts'
import { StoreError } from '../../core/errors.ts'
import { randomId } from '../../runtime/environment/ids.ts'
import { allAnswers } from '../../runtime/store-access/all-answers.ts'
import { patienceMs } from '../../runtime/store-access/store-patience.ts'
import type { DocketContext } from '../context/docket-context.ts'
import type { ExecutionStarter } from '../start/start-execution.ts'
import { calendarOf } from './calendar.ts'
import { decideFiring, needsStatuses } from './decide-firing.ts'
import type { Firing as Decision, RunStatuses } from './decide-firing.ts'
import { emitScheduleEvent } from './emit-schedule-event.ts'
import { dueTimesOf, runIdOf } from './nominal-times.ts'
import type { DueTimes } from './nominal-times.ts'
import { revised } from './schedule-access.ts'
import { startRun } from './scheduled-run.ts'

const portionSize = 100
/** While some start executions, others are taken. */
const mostPortions = 4
/** Whoever has taken schedules and does nothing for so long is taken for dead. */
const takenForMs = 5_000
/** A schedule of which nothing could be started is tried again after a while. */
const pauses = { firstMs: 10_000, lastMs: 300_000 } as const

const nothingDue: DueTimes = { wanted: [], missed: undefined, last: undefined }
const nothingDone: Decision = { starts: [], cancels: [], skips: [], failedRun: undefined, change: {} }

/** What is done of one schedule, and how it went. */
interface Dealt {
  readonly record: ScheduleRecord
  readonly due: DueTimes
  readonly decision: Decision
  /** The time for which nothing could be started, and why. */
  readonly failure: { readonly nominalTime: number; readonly error: unknown } | undefined
}

/**
 * Starts what schedules are due for: first the executions, each under the id of its nominal time, then the schedule is moved, while it is as it was. Whoever dies in between
 * leaves it to others, who find the executions there.
 */
export class Firing {
  readonly #context: DocketContext
  readonly #starter: ExecutionStarter
  readonly #cancel: (id: string) => Promise<void>
  readonly #open = new Set<Promise<void>>()
  /** A portion is dealt with: what was in it has other times now. */
  onMoved = (): void => {}

  constructor(context: DocketContext, starter: ExecutionStarter, cancel: (id: string) => Promise<void>) {
    this.#context = context
    this.#starter = starter
    this.#cancel = cancel
  }

  /** Takes all that are due, portion by portion, and sees to it that they are dealt with: a start that takes long holds up none that comes after it. @throws StoreError */
  async run(mayGoOn: () => boolean): Promise<void> {
    const { connection, clock, options, storedGraphNames: graphs } = this.#context
    while (mayGoOn()) {
      if (this.#open.size >= mostPortions) await Promise.race(this.#open)
      const now = clock.now()
      const taker = randomId(options.random)
      const taking = { graphs, before: now, until: now + takenForMs, taker, limit: portionSize }
      const taken = await connection.store.takeSchedules(taking)
      if (taken.length > 0) this.#begin(taken)
      if (taken.length < portionSize) return
    }
  }

  /** Until nothing of it is under way. */
  async settled(): Promise<void> {
    await Promise.all(this.#open)
  }

  #begin(taken: readonly ScheduleRecord[]): void {
    const { failures } = this.#context.connection
    const portion = this.#fire(taken)
      .catch((error: unknown) => {
        // The store is away: whoever looks in a while finds them due.
        if (!(error instanceof StoreError && error.isTransient)) failures.report('firing schedules', error)
      })
      .finally(() => {
        this.#open.delete(portion)
        this.onMoved()
      })
    this.#open.add(portion)
  }

  async #fire(records: readonly ScheduleRecord[]): Promise<void> {
    const statuses = await this.#statusesOf(records)
    const dealt = await Promise.all(
      records.map((record) =>
        // One that somebody has altered must not hold up the others.
        this.#fireOne(record, statuses).catch((error: unknown): Dealt => {
          const failure = { nominalTime: record.nextAt ?? this.#context.clock.now(), error }
          return { record, due: nothingDue, decision: nothingDone, failure }
        }),
      ),
    )
    await this.#move(dealt)
  }

  async #fireOne(record: ScheduleRecord, statuses: RunStatuses): Promise<Dealt> {
    const now = this.#context.clock.now()
    const calendar = calendarOf(record.rule)
    const due = dueTimesOf(record, calendar, now)
    return this.#deal(record, due, decideFiring(record, due, statuses, calendar, now))
  }

  async #statusesOf(records: readonly ScheduleRecord[]): Promise<RunStatuses> {
    const { connection, clock } = this.#context
    const ids = [...new Set(records.filter(needsStatuses).flatMap(({ runs }) => runs))]
    const found = await Promise.all(ids.map((id) => connection.gets.add(id, clock.elapsed() + patienceMs)))
    return new Map(ids.map((id, index) => [id, found[index]?.status]))
  }

  async #deal(record: ScheduleRecord, due: DueTimes, decision: Decision): Promise<Dealt> {
    const onFailure = this.#context.connection.failures.of(`cancelling an execution of schedule "${record.name}"`)
    // How that goes is seen at the next look.
    for (const id of decision.cancels) void this.#cancel(id).catch(onFailure)
    let failure: Dealt['failure']
    for (const nominalTime of decision.starts) {
      try {
        await startRun(this.#context, this.#starter, record, nominalTime)
      } catch (error) {
        failure = { nominalTime, error }
        break
      }
    }
    return { record, due, decision, failure }
  }

  /** Only what is as it was is moved: somebody may have paused or deleted it meanwhile. */
  async #move(dealt: readonly Dealt[]): Promise<void> {
    const { store } = this.#context.connection
    const changed = dealt.map((one) => revised(this.#context, one.record, this.#changeOf(one)))
    const answers = allAnswers(store, 'changeSchedules', changed, await store.changeSchedules(changed))
    for (const [index, one] of dealt.entries()) if (answers[index] === true) this.#report(one)
  }

  #changeOf({ record, decision, failure }: Dealt): Partial<ScheduleRecord> {
    if (failure === undefined) return decision.change
    const now = this.#context.clock.now()
    // What can't be started here any more, others can.
    if (this.#context.isClosing) return { dueAt: now }
    const pauseMs = Math.min(pauses.firstMs * 2 ** record.failures, pauses.lastMs)
    return { failures: record.failures + 1, dueAt: now + pauseMs }
  }

  #report({ record, due, decision, failure }: Dealt): void {
    const report = (id: string, event: Parameters<typeof emitScheduleEvent>[3]): void =>
      emitScheduleEvent(this.#context, record, id, event)
    const { name, graph, target, failures } = record
    if (failure !== undefined) {
      if (this.#context.isClosing) return
      const { nominalTime, error } = failure
      report(runIdOf(name, nominalTime), { type: 'schedule.failed', nominalTime, error, failures: failures + 1 })
      return
    }
    const { failedRun, skips, starts, change } = decision
    for (const nominalTime of starts) {
      const lagMs = Math.max(0, this.#context.clock.now() - nominalTime)
      this.#context.observers.onProcess?.({ type: 'schedule.fired', schedule: name, graph, target, nominalTime, lagMs })
    }
    if (failedRun !== undefined) report(failedRun, { type: 'schedule.paused' })
    else if (due.missed !== undefined) report(runIdOf(name, due.missed.to), { type: 'schedule.missed', ...due.missed })
    const skipped = new Set(skips.map((time) => runIdOf(name, time)))
    const runs = (change.runs ?? []).filter((id) => !skipped.has(id))
    for (const nominalTime of skips) report(runIdOf(name, nominalTime), { type: 'schedule.skipped', nominalTime, runs })
  }
}
