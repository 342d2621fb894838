import type { AcquiredExecution, ExecutionCommit, NewExecution } from '../../src/core/contracts/execution-record.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import { isTerminal } from '../../src/core/contracts/statuses.ts'
import { recordKey } from './batch-ledger.ts'
import type { History } from './history.ts'
import { hasCompleted } from './life.ts'
import type { Life } from './life.ts'
import type { SimulatedProcess } from './simulated-process.ts'
import { textOf } from './toy-codec.ts'

/** One of two stores. */
export type StorePlace = 'here' | 'there'

// What stands in the place of a graph's hash on the way.
const arrivingHash = 'moving:'
const leavingHash = 'detached:leaving'

/** Executions that go from one store to another: each is in one of them alone, whole, from the commit on that opens it there. */
export class Moves {
  /** Those that are written to the other store and not open there. */
  readonly arriving = new Set<string>()
  /** Those of them that had ended. */
  readonly #asEnded = new Set<string>()
  /** Those that have ended, and are in both. */
  readonly #copied = new Set<string>()
  /** Where each life is; `on the way`: taken out of the one, and not open in the other. */
  readonly #places = new Map<Life, StorePlace | 'on the way'>()
  /** Processes of the other store. */
  readonly #there = new Set<string>()
  readonly #history: History

  constructor(history: History) {
    this.#history = history
  }

  isThere(process: string): void {
    this.#there.add(process)
  }

  placeOf(life: Life): StorePlace | 'on the way' {
    return this.#places.get(life) ?? 'here'
  }

  /** Whether what a store does about an execution is about the half of it that counts. */
  isOf(place: StorePlace, id: string): boolean {
    const life = this.#history.lives.get(id)
    if (place === 'there' && (this.arriving.has(id) || this.#copied.has(id))) return false
    if (life === undefined) return true
    return this.placeOf(life) === place
  }

  /** Executions that a store has been told to create: gives those that begin there. */
  created(place: StorePlace, created: readonly NewExecution[], answers: readonly unknown[]): void {
    for (const [index, { id, graphHash }] of created.entries()) {
      if (answers[index] !== undefined) continue
      const life = this.#history.lives.get(id)
      if (graphHash.startsWith(arrivingHash)) {
        if (place === 'here' || life === undefined) this.#history.violate(`${id} arrives where it is not to`)
        this.arriving.add(id)
        if (life !== undefined && isTerminal(life.status)) this.#asEnded.add(id)
        else this.#asEnded.delete(id)
      } else if (life !== undefined && place === 'there') this.#places.set(life, 'there')
    }
  }

  /** A commit to a store. Whether it is of an execution that is there. */
  committed(place: StorePlace, { id, head, steps }: ExecutionCommit, store: Store): boolean {
    const life = this.#history.lives.get(id)
    if (place === 'there' && this.arriving.has(id)) {
      if (head?.graphHash !== undefined && !head.graphHash.startsWith(arrivingHash)) this.#opened(id, life, store)
      return false
    }
    if (life === undefined) return true
    if (this.#copied.has(id) && place === 'there') return false
    if (place === 'here' && head?.graphHash === leavingHash) {
      // The same again, because an answer was lost.
      if (this.placeOf(life) === 'on the way') return false
      if (this.placeOf(life) !== 'here') this.#history.violate(`${id} leaves a second time`)
      if (!this.arriving.has(id)) this.#history.violate(`${id} leaves, and is in no other store`)
      this.#places.set(life, 'on the way')
      life.owner = undefined
      return false
    }
    const is = this.placeOf(life) === place
    const isChanged = steps.length > 0 || head?.status !== undefined
    if (!is && isChanged) this.#history.violate(`${id} is ${this.placeOf(life)}, and was written to ${place}`)
    return is
  }

  /** A process of the other store begins something. */
  begins(life: Life | undefined, { name }: SimulatedProcess, what: string): void {
    if (life !== undefined && this.#there.has(name) && this.placeOf(life) !== 'there')
      this.#history.violate(`${what} began there, and it is ${this.placeOf(life)}`)
  }

  /** What a store has given to an owner: those that are there. */
  acquired(place: StorePlace, acquired: readonly AcquiredExecution[]): readonly AcquiredExecution[] {
    return acquired.filter(({ execution }) => this.isOf(place, execution.id))
  }

  deleted(place: StorePlace, id: string): boolean {
    const is = this.isOf(place, id)
    if (place === 'there') this.arriving.delete(id)
    return is
  }

  #opened(id: string, life: Life | undefined, store: Store): void {
    this.arriving.delete(id)
    if (life === undefined) return this.#history.violate(`${id} is opened there, and is nowhere`)
    // It may have begun again since, here.
    if (this.placeOf(life) === 'here' && this.#asEnded.has(id)) {
      this.#copied.add(id)
      return
    }
    if (this.placeOf(life) !== 'on the way')
      this.#history.violate(`${id} is opened there, and was not taken out here: it is ${this.placeOf(life)}`)
    this.#places.set(life, 'there')
    life.owner = undefined
    life.epoch = 1
    life.sleepsUntil = undefined
    this.#history.letters?.moved(life)
    this.#history.machines?.mail.moved(life)
    this.#history.tell(() => `${id} is there now`)
    void this.#checkSteps(life, store)
  }

  /** Nothing that was done is lost on the way. */
  async #checkSteps(life: Life, store: Store): Promise<void> {
    const before = [...life.steps]
    const { steps } = await store.readSteps([life.id])
    const there = new Map(steps.map((record) => [recordKey(record.step, record.item), record]))
    for (const [key, { record, value, isStale }] of before) {
      if (!hasCompleted(record) || record.type === '' || isStale === true) continue
      const found = there.get(key)
      if (found === undefined || !hasCompleted(found) || textOf(found.output) !== value)
        this.#history.violate(`${life.id}: ${key} was ${String(value)}, and is ${found?.status} in the other store`)
    }
  }
}
