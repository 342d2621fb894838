import { checkOptions, isWholeFromOne } from '../core/check-options.ts'
import type { Store } from '../core/contracts/store.ts'
import type { AnyGraph } from '../core/graph/graph-index.ts'
import { append } from '../core/append.ts'
import { createDocket } from './docket.ts'
import type { DocketOptions } from './context/docket-options.ts'
import type { IncompatibleExecution, UnfitExecution } from './find-incompatible.ts'

/** What belongs to the graphs beside them, as in `createDocket`. */
export interface IncompatibleWithOptions extends Pick<
  DocketOptions,
  'migrate' | 'codecs' | 'steps' | 'defaults' | 'persist' | 'app' | 'unknownGraph' | 'clock'
> {
  /** How many executions are looked at: the newest that have not ended. @default 10000 */
  readonly limit?: number | undefined
}

/** What would not fit. */
export interface IncompatibleReport {
  /** The newest first. */
  readonly incompatible: readonly IncompatibleExecution[]
  /** Those that could go on, but with recorded values that don't fit the schemas that their types have now, the newest first. */
  readonly unfit: readonly UnfitExecution[]
  /** How many were looked at. */
  readonly looked: number
  /** How many of these are of other graphs, by name: nothing is said of them. */
  readonly unknown: Readonly<Record<string, number>>
  /** Whether there are more than were looked at. */
  readonly isMore: boolean
}

const known = ['migrate', 'codecs', 'steps', 'defaults', 'persist', 'app', 'unknownGraph', 'clock', 'limit']
const usualLimit = 10_000
const pageSize = 500

/**
 * Which executions of a store could not go on with these graphs, and why, and which would with values that no longer fit: before a new version of a program is deployed, over the store that the old one runs on. Nothing is taken over,
 * and nothing of the executions is written. The store is closed afterwards, unless a docket of this process uses it.
 *
 * @example
 * const { incompatible, unfit } = await incompatibleWith(postgresStore(url), [orders, invoices], { migrate })
 * if (incompatible.length + unfit.length > 0) process.exitCode = 1
 * @throws (as rejection) OptionError with all problems; StoreError
 */
export async function incompatibleWith(
  store: Store,
  graphs: readonly AnyGraph[],
  options: IncompatibleWithOptions = {},
): Promise<IncompatibleReport> {
  checkOptions('incompatibleWith', options, known, ({ limit }) => [
    limit !== undefined && !isWholeFromOne(limit) && 'limit must be a whole number of at least 1',
  ])
  const { limit = usualLimit, ...more } = options
  const given: DocketOptions = { name: 'incompatible-with', ...more, store, graphs, takeOver: false, work: false }
  await using docket = createDocket(given as never)
  const incompatible: IncompatibleExecution[] = []
  const unfit: UnfitExecution[] = []
  const unknown: Record<string, number> = {}
  let looked = 0
  let after: string | undefined
  do {
    const page = await docket.findIncompatible({ limit: Math.min(pageSize, limit - looked), after, values: true })
    append(incompatible, page.incompatible)
    append(unfit, page.unfit)
    for (const [graph, count] of Object.entries(page.unknown)) unknown[graph] = (unknown[graph] ?? 0) + count
    looked += page.looked
    after = page.next
  } while (after !== undefined && looked < limit)
  return { incompatible, unfit, looked, unknown, isMore: after !== undefined }
}
