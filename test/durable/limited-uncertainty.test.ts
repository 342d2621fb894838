import { expect, test } from 'vitest'
import { First } from './line.ts'
import { World } from './durable-time.ts'
import { asker, jobs, started } from './placed.ts'
import { outage } from './watched-store.ts'

test.each([1, { limit: 1, key: true }])(
  'an acquisition whose answer was lost holds no place in a queue with limits (concurrency: %j)',
  async (concurrency) => {
    const world = new World()
    const { graph: one, began } = jobs(world)
    const { acquire } = world.store
    let isLost = false
    world.store.acquire = async (request) => {
      const acquired = await acquire.call(world.store, request)
      if (isLost || acquired.length === 0) return acquired
      isLost = true
      throw outage()
    }
    const api = asker(world, one)
    for (const value of [1, 2]) await started(world, api.start(one, First, { Seed: value }, { queue: 'q', key: 'ada' }))
    world.process({ graphs: [one], work: { q: 4 }, queues: { q: { concurrency } } })
    await world.clock.advance(10_000)
    expect([isLost, began]).toEqual([true, [1, 2]])
  },
)
