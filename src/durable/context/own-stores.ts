import { OptionError } from '../../core/errors.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import type { Store } from '../../core/contracts/store.ts'
import type { DocketOptions } from './docket-options.ts'

/**
 * The stores that steps have of their own, and the one of the docket's policy for the others.
 * @throws OptionError where codecs would not reach them: values that shall be encrypted must not be stored in plain text
 */
export function ownStoresOf({ graphs, persist, codecs = [] }: DocketOptions): ReadonlySet<Store> {
  const stores = new Set<Store>()
  if (typeof persist === 'object' && persist.store !== undefined) {
    if (codecs.length > 0)
      throw new OptionError(
        `createDocket: persist keeps results in a store of its own, which the codecs don't reach; take persist.store out, so that the docket's store keeps them`,
      )
    stores.add(persist.store)
  }
  for (const graph of graphs) {
    for (const { name, persist } of requireIndex(graph).specs) {
      if (persist?.store === undefined) continue
      if (codecs.length > 0)
        throw new OptionError(
          `createDocket: step "${name}" of graph "${graph.name}" keeps its results in a store of its own, which the codecs don't reach; take persist.store off the step, so that the docket's store keeps them`,
        )
      stores.add(persist.store)
    }
  }
  return stores
}
