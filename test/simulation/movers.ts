import { isTerminal } from '../../src/core/contracts/statuses.ts'
import type { Docket } from '../../src/index.ts'
import { declaredDocket } from './declared-docket.ts'
import type { SimulatedProgram } from './declared-docket.ts'
import { knownErrors } from './operations.ts'
import type { RandomSource } from './random-source.ts'
import type { Simulation } from './run-seed.ts'
import { SimulatedProcess } from './simulated-process.ts'
import type { StoreServer } from './simulated-store.ts'

/** A process that has a docket on each of two stores, and runs nothing. */
interface Mover {
  readonly process: SimulatedProcess
  readonly from: Docket
  readonly to: Docket
}

const again = 3_000

/** Those who move executions to the other store, and die of it at times. */
export class Movers {
  readonly #simulation: Simulation
  readonly #random: RandomSource
  readonly #programOf: (process: SimulatedProcess, server: StoreServer) => SimulatedProgram
  readonly #there: StoreServer
  #mover: Mover | undefined
  #count = 0
  #underWay = 0

  constructor(
    simulation: Simulation,
    random: RandomSource,
    there: StoreServer,
    programOf: (process: SimulatedProcess, server: StoreServer) => SimulatedProgram,
  ) {
    this.#simulation = simulation
    this.#random = random
    this.#there = there
    this.#programOf = programOf
  }

  get isIdle(): boolean {
    return this.#underWay === 0
  }

  /** Moves one or two, whatever they are at. */
  move(): void {
    const ids = [...this.#simulation.history.lives.keys()]
    if (ids.length === 0) return
    this.#move([this.#random.pick(ids), ...(this.#random.chance(0.3) ? [this.#random.pick(ids)] : [])])
    if (this.#random.chance(0.15)) this.#simulation.scheduler.after(this.#random.between(0, 60), () => this.kill())
  }

  kill(): void {
    if (this.#mover === undefined) return
    this.#simulation.history.tell(() => `${this.#mover?.process.name} is killed`)
    this.#mover.process.kill()
    this.#mover = undefined
    this.#underWay = 0
  }

  /** What was cut off is called again, until nothing is half here and half there. */
  finish(): void {
    const { history, scheduler } = this.#simulation
    const halves = [...history.lives.values()].filter(
      (life) => history.moves!.placeOf(life) === 'on the way' || history.moves!.arriving.has(life.id),
    )
    if (halves.length > 0 && this.#underWay === 0) this.#move(halves.map(({ id }) => id))
    scheduler.after(again, () => this.finish())
  }

  close(): void {
    this.#mover?.process.kill()
  }

  #move(ids: readonly string[]): void {
    const { history } = this.#simulation
    const mover = (this.#mover ??= this.#begin())
    history.tell(() => `${mover.process.name} moves ${ids.join(', ')}`)
    this.#underWay++
    mover.process.post(0, () => {
      void mover.from.moveTo(mover.to, [...new Set(ids)]).then(
        (outcomes) => {
          if (mover === this.#mover) this.#underWay--
          for (const { id, verdict, error } of outcomes) {
            history.tell(() => `${mover.process.name} moving ${id}: ${verdict ?? String(error)}`)
            const isKnown = error === undefined || (error instanceof Error && knownErrors.has(error.name))
            if (!isKnown) history.violate(`moving ${id} was rejected with ${String(error)}`)
            const life = history.lives.get(id)
            if (life === undefined) continue
            const place = history.moves!.placeOf(life)
            if (verdict === 'moved' && place !== 'there') history.violate(`${id} is said to be moved, and is ${place}`)
            if (verdict === 'copied' && !isTerminal(life.status) && life.reopened === 0)
              history.violate(`${id} is said to be copied, and has not ended`)
          }
        },
        (error: unknown) => {
          if (mover === this.#mover) this.#underWay--
          history.violate(`moveTo was rejected with ${String(error)}`)
        },
      )
    })
  }

  #begin(): Mover {
    const { scheduler } = this.#simulation
    const process = new SimulatedProcess(`m${++this.#count}`, scheduler, this.#random, 0, true)
    const [from, to] = [this.#simulation.server, this.#there].map((server) =>
      declaredDocket(this.#programOf(process, server), new Map(), () => {}),
    )
    return { process, from: from!, to: to! }
  }
}
