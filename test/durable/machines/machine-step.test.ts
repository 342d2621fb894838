import { describe, expect, test } from 'vitest'
import { World } from '../durable-time.ts'
import { Ended, hour, subscriptions } from './subscription.ts'

const inputs = { Customer: { id: 'ada' } }

describe('a machine in a docket', () => {
  test('is parked while it waits for an hour, and goes on from its state in another process, charging each period once', async () => {
    const world = new World()
    const charges: number[] = []
    const began = world.clock.now()
    const declared = subscriptions(async ({ period }) => {
      charges.push(period)
      return `${period} at ${world.clock.now() - began}`
    })
    const first = world.mortal({ graphs: [declared] })
    const handle = await world.clock.settle(first.docket.start(declared, Ended, inputs, { id: 'a' }))
    await world.clock.advance(20_000)
    expect((await world.clock.settle(world.store.get(['a'])))[0]).toMatchObject({
      status: 'waiting',
      parkedAt: expect.any(Number) as number,
      dueAt: expect.any(Number) as number,
    })
    first.die()
    void handle
    const second = world.process({ graphs: [declared] })
    const found = await world.clock.settle(second.get('a'))
    const result = await world.clock.settle(found!.result())
    expect(charges).toEqual([1, 2, 3])
    expect(result).toEqual({ customer: 'ada', charges: ['1 at 0', `2 at ${hour}`, `3 at ${2 * hour}`] })
    await world.clock.settle(second.close())
  })
})
