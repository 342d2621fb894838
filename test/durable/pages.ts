import type { StepPage } from '../../src/core/contracts/execution-record.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import { alteredStore } from './altered-store.ts'

/** Which page of whose records is read. */
export interface PageRead {
  readonly ids: readonly string[]
  /** From 0. */
  readonly page: number
}

/**
 * A store that gives step records in pages of a few, the last ones first: the contract promises no order. `before` is called before each
 * page: what it throws, the caller gets; what it promises, the page waits for.
 */
export function pagedStore(
  store: Store,
  perPage: number,
  before: (read: PageRead) => void | Promise<void> = () => {},
): Store {
  return alteredStore(store, (method, ask, given) =>
    method === 'readSteps' ? pageOf(store, perPage, before, given as [readonly string[], string | undefined]) : ask(),
  )
}

/** A page of a few records, the last ones first. */
export async function pageOf(
  store: Store,
  perPage: number,
  before: (read: PageRead) => void | Promise<void>,
  [ids, place = '0']: readonly [ids: readonly string[], next: string | undefined],
): Promise<StepPage> {
  const page = Number(place)
  await before({ ids, page })
  const all: StepPage['steps'][number][] = []
  let next: string | undefined
  do {
    const found: StepPage = await store.readSteps(ids, next)
    all.push(...found.steps)
    ;({ next } = found)
  } while (next !== undefined)
  const end = (page + 1) * perPage
  const steps = all.toReversed().slice(page * perPage, end)
  return { steps, next: end < all.length ? String(page + 1) : undefined }
}
