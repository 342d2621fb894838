import type { SharedLook, SharedState, SharedWrite } from '../../src/core/contracts/shared-state.ts'
import type { StoreHint } from '../../src/core/contracts/store.ts'

/** What processes have in common, in memory: in the order in which it was written last. */
export class MemorySharedStates {
  readonly #states = new Map<string, SharedState & { readonly writtenAt: number }>()
  readonly #now: () => number
  readonly #emit: (hint: StoreHint) => void

  constructor(now: () => number, emit: (hint: StoreHint) => void) {
    this.#now = now
    this.#emit = emit
  }

  read(keys: readonly string[]): SharedLook {
    return { now: this.#now(), states: keys.map((key) => this.#states.get(key)) }
  }

  write({ key, token, name, was, state, frees }: SharedWrite): boolean {
    const there = this.#states.get(key)?.token
    if (there === token || (state === undefined && there === undefined)) return true
    if (there !== was) return false
    this.#states.delete(key)
    if (state !== undefined) this.#states.set(key, { key, token, name, state, writtenAt: this.#now() })
    if (frees) this.#emit({ type: 'shared', key })
    return true
  }

  old(before: number, limit: number): SharedState[] {
    const old: SharedState[] = []
    for (const { writtenAt, ...state } of this.#states.values()) {
      if (old.length >= limit || writtenAt >= before) break
      old.push(state)
    }
    return old
  }
}
