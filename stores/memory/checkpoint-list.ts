import { isAmong } from '../../src/core/contracts/checkpoint-record.ts'
import type {
  CheckpointPlace,
  CheckpointRecord,
  CheckpointRequest,
  DroppedCheckpoints,
} from '../../src/core/contracts/checkpoint-record.ts'

/** Those of one step and item. */
interface Scope {
  readonly records: Map<string, CheckpointRecord>
  /** In their order; undefined where that has to be found again. */
  sorted: readonly CheckpointRecord[] | undefined
}

/** The checkpoints of an execution. */
export class CheckpointList {
  readonly #scopes = new Map<string, Scope>()

  /** Takes some away, then writes others. */
  change(dropped: readonly DroppedCheckpoints[] = [], written: readonly CheckpointRecord[] = []): void {
    for (const drop of dropped) this.#drop(drop)
    for (const record of written) {
      const key = scopeOf(record)
      const scope = this.#scopes.get(key) ?? { records: new Map<string, CheckpointRecord>(), sorted: undefined }
      scope.records.set(nameIn(record.generation, record.name), record)
      scope.sorted = undefined
      this.#scopes.set(key, scope)
    }
  }

  #drop(drop: DroppedCheckpoints): void {
    const key = scopeOf(drop)
    const scope = this.#scopes.get(key)
    if (scope === undefined) return
    if (drop.only === undefined) this.#scopes.delete(key)
    else {
      for (const name of drop.only.names) scope.records.delete(nameIn(drop.only.generation, name))
      scope.sorted = undefined
    }
  }

  read({ of, only, after, limit }: CheckpointRequest): CheckpointRecord[] {
    const from = after === undefined ? undefined : scopeOf(after)
    const keys = of === undefined ? [...this.#scopes.keys()].toSorted() : [scopeOf(of)]
    const found: CheckpointRecord[] = []
    for (const key of keys) {
      if (found.length >= limit) break
      const scope = this.#scopes.get(key)
      if (scope === undefined || (from !== undefined && key < from)) continue
      const sorted = (scope.sorted ??= [...scope.records.values()].toSorted(inOrder))
      const start = key === from ? placeAfter(sorted, after!) : 0
      for (let place = start; place < sorted.length && found.length < limit; place++) {
        const record = sorted[place]!
        if (isAmong(record, only)) found.push(record)
      }
    }
    return found
  }
}

function scopeOf({ step, item }: Pick<CheckpointRecord, 'step' | 'item'>): string {
  return JSON.stringify([step, item])
}

function nameIn(generation: number, name: string): string {
  return `${generation} ${name}`
}

type Place = Pick<CheckpointPlace, 'generation' | 'order' | 'name'>

function inOrder(one: Place, other: Place): number {
  return (
    one.generation - other.generation ||
    one.order - other.order ||
    (one.name < other.name ? -1 : one.name > other.name ? 1 : 0)
  )
}

/** The place of the first one behind another, which may be gone. */
function placeAfter(sorted: readonly Place[], after: Place): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (inOrder(sorted[middle]!, after) > 0) high = middle
    else low = middle + 1
  }
  return low
}
