import type { StoreHint } from '../../src/core/contracts/store.ts'
import type { ResultClaim, ResultCommit, ResultState } from '../../src/core/contracts/result-record.ts'
import type { StoredValue } from '../../src/core/contracts/stored-value.ts'

interface Result {
  epoch: number
  status: 'running' | 'completed' | 'failed' | 'released'
  owner: string
  output: StoredValue | undefined
  error: StoredValue | undefined
  expiresAt: number
}

/** Global results and the claims on them, in memory. */
export class MemoryResults {
  readonly #results = new Map<string, Result>()
  readonly #isAlive: (owner: string) => boolean
  readonly #now: () => number
  readonly #emit: (hint: StoreHint) => void
  // One count for all keys: a key's epochs grow even after its result was purged.
  #epochs = 0

  constructor(isAlive: (owner: string) => boolean, now: () => number, emit: (hint: StoreHint) => void) {
    this.#isAlive = isAlive
    this.#now = now
    this.#emit = emit
  }

  get(key: string): ResultState | undefined {
    const result = this.#results.get(key)
    if (result === undefined) return undefined
    if (result.status === 'failed') return { status: 'failed', epoch: result.epoch, error: result.error }
    return this.#standing(result)
  }

  claim({ key, owner }: ResultClaim): ResultState {
    const result = this.#results.get(key)
    const standing = result === undefined || result.owner === owner ? this.#kept(result) : this.#standing(result)
    if (standing !== undefined) return standing
    const epoch = ++this.#epochs
    this.#results.set(key, {
      epoch,
      status: 'running',
      owner,
      output: undefined,
      error: undefined,
      expiresAt: Infinity,
    })
    return { status: 'claimed', epoch }
  }

  commit({ key, owner, epoch, outcome }: ResultCommit): boolean {
    const result = this.#results.get(key)
    if (result === undefined || result.owner !== owner || result.epoch !== epoch) return false
    // An answer that was lost: the same commit again.
    if (result.status !== 'running')
      return outcome.status === 'completed' ? result.output === outcome.output : result.status === outcome.status
    result.status = outcome.status
    if (outcome.status === 'completed') {
      result.output = outcome.output
      result.expiresAt = outcome.ttlMs === undefined ? Infinity : this.#now() + outcome.ttlMs
    }
    if (outcome.status === 'failed') result.error = outcome.error
    if (outcome.status === 'released') this.#results.delete(key)
    this.#emit({ type: 'result', key })
    return true
  }

  purge(limit: number): number {
    let purged = 0
    for (const [key, result] of this.#results) {
      if (purged === limit) break
      const isWanted = result.status === 'running' ? this.#isAlive(result.owner) : result.status !== 'failed'
      if (isWanted && result.expiresAt > this.#now()) continue
      this.#results.delete(key)
      purged++
    }
    return purged
  }

  #standing(result: Result): ResultState | undefined {
    if (result.status === 'running')
      return this.#isAlive(result.owner) ? { status: 'running', epoch: result.epoch } : undefined
    return this.#kept(result)
  }

  #kept(result: Result | undefined): ResultState | undefined {
    return result?.status === 'completed' && result.expiresAt > this.#now()
      ? { status: 'completed', output: result.output! }
      : undefined
  }
}
