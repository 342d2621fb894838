import { isTerminal } from '../../src/core/contracts/statuses.ts'
import type { Backfill } from '../../src/index.ts'
import { agreeMs } from './history.ts'
import type { History } from './history.ts'
import type { Life } from './life.ts'
import type { RandomSource } from './random-source.ts'
import { randomSchedule } from './schedules.ts'
import type { SimulatedSchedule } from './schedules.ts'
import type { SimulatedGraph } from './simulated-step.ts'

/** What is done with schedules. */
export type ScheduleDeed = 'declare' | 'pause' | 'resume' | 'trigger' | 'backfill' | 'delete'

/** One call of somebody's. */
export interface ScheduleCall {
  readonly deed: ScheduleDeed
  readonly name: string
  readonly askedAt: number
  /** Of a backfill. */
  readonly between?: readonly [from: number, to: number] | undefined
  settledAt: number | undefined
  hasFailed: boolean
}

/** Several schedules; some stand in the program, others are declared by somebody, and taken away. */
export function randomTimetable(
  random: RandomSource,
  graphs: readonly SimulatedGraph[],
  now: number,
  activeMs: number,
  hasQueues: boolean,
): readonly SimulatedSchedule[] {
  return Array.from({ length: random.int(2, 4) }, (_, index) => ({
    ...randomSchedule(random, graphs, now, activeMs, hasQueues),
    name: `T${index}`,
    isDeclaredLater: random.chance(0.4),
  }))
}

// What is being started at that moment still is; a process that has taken a schedule, and is slow, is waited for.
const underWayMs = 6_000
// A status that was read before the run ended.
const readMs = 2_000

interface Firing {
  readonly life: Life
  readonly at: number
  readonly bySchedule: boolean
}

/** What people see of schedules that others pause, trigger and take away: each nominal time has one execution, in its time, by the rule, and none while it is paused, or once it is gone. */
export class Timetable {
  readonly #history: History
  readonly #schedules: ReadonlyMap<string, SimulatedSchedule>
  /** Whether no process is held up, and no call comes late. */
  readonly #isPrompt: boolean
  readonly calls: ScheduleCall[] = []
  /** All executions that began by the schedule of a name. */
  readonly #fired = new Map<string, Firing[]>()

  constructor(history: History, schedules: readonly SimulatedSchedule[], isPrompt: boolean) {
    this.#history = history
    this.#schedules = new Map(schedules.map((schedule) => [schedule.name, schedule]))
    this.#isPrompt = isPrompt
  }

  asked(deed: ScheduleDeed, name: string, between?: readonly [number, number]): ScheduleCall {
    const { now } = this.#history
    const call: ScheduleCall = { deed, name, askedAt: now, between, settledAt: undefined, hasFailed: false }
    this.calls.push(call)
    return call
  }

  settled(call: ScheduleCall, hasFailed: boolean): void {
    call.settledAt = this.#history.now
    call.hasFailed = hasFailed
  }

  /** Somebody was told that an execution began just now. */
  triggered({ name, askedAt }: ScheduleCall, id: string): void {
    const { now } = this.#history
    const at = timeOf(name, id)
    if (!(at >= askedAt - agreeMs && at <= now + agreeMs))
      this.#history.violate(`${id} was triggered between ${askedAt} and ${now}`)
    if (!this.#history.lives.has(id) && this.#history.deletionsOf(id) === 0)
      this.#history.violate(`${id} was triggered, and is not there`)
  }

  /** Somebody was told that nothing is missing any more. */
  backfilled({ name, between }: ScheduleCall, { started, existing, skipped }: Backfill): void {
    const times = this.#timesBetween(name, between!)
    if (started + existing + skipped !== times.length)
      this.#history.violate(
        `${name} was backfilled: ${started} started, ${existing} there, ${skipped} skipped, of ${times.length}`,
      )
    const fired = new Set(this.#fired.get(name)?.map(({ at }) => at))
    for (const at of times) if (!fired.has(at)) this.#history.violate(`${name} was backfilled, but for ${at}`)
  }

  created(life: Life): void {
    const [name, , ...rest] = life.id.split('/')
    const schedule = this.#schedules.get(name!)
    if (schedule === undefined || rest.length > 0) return
    const { now } = this.#history
    const at = timeOf(schedule.name, life.id)
    const fired = this.#fired.get(schedule.name) ?? []
    this.#fired.set(schedule.name, fired)
    const violate = (what: string): void => this.#history.violate(`${life.id} was started ${what}`)
    const ofSameTime = fired.filter((firing) => firing.at === at).length
    if (ofSameTime > this.#history.deletionsOf(life.id)) violate('though it had been before')
    if (now < at - agreeMs) violate(`${at - now} ms before its time`)
    const { startAt, endAt, everyMs } = schedule
    const isNominal = (at - startAt) % everyMs === 0
    const isAsked = this.#mayBeAsked(schedule.name, at)
    if (!isAsked && !(isNominal && at >= startAt && at <= endAt)) violate('which is no nominal time')
    if (!isAsked) this.#checkRule(schedule, fired, violate)
    fired.push({ life, at, bySchedule: !isAsked })
  }

  #checkRule(schedule: SimulatedSchedule, fired: readonly Firing[], violate: (what: string) => void): void {
    if (!this.#isPrompt) return
    const { name, overlap, pauseOnFailure } = schedule
    const { now } = this.#history
    const pausedAt = this.#surelyPausedSince(name)
    if (pausedAt < now - underWayMs) violate(`and the schedule is paused since ${pausedAt}`)
    const goneAt = this.#surelyGoneSince(name)
    if (goneAt < now - underWayMs) violate(`and the schedule is gone since ${goneAt}`)
    const takenAwayAt = this.#lastOf(name, 'delete')
    // What has ended and begins again is none that it knows of, nor what one of its name has started before it.
    const others = fired.flatMap(({ life }) =>
      this.#history.lives.get(life.id) === life && life.reopened === 0 && life.createdAt > takenAwayAt ? [life] : [],
    )
    const open =
      overlap === 'allowAll'
        ? undefined
        : others.find(({ status, begunAt }) => !isTerminal(status) && begunAt < now - readMs)
    if (open !== undefined) violate(`beside ${open.id}, which has not ended (${overlap})`)
    if (!pauseOnFailure) return
    const resumedAt = Math.max(this.#lastOf(name, 'resume'), takenAwayAt)
    const failed = others.find(
      ({ status, endedAt }) => status === 'failed' && endedAt! < now - readMs && endedAt! > resumedAt,
    )
    if (failed !== undefined) violate(`after ${failed.id} has failed`)
  }

  /** Whether somebody has it started, or may have had it: then it is no matter what the schedule is at. */
  #mayBeAsked(name: string, at: number): boolean {
    const { now } = this.#history
    return this.#of(name, 'trigger', 'backfill').some(({ deed, askedAt, between, settledAt, hasFailed }) => {
      const isOver = settledAt !== undefined && !hasFailed
      if (deed === 'trigger') return at >= askedAt - agreeMs && at <= (isOver ? settledAt : now) + agreeMs
      return !isOver && at >= between![0] && at <= between![1]
    })
  }

  /** Whether a later one of its schedule may have it cancelled at any time: it is taken to be ended, and does nothing more, for as long as its children take to end. */
  mayBeCancelled({ id }: Life): boolean {
    return this.#schedules.get(id.split('/')[0]!)?.overlap === 'cancelOther'
  }

  /** Since when a schedule is paused for all that anybody knows; Infinity where it may not be. */
  #surelyPausedSince(name: string): number {
    return this.#since(name, 'pause', ['resume', 'delete', 'declare'])
  }

  #surelyGoneSince(name: string): number {
    if (this.#schedules.get(name)!.isDeclaredLater !== true) return Infinity
    return this.#since(name, 'delete', ['declare'])
  }

  /** When something was done with a schedule last, or may have been. */
  #lastOf(name: string, deed: ScheduleDeed): number {
    return Math.max(...this.#of(name, deed).map(({ settledAt }) => settledAt ?? this.#history.now), -Infinity)
  }

  #since(name: string, deed: ScheduleDeed, against: readonly ScheduleDeed[]): number {
    const done = this.#of(name, deed).findLast(({ settledAt, hasFailed }) => settledAt !== undefined && !hasFailed)
    if (done === undefined) return Infinity
    const isUndone = this.#of(name, ...against).some(
      ({ settledAt, hasFailed }) => settledAt === undefined || hasFailed || settledAt >= done.askedAt,
    )
    return isUndone ? Infinity : done.settledAt!
  }

  #of(name: string, ...deeds: readonly ScheduleDeed[]): readonly ScheduleCall[] {
    return this.calls.filter((call) => call.name === name && deeds.includes(call.deed))
  }

  #timesBetween(name: string, [from, to]: readonly [number, number]): readonly number[] {
    const { startAt, everyMs } = this.#schedules.get(name)!
    const times: number[] = []
    for (let at = startAt + Math.ceil((from - startAt) / everyMs) * everyMs; at <= to; at += everyMs) times.push(at)
    return times
  }

  /** Where nothing stands in the way, no nominal time was passed over: unless a run was in the way of it. */
  checkTheEnd(): void {
    for (const {
      name,
      everyMs,
      startAt,
      endAt,
      jitterMs,
      pauseOnFailure,
      catchUp,
      overlap,
    } of this.#schedules.values()) {
      const fired = this.#fired.get(name) ?? []
      // Who pauses it, or takes it away, passes over what comes meanwhile.
      if (this.#of(name, 'pause', 'resume', 'delete', 'declare').length > 0 || pauseOnFailure) continue
      // Of what is made up for later, all but the first may come to nothing.
      if (!this.#isPrompt && (typeof catchUp !== 'object' || overlap !== 'allowAll')) continue
      if (fired.length === 0) continue
      const isThere = new Set(fired.map(({ at }) => at))
      for (let at = Math.max(startAt, fired[0]!.at); at <= endAt; at += everyMs) {
        if (isThere.has(at) || (at - startAt) % everyMs !== 0) continue
        const wasBusy = fired.some(
          ({ life }) => life.createdAt <= at + jitterMs + underWayMs && (life.endedAt ?? Infinity) >= at - readMs,
        )
        if (!wasBusy) this.#history.violate(`${name} has passed over ${new Date(at).toISOString()}`)
      }
    }
  }
}

function timeOf(name: string, id: string): number {
  return Date.parse(id.slice(name.length + 1))
}
