import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import type { Store } from '../../src/core/contracts/store.ts'
import { createDocket } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { placeMaker } from './place.ts'
import { First, relay } from './relay.ts'

const newPlace = await placeMaker()
const count = 20_000

/** As many global results as there are keys, each for a moment; tells the store, whose purge has run. */
async function makeAll(store: Store): Promise<void> {
  const { relay: graph, runs } = relay({ first: (value) => value, scope: { scope: 'global', ttl: '50ms' } })
  const docket = createDocket({ graphs: [graph], store, takeOver: false })
  for (let from = 0; from < count; from += 2_000)
    await Promise.all(Array.from({ length: 2_000 }, (_, index) => docket.execute(graph, First, { Seed: from + index })))
  expect(runs).toHaveLength(count)
  await sleep(100)
  await docket.purge({ olderThan: '1h' })
  await store.open()
}

test('20,000 global keys with a short ttl leave no rows in SQLite', async () => {
  const place = await newPlace('sqlite')
  const docket = place.createStore()
  await makeAll(docket)
  expect(await place.sql('select count(*) as count from docket_results')).toEqual([{ count: 0 }])
  expect(await place.sql('select count(*) as count from docket_executions')).toEqual([{ count: 0 }])
  await docket.close()
})

test('20,000 global keys with a short ttl leave a handful of keys in Redis', async () => {
  const place = await newPlace('redis')
  const store = place.createStore()
  await makeAll(store)
  const keys = (): Promise<string[]> => place.redis.keys(`${place.address.space}:*`)
  await vi.waitFor(async () => expect((await keys()).length).toBeLessThan(6), { timeout: 10_000, interval: 100 })
  await store.close()
})

test('20,000 global keys with a short ttl leave nothing in memory', async () => {
  const store = memoryStore()
  await makeAll(store)
  expect(await store.purgeResults(100)).toBe(0)
  await store.close()
})
