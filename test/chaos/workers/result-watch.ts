import { setTimeout as sleep } from 'node:timers/promises'
import { createDocket } from '../../../src/index.ts'
import type { Docket } from '../../../src/index.ts'
import type { Mark } from '../chaos-graphs.ts'
import type { StoreUnderTest } from '../chaos-stores.ts'
import { versionedSteps } from './versioned-graphs.ts'
import { openWorkersStore } from './engine-under-test.ts'

const lookEveryMs = 150
const newest = 40
const looksEach = 8

/** Somebody who looks at executions all the time, in a process that runs none, and notes what of their results changes or vanishes. */
export class ResultWatch {
  readonly violations: string[] = []
  readonly #seen = new Map<string, string>()
  readonly #docket: Docket
  readonly #watching: Promise<void>
  #isOver = false
  looks = 0

  constructor({ kind, url }: StoreUnderTest, random: () => number) {
    this.#docket = createDocket({ graphs: [], store: openWorkersStore(kind, url), takeOver: false, name: 'watch' })
    this.#watching = this.#watch(random)
  }

  get results(): number {
    return this.#seen.size
  }

  async end(): Promise<void> {
    this.#isOver = true
    await this.#watching
    await this.#docket.close()
  }

  async #watch(random: () => number): Promise<void> {
    while (!this.#isOver) {
      await sleep(lookEveryMs)
      try {
        const { executions } = await this.#docket.list({ limit: newest })
        for (let looks = 0; looks < looksEach && executions.length > 0; looks++)
          await this.#look(executions[Math.floor(random() * executions.length)]!.id)
      } catch {
        // The store is away.
      }
    }
  }

  async #look(id: string): Promise<void> {
    const details = await (await this.#docket.get(id))?.details()
    if (details === undefined) return void this.violations.push(`${id} was listed, and is not there`)
    this.looks++
    const now = new Map<string, string>()
    for (const { step, output } of details.steps)
      if (output !== undefined) now.set(step === 'Wrap' ? 'Pack' : step, (output as Mark).tag)
    if (details.status === 'completed') now.set('the end', (details.output as Mark).tag)
    for (const [what, tag] of now) this.#seen.set(`${id} ${what}`, this.#same(`${id} ${what}`, tag))
    for (const step of [...versionedSteps.map(({ name }) => name), 'the end'])
      if (this.#seen.has(`${id} ${step}`) && !now.has(step)) this.violations.push(`${id} has no ${step} any more`)
  }

  #same(what: string, tag: string): string {
    const known = this.#seen.get(what) ?? tag
    if (known !== tag) this.violations.push(`${what} was ${known}, and is ${tag}`)
    return known
  }
}
