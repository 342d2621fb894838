import { describe, expect, test } from 'vitest'
import { StoreError } from '../../src/index.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import { Approval, isParking, Shipment, inputs, minute, orders, parked, recordOf } from './parked-orders.ts'

describe('an execution that only waits, over a store that fails', () => {
  test('is parked once, where the answer to that was lost', async () => {
    const world = new World()
    let lost = 0
    const store = alteredStore(world.store, async (method, ask, given) => {
      const answer: unknown = await ask()
      if (isParking(method, given) && lost++ === 0) throw new StoreError('memory', 'cut', true)
      return answer
    })
    const { handle } = await parked(world, [], { store })
    await world.clock.advance(1_000)
    expect(lost).toBe(2)
    expect(await recordOf(world)).toMatchObject({ status: 'waiting', owner: undefined })
    expect(world.events.some(({ type }) => type === 'lease.lost')).toBe(false)
    await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))
    expect(await world.clock.settle(handle.result())).toBe('prepared o, for Ada')
  })

  test('is parked later, where its store refused that for whatever reason', async () => {
    const world = new World()
    let tries = 0
    const store = alteredStore(world.store, (method, ask, given) => {
      if (isParking(method, given) && tries++ === 0) throw new Error('a bug of the store')
      return ask()
    })
    await parked(world, [], { store })
    expect(tries).toBe(1)
    await world.clock.advance(11_000)
    expect(await recordOf(world)).toMatchObject({ status: 'waiting', owner: undefined })
    expect(tries).toBe(2)
  })

  test('is ended by a signal of its caller that is aborted while the answer that parks it is on its way', async () => {
    const world = new World()
    const controller = new AbortController()
    const store = alteredStore(world.store, async (method, ask, given) => {
      const answer: unknown = await ask()
      if (isParking(method, given)) controller.abort(new Error('the client has gone'))
      return answer
    })
    const declared = orders([])
    const docket = world.process({ graphs: [declared], store })
    const options = { id: 'a', signal: controller.signal }
    const handle = await world.clock.settle(docket.start(declared, Shipment, inputs, options))
    const end = handle.result().catch((error: unknown) => error)
    await world.clock.advance(minute)
    expect(await world.clock.settle(end)).toMatchObject({ name: 'ExecutionCancelledError' })
    expect(await recordOf(world)).toMatchObject({ status: 'cancelled', parkedAt: undefined })
  })
})

describe('an execution that ends while it waits', () => {
  test.each(['cancelled', 'late'])('leaves no timer behind (%s)', async (how) => {
    const world = new World()
    const declared = orders([])
    const docket = world.process({ graphs: [declared], park: '1h' })
    const options = how === 'late' ? { id: 'a', deadline: world.clock.now() + 2_000 } : { id: 'a' }
    const handle = await world.clock.settle(docket.start(declared, Shipment, inputs, options))
    await world.clock.advance(1_000)
    if (how === 'cancelled') await world.clock.settle(handle.cancel())
    await world.clock.advance(5_000)
    expect((await recordOf(world)).status).toBe(how === 'late' ? 'failed' : 'cancelled')
    await world.clock.settle(docket.close())
    expect(world.clock.pending).toBe(0)
  })
})
