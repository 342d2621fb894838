import { createDocket } from '../../../src/index.ts'
import type { Docket } from '../../../src/index.ts'
import { freshName } from '../durable/engine.ts'
import type { Places } from '../durable/engine.ts'
import { openStore } from '../opponents/durable-docket.ts'
import type { StoreKind } from '../opponents/durable-docket.ts'
import { analyze, copyInBulk } from './bulk-copies.ts'
import type { CopyPlace } from './bulk-copies.ts'
import { fill, idOf, livingOwner, scaleGraph, templateOf } from './fixtures.ts'
import type { Filling, Template } from './fixtures.ts'

const otherProcesses = 10
const dayMs = 86_400_000

/** Of so many that have ended, one in ten is there besides that has not. */
export const unfinishedIn = (finished: number): number => finished / 10

/** A store that holds much or little, and a docket over it. */
export class Filled implements AsyncDisposable {
  readonly #place: CopyPlace
  readonly #template: Template
  readonly docket: Docket
  readonly finished: number
  /** When the middle of what was put in was created. */
  readonly middle: Date
  /** What the executions that this process runs wait for, and what they report. */
  readonly steps: { work: () => Promise<void> | void; onEnd: () => void } = { work: () => {}, onEnd: () => {} }
  readonly graph: ReturnType<typeof scaleGraph>

  private constructor(place: CopyPlace, template: Template, finished: number, from: number) {
    this.#place = place
    this.#template = template
    this.finished = finished
    this.middle = new Date(from + finished / 2)
    this.graph = scaleGraph(
      () => this.steps.work(),
      () => this.steps.onEnd(),
    )
    // As many slots as anything here needs: what is measured is not how long others run.
    const options = { graphs: [this.graph.graph], store: place.store, takeOver: false, work: { default: 1_000_000 } }
    this.docket = createDocket(options)
  }

  /**
   * A fresh store with so many that have ended, and a tenth of that which has not: of processes that live, and of nobody, where no process knows
   * the graph.
   */
  static async of(kind: StoreKind, places: Places, finished: number): Promise<Filled> {
    const name = freshName('scale')
    const template = await templateOf(openStore(kind, places, name))
    const place: CopyPlace = { kind, places, name, store: openStore(kind, places, name) }
    const from = Date.now() - dayMs - finished
    const filled = new Filled(place, template, finished, from)
    await filled.docket.list({ limit: 1 })
    await filled.put({ prefix: 'ended', count: finished, from })
    const unfinished = unfinishedIn(finished)
    const unowned = Math.floor(unfinished / 2)
    await filled.put({ prefix: 'elsewhere', count: unowned, from: from + 1, owner: null, graph: 'elsewhere' })
    const each = Math.ceil((unfinished - unowned) / otherProcesses)
    for (let process = 0; process < otherProcesses; process++) {
      const owner = await livingOwner(place.store, `other-${process}`)
      await filled.put({ prefix: `other${process}`, count: each, from: from + process * each, owner })
    }
    await analyze(place)
    return filled
  }

  get store(): CopyPlace['store'] {
    return this.#place.store
  }

  /** Another store over the same data, for another docket. */
  get again(): CopyPlace['store'] {
    const { kind, places, name } = this.#place
    return openStore(kind, places, name)
  }

  /** Puts more in, as the database makes it. */
  put(filling: Filling): Promise<void> {
    return copyInBulk(this.#place, this.#template, filling)
  }

  /** Puts a few more in, through the store. */
  add(filling: Filling): Promise<void> {
    return fill(this.store, this.#template, filling)
  }

  /** Takes out what has been put in under a prefix, whoever has it: `owner` must be what nobody else is called. */
  async remove({ prefix, count }: Pick<Filling, 'prefix' | 'count'>, owner: string): Promise<void> {
    const ids = Array.from({ length: count }, (_, place) => idOf(prefix, place))
    const had = await this.store.acquire({ owner, ids, andEnded: true, andOwn: true, limit: count })
    await this.store.delete(had.map(({ execution: { id, epoch } }) => ({ id, owner, epoch })))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.docket.close()
  }
}
