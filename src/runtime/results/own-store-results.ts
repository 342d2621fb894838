import type { Store } from '../../core/contracts/store.ts'
import { ShortLivedMap } from '../collections/short-lived-map.ts'
import type { Claimant } from './claimant.ts'
import { loadedResultsOf } from './loaded-results.ts'
import type { ClaimUnderWay, Found, ResultRight, SharedResults } from './shared-results.ts'

const known = new WeakMap<Store, SharedResults>()

/** Global results in a store that a step has of its own: the same for all executions of the process. */
export function sharedResultsOf(store: Store): SharedResults {
  let results = known.get(store)
  if (results === undefined) known.set(store, (results = loadedResultsOf(store) ?? new ResultsOnceLoaded(store)))
  return results
}

/**
 * The same, in a program that has no docket: what it takes to talk to a store, a quarter of `execute`, is loaded when the first result is looked for.
 * A bundler makes a file of its own of it.
 */
class ResultsOnceLoaded implements SharedResults {
  readonly claims = new ShortLivedMap<ClaimUnderWay>()
  readonly #store: Store
  #results: SharedResults | undefined

  constructor(store: Store) {
    this.#store = store
  }

  async find(
    run: Claimant,
    key: string,
    formerKeys: (() => readonly string[]) | undefined,
    isWaiting: () => boolean,
  ): Promise<Found> {
    return (this.#results ?? (await this.#load())).find(run, key, formerKeys, isWaiting)
  }

  async #load(): Promise<SharedResults> {
    const { storeResultsOf } = await import('./store-results.ts')
    return (this.#results ??= storeResultsOf(this.#store))
  }

  // Nobody has a right that `find` has not given.

  commit(run: Claimant, right: ResultRight, value: unknown): Promise<unknown> {
    return this.#results!.commit(run, right, value)
  }

  fail(right: ResultRight, error: unknown): void {
    this.#results!.fail(right, error)
  }

  release(right: ResultRight): void {
    this.#results!.release(right)
  }

  releaseLater(right: ResultRight): void {
    this.#results!.releaseLater(right)
  }

  async purge(limit: number): Promise<number> {
    return this.#results === undefined ? 0 : this.#results.purge(limit)
  }
}
