import { expect, test } from 'vitest'
import { World } from './durable-time.ts'
import { Approval, inputs, minute, orders, Shipment } from './parked-orders.ts'
import { WatchedStore } from './watched-store.ts'

test('a signal to an execution that lives here makes its process read messages, and look for no work', async () => {
  const world = new World()
  const watched = new WatchedStore(world.store)
  const declared = orders([])
  await using docket = world.process({ graphs: [declared], store: watched.store, park: minute })
  const handle = await world.clock.settle(docket.start(declared, Shipment, inputs, { id: 'a' }))
  // Right after one of the looks that it makes whatever happens.
  await world.clock.advance(5_010)
  watched.calls.length = 0
  await handle.signal(Approval, { by: 'Ada' })
  await world.clock.advance(50)
  expect(await handle.result()).toBe('prepared o, for Ada')
  const names = watched.calls.map(({ name }) => name)
  expect(names).toContain('readMail')
  expect(names).not.toContain('acquire')
  expect(names).not.toContain('readOutbox')
})
