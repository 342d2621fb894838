import type { Backfill } from '../../src/index.ts'
import type { RandomSource } from './random-source.ts'
import type { Simulation } from './run-seed.ts'
import { given } from './schedules.ts'
import type { SimulatedSchedule } from './schedules.ts'
import type { ScheduleCall, ScheduleDeed } from './timetables.ts'

/** The calls of a docket that are about schedules, whose types are told to the compiler alone. */
interface LooseSchedules {
  schedule(name: string, declaration: unknown): Promise<unknown>
  readonly schedules: {
    pause(name: string): Promise<unknown>
    resume(name: string): Promise<unknown>
    trigger(name: string): Promise<string>
    backfill(name: string, options: unknown): Promise<Backfill>
    delete(name: string): Promise<boolean>
  }
}

/** Those who declare schedules, pause them, and have them start something now. */
export class TimetableUsers {
  readonly #simulation: Simulation
  readonly #random: RandomSource
  readonly #schedules: readonly SimulatedSchedule[]

  constructor(simulation: Simulation, random: RandomSource, schedules: readonly SimulatedSchedule[]) {
    this.#simulation = simulation
    this.#random = random
    this.#schedules = schedules
  }

  act(): void {
    const random = this.#random
    const schedule = random.pick(this.#schedules)
    const deed = random.weighted({
      pause: 25,
      resume: 30,
      trigger: 20,
      backfill: 15,
      delete: schedule.isDeclaredLater === true ? 15 : 0,
    })
    this.#call(deed, schedule)
  }

  /** Declares one that does not stand in the program. */
  declare(): void {
    const later = this.#schedules.filter(({ isDeclaredLater }) => isDeclaredLater === true)
    if (later.length > 0) this.#call('declare', this.#random.pick(later))
  }

  #call(deed: ScheduleDeed, schedule: SimulatedSchedule): void {
    const { history, scheduler, workers } = this.#simulation
    if (workers.length === 0) return
    const docket = this.#random.pick(workers)
    const from = scheduler.now - this.#random.int(0, 8_000)
    const between: readonly [number, number] = [from, from + this.#random.int(0, 6_000)]
    if (deed === 'backfill' && between[1] > scheduler.now - 2_000) return
    docket.perform(deed, schedule.name, async () => {
      const call = history.timetable!.asked(deed, schedule.name, deed === 'backfill' ? between : undefined)
      try {
        await this.#ask(
          docket.docket as unknown as LooseSchedules,
          call,
          given(schedule, docket.graph(schedule.graph.name)),
        )
        history.timetable!.settled(call, false)
      } catch (error) {
        history.timetable!.settled(call, true)
        throw error
      }
    })
  }

  async #ask(docket: LooseSchedules, call: ScheduleCall, declaration: object): Promise<void> {
    const { timetable } = this.#simulation.history
    const { deed, name, between } = call
    if (deed === 'declare') await docket.schedule(name, declaration)
    else if (deed === 'trigger') timetable!.triggered(call, await docket.schedules.trigger(name))
    else if (deed === 'backfill')
      timetable!.backfilled(
        call,
        await docket.schedules.backfill(name, { from: new Date(between![0]), to: new Date(between![1]) }),
      )
    else await docket.schedules[deed](name)
  }
}
