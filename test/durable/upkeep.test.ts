import { expect, test } from 'vitest'
import { graph, step, StoreError } from '../../src/index.ts'
import { claimOf } from '../../src/testing/conformance/records.ts'
import { expectNoUnhandledErrors } from '../loose-api.ts'
import { DurableTime, World } from './durable-time.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { line, Seed, Third } from './line.ts'
import { WatchedStore } from './watched-store.ts'

expectNoUnhandledErrors()

const keys = Array.from({ length: 1_100 }, (_, index) => `key-${index}`)

let deaths = 0

/** Leaves claims of an owner that has died behind. */
async function claimAll(store: World['store']): Promise<void> {
  const owner = `dead-${++deaths}`
  await store.renewOwner(owner, 100)
  await store.claimResults(keys.map((key) => claimOf(key, owner)))
  await store.endOwner(owner)
}

test('upkeep removes what nobody makes any more until nothing of it is left, also from stores that steps have of their own', async () => {
  const world = new World()
  const time = new DurableTime()
  const own = memoryStore({ now: () => time.now(), elapsed: () => time.elapsed() })
  const make = step({
    name: 'Make',
    inputs: { value: Seed },
    output: Third,
    persist: { scope: 'global', store: own },
    run: ({ value }) => value,
  })
  const shared = graph({ name: 'shared', steps: [make] })
  await own.open()
  await claimAll(own)
  const docket = world.process({ graphs: [shared, line().line] })
  await docket.list()
  expect(await docket.execute(shared, Third, { Seed: 1 })).toBe(1)
  await claimAll(world.store)
  // The first upkeep may have been before; the next one is a minute later.
  await world.clock.advance(61_000)
  expect([await world.store.purgeResults(10_000), await own.purgeResults(10_000)]).toEqual([0, 0])
  await docket.close()
})

test('upkeep and purge reach the store of the docket’s own policy', async () => {
  const world = new World()
  const time = new DurableTime()
  const own = memoryStore({ now: () => time.now(), elapsed: () => time.elapsed() })
  const { line: graph } = line({
    first: { persist: undefined },
    second: { persist: undefined },
    third: { persist: undefined },
  })
  await own.open()
  const docket = world.process({ graphs: [graph], persist: { scope: 'global', store: own } })
  await docket.list()
  expect(await docket.execute(graph, Third, { Seed: 1 })).toBe(4)
  await claimAll(own)
  await world.clock.advance(61_000)
  expect(await own.purgeResults(10_000)).toBe(0)
  await claimAll(own)
  await docket.purge({ olderThan: 0 })
  expect(await own.purgeResults(10_000)).toBe(0)
  await docket.close()
})

test('a docket’s purge removes them as well', async () => {
  const world = new World()
  const docket = world.process({ graphs: [line().line] })
  await docket.list()
  await claimAll(world.store)
  await docket.purge({ olderThan: 0 })
  expect(await world.store.purgeResults(10_000)).toBe(0)
})

test('messages and the look for work don’t wait for an upkeep that takes long', async () => {
  const world = new World()
  const { line: graph } = line({
    second: {
      run: async (value, { signal }) => {
        await new Promise((_, reject) => signal.addEventListener('abort', reject))
        return value
      },
    },
  })
  const watched = new WatchedStore(world.store)
  watched.before = ({ name }) => (name === 'purgeResults' ? new Promise(() => {}) : undefined)
  const docket = world.process({ graphs: [graph], store: watched.store })
  const handle = await world.clock.settle(docket.start(graph, Third, { Seed: 1 }, { id: 'one' }))
  await world.clock.advance(130_000)
  expect(watched.count('purgeResults')).toBe(1)
  const other = world.process({ graphs: [graph], takeOver: false })
  await world.clock.settle(other.cancel('one'))
  await expect(world.clock.settle(handle.result())).rejects.toMatchObject({ code: 'EXECUTION_CANCELLED' })
})

test('a store of a step’s own that stays broken is tried again by itself, not with the others', async () => {
  const world = new World()
  const time = new DurableTime()
  const own = new WatchedStore(memoryStore({ now: () => time.now(), elapsed: () => time.elapsed() }))
  own.before = ({ name }) => {
    if (name === 'purgeResults') throw new StoreError('test', 'it is broken', false)
  }
  const make = step({
    name: 'Make',
    inputs: { value: Seed },
    output: Third,
    persist: { scope: 'global', store: own.store },
    run: ({ value }) => value,
  })
  const watched = new WatchedStore(world.store)
  const broken = graph({ name: 'broken', steps: [make] })
  const docket = world.process({ graphs: [broken], store: watched.store })
  await docket.list()
  expect(await docket.execute(broken, Third, { Seed: 1 })).toBe(1)
  await world.clock.advance(150_000)
  expect(own.count('purgeResults')).toBeGreaterThan(10)
  expect(watched.count('purgeResults')).toBe(3)
  await docket.close()
})
