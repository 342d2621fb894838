import { expect, test } from 'vitest'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import { orders, parked } from './parked-orders.ts'

test.each(['detach', 'cancel'] as const)(
  '%s of a parked execution has its effect in a process that takes over nothing, though its driver repeats the acquisition by itself',
  async (how) => {
    const world = new World()
    let isRepeated = false
    const store = alteredStore(world.store, async (method, ask) => {
      const answer: unknown = await ask()
      if (method !== 'acquire' || isRepeated || (answer as readonly unknown[]).length === 0) return answer
      isRepeated = true
      return ask()
    })
    await parked(world, [])
    await world.clock.advance(60_000)
    const watcher = world.process({ graphs: [orders([])], store, takeOver: false })
    const handle = (await world.clock.settle(watcher.get('a')))!
    if (how === 'detach') expect(await world.clock.settle(handle.detach())).toMatchObject({ status: 'active' })
    else await world.clock.settle(handle.cancel())
    expect(isRepeated).toBe(true)
    const details = await world.clock.settle(handle.details())
    expect(details).toMatchObject({ status: 'cancelled', isDetached: how === 'detach' })
  },
)
