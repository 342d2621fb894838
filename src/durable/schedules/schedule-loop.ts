import { DocketClosedError, StoreError } from '../../core/errors.ts'
import { outsideCalls } from '../../runtime/environment/async-context.ts'
import { unref } from '../../runtime/environment/long-timeout.ts'
import type { DocketContext } from '../context/docket-context.ts'
import type { CheckedSchedule } from './check-schedule.ts'
import { declareSchedule } from './declare-schedule.ts'
import type { Declared } from './declare-schedule.ts'
import { emitScheduleEvent } from './emit-schedule-event.ts'
import type { Firing } from './firing.ts'
import { runIdOf } from './nominal-times.ts'
import { OverruledSchedules } from './overruled-schedules.ts'
import { UnlistedSchedules } from './unlisted-schedules.ts'
import { reportVanished } from './vanished-schedules.ts'

/** How often a process looks whether others have declared, or moved, something. */
const lookEveryMs = 1_000
/** The same where there are no schedules, as far as it knows. */
const seldomMs = 30_000

/**
 * Fires schedules when they are due, whichever process has declared them. The store knows by an index which one is next: a look costs one question, and the timer is set to the
 * moment. Where there are none, it asks twice a minute.
 */
export class ScheduleLoop {
  readonly #context: DocketContext
  readonly #firing: Firing
  readonly #unlisted: UnlistedSchedules
  readonly #overruled: OverruledSchedules
  readonly #declared: readonly CheckedSchedule[] | undefined
  #undeclared: readonly CheckedSchedule[]
  #hasReportedVanished: boolean
  #looking: Promise<void> | undefined
  #isWanted = false
  #isStopped = false
  #pollTimer: unknown
  #dueTimer: unknown
  #unlisten: (() => void) | undefined

  /** `declared`: what the docket was given; undefined where it was given none, which is another thing than an empty list. */
  constructor(context: DocketContext, firing: Firing, declared: readonly CheckedSchedule[] | undefined) {
    this.#context = context
    this.#firing = firing
    this.#unlisted = new UnlistedSchedules(context)
    this.#overruled = new OverruledSchedules(context, new Set(declared?.map(({ name }) => name)))
    this.#declared = declared
    this.#undeclared = declared ?? []
    firing.onMoved = () => this.soon()
    this.#hasReportedVanished = declared === undefined
  }

  start(): void {
    this.#unlisten = this.#context.connection.listen(({ type }) => {
      if (type !== 'schedules') return
      this.#unlisted.hinted()
      this.soon()
    })
    this.#poll(0)
  }

  /** Something may have been declared, or moved. */
  soon(): void {
    this.#isWanted = true
    this.#poll(0)
  }

  /** A call of this docket has declared one. */
  declared(schedule: CheckedSchedule, declared: Declared): void {
    this.#overruled.declared(schedule, declared)
  }

  /** Takes nothing more; resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#unlisten?.()
    const { clock } = this.#context
    clock.clearTimeout(this.#pollTimer)
    clock.clearTimeout(this.#dueTimer)
    await this.#looking
    await this.#firing.settled()
  }

  #poll(pauseMs: number): void {
    const { clock } = this.#context
    clock.clearTimeout(this.#pollTimer)
    if (this.#isStopped) return
    this.#pollTimer = outsideCalls.run(() => clock.setTimeout(() => this.#look(), pauseMs))
    unref(this.#pollTimer)
  }

  #setDue(pauseMs: number | undefined): void {
    const { clock } = this.#context
    clock.clearTimeout(this.#dueTimer)
    if (this.#isStopped || pauseMs === undefined) return
    this.#dueTimer = outsideCalls.run(() => clock.setTimeout(() => this.#look(), Math.max(0, Math.ceil(pauseMs))))
    // A clock that a test moves stops there; a process that has nothing else to do ends all the same.
    if (clock.kind !== 'injected') unref(this.#dueTimer)
  }

  #look(): void {
    this.#isWanted = true
    if (this.#isStopped) return
    this.#looking ??= this.#lookPatiently().finally(() => {
      this.#looking = undefined
      if (this.#isWanted) this.#poll(0)
    })
  }

  async #lookPatiently(): Promise<void> {
    const { connection } = this.#context
    let next: number | undefined
    let pauseMs = lookEveryMs
    this.#isWanted = false
    // Why it can't be opened is reported where work is looked for.
    const isOpen = await connection.opened().then(
      () => true,
      () => false,
    )
    try {
      if (isOpen) {
        await this.#declare()
        await this.#beside('looking for schedules that have vanished', () => this.#reportVanished())
        await this.#beside('looking for schedules that were declared otherwise', () => this.#overruled.look())
        await this.#beside('looking for schedules of unlisted graphs', () => this.#unlisted.look())
        next = await this.#fireAll()
        pauseMs = Math.min(next === undefined ? seldomMs : lookEveryMs, this.#unlisted.hintedPauseMs)
      }
    } catch (error) {
      this.#report('firing schedules', error)
    }
    this.#setDue(next === undefined ? undefined : next - this.#context.clock.now())
    this.#poll(pauseMs)
  }

  /** Does what firing does not depend on: what goes wrong with it holds up no schedule that is due. */
  async #beside(what: string, act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      this.#report(what, error)
    }
  }

  #report(what: string, error: unknown): void {
    // The store is away: tried again in a moment.
    if (!(error instanceof StoreError && error.isTransient)) this.#context.connection.failures.report(what, error)
  }

  /** @returns when the next one is due */
  async #fireAll(): Promise<number | undefined> {
    const { connection, options, clock, storedGraphNames } = this.#context
    if (options.takeOver === false || storedGraphNames.length === 0) return undefined
    const mayGoOn = (): boolean => !this.#isStopped
    for (;;) {
      const next = await connection.store.nextSchedule(storedGraphNames)
      if (next === undefined || next > clock.now() || !mayGoOn()) return next
      await this.#firing.run(mayGoOn)
    }
  }

  async #declare(): Promise<void> {
    while (this.#undeclared.length > 0) {
      const [first, ...others] = this.#undeclared
      try {
        this.#overruled.declared(first!, await declareSchedule(this.#context, first!))
      } catch (error) {
        if (error instanceof StoreError && error.isTransient) throw error
        // The next process that is given it declares it.
        if (error instanceof DocketClosedError) return
        this.#reportUndeclared(first!, error)
      }
      this.#undeclared = others
    }
  }

  /** Whoever made the docket does not wait for it: it is said wherever somebody may look. */
  #reportUndeclared({ name, graph, target }: CheckedSchedule, error: unknown): void {
    const { clock, connection } = this.#context
    connection.failures.reportUndeclared(name, error)
    const nominalTime = clock.now()
    const about = { name, graph: graph.name, target: target.name }
    const event = { type: 'schedule.failed', nominalTime, error, failures: 1 } as const
    emitScheduleEvent(this.#context, about, runIdOf(name, nominalTime), event)
  }

  async #reportVanished(): Promise<void> {
    if (this.#hasReportedVanished) return
    await reportVanished(this.#context, new Set(this.#declared!.map(({ name }) => name)))
    this.#hasReportedVanished = true
  }
}
