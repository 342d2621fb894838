import type { CommitAnswer } from '../../src/core/contracts/store.ts'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import { isTerminal } from '../../src/core/contracts/statuses.ts'
import { dataType, type } from '../../src/index.ts'
import type { History } from './history.ts'
import type { Life } from './life.ts'
import type { LooseDocket } from './operations.ts'
import type { RandomSource } from './random-source.ts'
import type { Simulation } from './run-seed.ts'
import type { SimulatedStep } from './simulated-step.ts'
import { plainOf } from './toy-codec.ts'

const published = 'published '

/** What a function shows: the name of the type. */
export function shownName({ name }: SimulatedStep): string {
  return `${name}.shown`
}

/** One loop over what is shown. */
interface Watch {
  readonly life: Life
  readonly name: string
  /** The place of what it was given last. */
  last: number
}

/** All that functions have shown, and what people see of it, from whichever process. */
export class Looks {
  readonly #history: History
  readonly #shown = new Map<string, { readonly value: unknown; readonly at: number }[]>()

  constructor(history: History) {
    this.#history = history
  }

  committed(commits: readonly ExecutionCommit[], answers: readonly CommitAnswer[]): void {
    for (const [index, { id, checkpoints = [] }] of commits.entries()) {
      const life = this.#history.lives.get(id)
      if (answers[index] !== true || life === undefined) continue
      for (const { step, name, value } of checkpoints) {
        if (step !== '' || !name.startsWith(published)) continue
        const shown = this.#of(life, name.slice(published.length))
        const made = plainOf(value)
        // A commit that was sent twice.
        if (shown.at(-1)?.value !== made) shown.push({ value: made, at: this.#history.now })
      }
    }
  }

  /** Somebody has asked for what is shown. */
  got(life: Life, name: string, value: unknown, askedAt: number): void {
    if (this.#history.lives.get(life.id) !== life) return
    const shown = this.#of(life, name)
    const violate = (what: string): void =>
      this.#history.violate(`${life.id}: ${name} was said to be ${String(value)}, ${what}`)
    if (value === undefined) {
      if ((shown[0]?.at ?? Infinity) < askedAt) violate(`and was ${String(shown[0]!.value)} before`)
      return
    }
    const place = shown.findLastIndex((one) => one.value === value)
    if (place === -1) violate('which it never was')
    else if ((shown[place + 1]?.at ?? Infinity) < askedAt) violate(`which is ${String(shown[place + 1]!.value)} since`)
  }

  watch(life: Life, name: string): Watch {
    return { life, name, last: -1 }
  }

  seen(watch: Watch, value: unknown): void {
    const { life, name, last } = watch
    if (this.#history.lives.get(life.id) !== life) return
    const place = this.#of(life, name).findLastIndex((one) => one.value === value)
    if (place === -1) this.#history.violate(`${life.id}: ${name} was seen as ${String(value)}, which it never was`)
    else if (place <= last)
      this.#history.violate(`${life.id}: ${name} was seen as ${String(value)}, which it was before the last one`)
    watch.last = place
  }

  /** The loop came to its end: there is nothing more to be seen. */
  watched({ life, name, last }: Watch): void {
    if (this.#history.lives.get(life.id) !== life || life.reopened > 0) return
    const shown = this.#of(life, name)
    if (!isTerminal(life.status) && life.status !== 'compensating')
      this.#history.violate(`${life.id}: all of ${name} was seen, and it is ${life.status}`)
    else if (last !== shown.length - 1)
      this.#history.violate(`${life.id}: ${name} is ${String(shown.at(-1)!.value)} in the end, which was not seen`)
  }

  #of(life: Life, name: string): { readonly value: unknown; readonly at: number }[] {
    const key = `${life.number} ${name}`
    const shown = this.#shown.get(key) ?? []
    this.#shown.set(key, shown)
    return shown
  }
}

/** A handle, whose types are told to the compiler alone. */
interface LookingHandle {
  get(of: unknown): Promise<unknown>
  watch(of: unknown): AsyncIterable<unknown>
}

/** Those who look at what functions show, once or until the end. */
export class Lookers {
  readonly #simulation: Simulation
  readonly #random: RandomSource

  constructor(simulation: Simulation, random: RandomSource) {
    this.#simulation = simulation
    this.#random = random
  }

  look(): void {
    const { history, graphs, users } = this.#simulation
    const lives = [...history.lives.values()].filter(({ kind }) => kind === 'execution')
    if (lives.length === 0) return
    const life = this.#random.pick(lives)
    const graph = graphs.find(({ name }) => life.target.startsWith(`${name}.`))!
    const showing = graph.steps.filter(({ verbs }) => verbs?.more?.publishes === true)
    const docket = users.someone()
    if (showing.length === 0 || docket === undefined) return
    const name = shownName(this.#random.pick(showing))
    const of = dataType(name, type<string>())
    const looks = history.looks!
    const isLong = this.#random.chance(0.6)
    const most = this.#random.pick([1, 2, Infinity, Infinity])
    docket.perform(isLong ? 'watch' : 'look', life.id, async () => {
      const handle = (await (docket.docket as unknown as LooseDocket).get(life.id)) as unknown as
        LookingHandle | undefined
      if (handle === undefined) return
      if (!isLong) {
        const askedAt = history.now
        looks.got(life, name, await handle.get(of), askedAt)
        return
      }
      const watch = looks.watch(life, name)
      let count = 0
      for await (const value of handle.watch(of)) {
        looks.seen(watch, value)
        if (++count >= most) return
      }
      looks.watched(watch)
    })
  }
}
