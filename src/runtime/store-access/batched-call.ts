import { StoreError } from '../../core/errors.ts'

/** One of the calls that are gathered. */
export interface Entry<Item, Answer> {
  readonly item: Item
  readonly bytes: number
  /** When to give up where the store can't be reached. */
  readonly until: number
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/** The entries that go out in one call. */
export type Portion<Item, Answer> = readonly Entry<Item, Answer>[]

/** What a call has not settled. */
export interface Unsettled<Item, Answer> {
  /** What has failed for a passing reason that may be the store's. */
  readonly left: Portion<Item, Answer>
  /** What waits for a lock of somebody else's, in portions that are to go out apart. */
  readonly locked: readonly Portion<Item, Answer>[]
  readonly failure: unknown
}

/** Those with the same key together; without keys, each by itself. */
export function groupedByKey<Item, Answer>(
  entries: Portion<Item, Answer>,
  keyOf: ((item: Item) => string) | undefined,
): Entry<Item, Answer>[][] {
  if (keyOf === undefined) return entries.map((entry) => [entry])
  return [...Map.groupBy(entries, ({ item }) => keyOf(item)).values()]
}

/** Whether a call waited in vain for a lock: that is about one of its items, not about the store. */
export function isLockFailure(failure: unknown): boolean {
  return failure instanceof StoreError && failure.isLocked
}

/** So many of which one is locked go out each by itself. */
const mostSingly = 32

/** One of these is locked: if they are many, each half shows first whether it is among its own. */
export function partsOf<One>(groups: readonly (readonly One[])[]): readonly (readonly One[])[] {
  const half = groups.length >> 1
  return groups.length <= mostSingly ? groups : [groups.slice(0, half).flat(), groups.slice(half).flat()]
}
