import type { PersistSpec } from '../../core/graph/graph-index.ts'
import { sharedResultsOf } from './own-store-results.ts'
import { processCache } from './result-cache.ts'
import type { ResultCache } from './result-cache.ts'
import type { SharedResults } from './shared-results.ts'

/** Where a step's results are remembered; undefined where they could never be found again. */
export function cacheOf(
  { cache, shared }: { readonly cache: ResultCache | undefined; readonly shared?: SharedResults | undefined },
  { scope, store }: PersistSpec,
): ResultCache | SharedResults | undefined {
  if (scope === 'execution') return cache
  return store === undefined ? (shared ?? processCache) : sharedResultsOf(store)
}
