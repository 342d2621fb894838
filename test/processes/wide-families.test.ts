import { describe, expect, test } from 'vitest'
import { createDocket } from '../../src/index.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import { family, Top } from '../durable/wide-family.ts'
import { placeMaker, storeKinds } from './place.ts'

const newPlace = await placeMaker()

async function statuses(store: Store): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {}
  for (const { status } of await store.list({ limit: 10_000 })) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

describe.each(storeKinds)('a parent of ten with a hundred children each, on %s,', (kind) => {
  test('completes, each child once, and all of it is deleted', { timeout: 120_000 }, async () => {
    const place = await newPlace(kind)
    const calls: string[] = []
    const top = family(calls, false)
    const store = place.createStore()
    await using docket = createDocket({ graphs: [top], store })
    const handle = await docket.start(top as never, Top as never, {} as never, { id: 'a' })
    expect(await handle.result()).toBe(10)
    expect(await statuses(store)).toEqual({ completed: 1_011 })
    expect([calls.length, new Set(calls).size]).toEqual([1_000, 1_000])
    await expect.poll(() => docket.purge({ olderThan: 0 }).then(() => statuses(store)), { timeout: 20_000 }).toEqual({})
  })
})

describe.each(storeKinds)('a parent of two with a hundred children each, on %s,', (kind) => {
  // Of ten, over a store in memory, it is tested in test/durable: what is parked is begun again to be cancelled, one by one.
  test('is cancelled as a whole', { timeout: 120_000 }, async () => {
    const place = await newPlace(kind)
    const top = family([], true, 2)
    const store = place.createStore()
    await using docket = createDocket({ graphs: [top], store, park: '1s' })
    const handle = await docket.start(top as never, Top as never, {} as never, { id: 'a' })
    await expect.poll(() => statuses(store), { timeout: 60_000, interval: 500 }).toEqual({ waiting: 203 })
    await handle.cancel()
    expect(await statuses(store)).toEqual({ cancelled: 203 })
  })
})
