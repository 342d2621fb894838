import { isTerminal } from '../../src/core/contracts/statuses.ts'
import { recordKey } from './batch-ledger.ts'
import type { Life } from './life.ts'
import { letterKinds } from './machine-model.ts'
import { itemOf } from './machine-mail.ts'
import { letterName } from './machines.ts'
import { isShared } from './random-batch.ts'
import type { RandomSource } from './random-source.ts'
import type { Simulation } from './run-seed.ts'
import type { SimulatedStep } from './simulated-step.ts'

interface Written {
  readonly execution: string
  readonly name: string
  readonly value: string
  readonly item: number | undefined
}

/** Those who write to the machines of a world. */
export class MachineUsers {
  readonly #simulation: Simulation
  readonly #random: RandomSource
  readonly #written: Written[] = []

  constructor(simulation: Simulation, random: RandomSource) {
    this.#simulation = simulation
    this.#random = random
  }

  /** Writes some letters at once to a machine, or sends one again. */
  write(): void {
    const random = this.#random
    if (this.#written.length > 0 && random.chance(0.15)) {
      this.#send(random.pick(this.#written))
      return
    }
    const lives = [...this.#simulation.history.lives.values()]
    if (lives.length === 0) return
    const life = random.pick(lives)
    const machines = this.#machinesOf(life)
    if (machines.length === 0) return
    const { step, items } = random.pick(machines)
    if (items.length === 0) return
    const item = random.pick(items)
    for (let letters = random.int(1, 3); letters > 0; letters--) this.#writeTo(life, step, item, random.chance(0.1))
  }

  /** Letters for all that has not ended. */
  answerAll(): void {
    for (const life of this.#simulation.history.lives.values()) {
      if (isTerminal(life.status)) continue
      for (const { step, items } of this.#machinesOf(life))
        for (const item of items) {
          const key = itemOf(this.#simulation.batches, life.id, item)
          if (life.steps.get(recordKey(step.name, key))?.record.endedAt === undefined)
            for (let letters = 0; letters < 2; letters++) this.#writeTo(life, step, item, false)
        }
    }
  }

  #machinesOf(
    life: Life,
  ): readonly { readonly step: SimulatedStep; readonly items: readonly (number | undefined)[] }[] {
    const name = life.target.slice(0, life.target.indexOf('.'))
    const { steps } = this.#simulation.graphs.find((graph) => graph.name === name)!
    const batch = this.#simulation.batches.get(life.id)
    return steps.flatMap((step, at) => {
      if (step.kind !== 'machine') return []
      const isEach = batch !== undefined && !isShared(batch, at)
      return [{ step, items: isEach ? [...batch.items.keys()] : [undefined] }]
    })
  }

  #writeTo({ id }: Life, step: SimulatedStep, item: number | undefined, isWrong: boolean): void {
    const value = this.#simulation.history.machines!.mail.write(isWrong)
    const written = { execution: id, name: letterName(step, this.#random.pick(letterKinds)), value, item }
    this.#written.push(written)
    this.#send(written)
  }

  #send({ execution, name, value, item }: Written): void {
    this.#simulation.users.someoneFor(execution)?.write(execution, name, value, item, this.#random.chance(0.15) ? 2 : 1)
  }
}
