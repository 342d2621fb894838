import type { RandomSource } from './random-source.ts'
import type { Simulation } from './run-seed.ts'

/** What befalls the processes of a world, and their clocks, and its store. */
export class Disturbances {
  readonly #simulation: Simulation
  readonly #random: RandomSource
  readonly #addProcess: () => void

  constructor(simulation: Simulation, random: RandomSource, addProcess: () => void) {
    this.#simulation = simulation
    this.#random = random
    this.#addProcess = addProcess
  }

  kill(): void {
    const docket = this.#simulation.users.someone()
    if (docket === undefined) return
    this.#simulation.faults.count('kill')
    this.#simulation.history.tell(() => `${docket.process.name} is killed`)
    docket.process.kill()
    if (this.#random.chance(0.7))
      this.#simulation.scheduler.after(this.#random.between(0, 4_000), () => this.#addProcess())
  }

  pause(): void {
    const docket = this.#simulation.users.someone()
    if (docket === undefined) return
    const ms = this.#random.pick([
      50,
      0.5 * this.#simulation.leaseMs,
      1.1 * this.#simulation.leaseMs,
      3 * this.#simulation.leaseMs,
    ])
    this.#simulation.faults.count('pause')
    this.#simulation.history.tell(() => `${docket.process.name} is paused for ${ms} ms`)
    docket.process.pause()
    this.#simulation.scheduler.after(ms, () => {
      this.#simulation.history.tell(() => `${docket.process.name} goes on`)
      docket.process.resume()
    })
  }

  close(): void {
    const docket = this.#simulation.users.someone()
    if (docket === undefined) return
    this.#simulation.faults.count('close')
    docket.close(this.#random.pick([0, 100, 2_000]))
    if (this.#random.chance(0.7))
      this.#simulation.scheduler.after(this.#random.between(0, 2_000), () => this.#addProcess())
  }

  /** An administrator sets a clock. */
  setClock(): void {
    const docket = this.#simulation.users.someone()
    if (docket === undefined) return
    const byMs = this.#random.pick([-3_600_000, -5_000, -700, 700, 5_000, 3_600_000])
    this.#simulation.faults.count('clock set')
    this.#simulation.history.tell(() => `the clock of ${docket.process.name} is set by ${byMs} ms`)
    docket.process.offsetMs += byMs
  }

  cutOff(): void {
    const ms = this.#random.pick([200, 2_000, 2 * this.#simulation.leaseMs])
    this.#simulation.history.tell(() => `the store is away for ${ms} ms`)
    this.#simulation.faults.isOut = true
    this.#simulation.scheduler.after(ms, () => (this.#simulation.faults.isOut = false))
  }
}
