import { isTerminal } from '../../src/core/contracts/statuses.ts'
import type { Life } from './life.ts'
import { itemOf } from './machine-mail.ts'
import { isShared } from './random-batch.ts'
import type { RandomSource } from './random-source.ts'
import { requestName } from './requests.ts'
import type { Request } from './requests.ts'
import type { Simulation } from './run-seed.ts'

/** Those who send updates to the functions of a world. */
export class RequestUsers {
  readonly #simulation: Simulation
  readonly #random: RandomSource
  readonly #sent: Request[] = []

  constructor(simulation: Simulation, random: RandomSource) {
    this.#simulation = simulation
    this.#random = random
  }

  /** Sends an update, from two processes at once at times, or one again. */
  send(): void {
    const random = this.#random
    if (this.#sent.length > 0 && random.chance(0.3)) {
      const sent = random.pick(this.#sent)
      // Another value under the same id is refused.
      const value = random.chance(0.1) ? this.#simulation.history.requests!.write('right') : sent.value
      this.#send({ ...sent, value, timeoutMs: this.#timeout() })
      return
    }
    const lives = [...this.#simulation.history.lives.values()]
    if (lives.length === 0) return
    const kind = random.weighted({ right: 75, wrong: 10, refused: 15 } as const)
    for (const request of this.#requestsTo(random.pick(lives), kind))
      for (let times = random.chance(0.25) ? 2 : 1; times > 0; times--) this.#send(request)
  }

  /** Updates for all that has not ended. */
  answerAll(): void {
    for (const life of this.#simulation.history.lives.values())
      if (!isTerminal(life.status)) for (const request of this.#requestsTo(life, 'right', true)) this.#send(request)
  }

  #timeout(): number | undefined {
    return this.#random.pick([undefined, undefined, 20, 1_000, 8_000])
  }

  #requestsTo(life: Life, kind: 'right' | 'wrong' | 'refused', isNeeded = false): readonly Request[] {
    const { history, batches, graphs } = this.#simulation
    const batch = batches.get(life.id)
    const { steps } = graphs.find(({ name }) => life.target.startsWith(`${name}.`))!
    return steps.flatMap((step, at) => {
      if ((step.verbs?.more?.requests?.length ?? 0) === 0) return []
      const isEach = batch !== undefined && !isShared(batch, at)
      const { notes } = history.requests!
      return [...(isEach ? batch.items.keys() : [undefined])].flatMap((item): Request | readonly Request[] => {
        if (isNeeded && notes.hasNew(requestName(step), life.number, itemOf(batches, life.id, item))) return []
        const value = history.requests!.write(kind)
        const timeoutMs = this.#timeout()
        return { execution: life.id, name: requestName(step), id: `i${value}`, value, item, timeoutMs }
      })
    })
  }

  #send(request: Request): void {
    this.#sent.push(request)
    this.#simulation.users.someoneFor(request.execution)?.update(request)
  }
}
