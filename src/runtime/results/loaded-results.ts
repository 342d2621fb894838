import type { Store } from '../../core/contracts/store.ts'
import type { SharedResults } from './shared-results.ts'

let make: ((store: Store) => SharedResults) | undefined

/** Says how results are kept in stores, once that is loaded: at the start, in a program that has a docket. */
export function provideStoreResults(how: (store: Store) => SharedResults): void {
  make = how
}

/** Results in a store; undefined where nothing is loaded that keeps any. */
export function loadedResultsOf(store: Store): SharedResults | undefined {
  return make?.(store)
}
