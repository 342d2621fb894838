import { Lookers } from './lookers.ts'
import { Operators } from './operators.ts'
import type { RandomSource } from './random-source.ts'
import type { Simulation } from './run-seed.ts'
import type { SimulatedSchedule } from './schedules.ts'
import { TimetableUsers } from './timetable-users.ts'

/** People beside those who start executions and send them something, where a world has them. */
export class MoreUsers {
  readonly #random: RandomSource
  readonly #timetable: TimetableUsers | undefined
  readonly #operators: Operators | undefined
  readonly #lookers: Lookers | undefined

  constructor(simulation: Simulation, random: RandomSource, schedules: readonly SimulatedSchedule[]) {
    const { hasTimetable, hasOperators, hasLookers } = simulation.features
    this.#random = random
    if (hasTimetable) this.#timetable = new TimetableUsers(simulation, random, schedules)
    if (hasOperators) this.#operators = new Operators(simulation, random)
    if (hasLookers) this.#lookers = new Lookers(simulation, random)
  }

  /** What they will do while the run is active. */
  plan(sometimes: (happen: () => void) => void): void {
    const times = (least: number, most: number, act: () => void): void => {
      for (let left = this.#random.int(least, most); left > 0; left--) sometimes(act)
    }
    const timetable = this.#timetable
    if (timetable !== undefined) {
      times(1, 4, () => timetable.declare())
      times(0, 12, () => timetable.act())
    }
    if (this.#operators !== undefined) times(1, 12, () => this.#operators!.act())
    if (this.#lookers !== undefined) times(1, 20, () => this.#lookers!.look())
  }

  /** They let all go on. */
  finish(): void {
    this.#operators?.finish()
  }
}
