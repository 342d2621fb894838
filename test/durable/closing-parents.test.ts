import { expect, test } from 'vitest'
import { dataType, graph, signal, step, subgraph, type } from '../../src/index.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'

const Weight = dataType('Weight', type<number>())
const Price = dataType('Price', type<number>())
const Total = dataType('Total', type<string>())

function orders(weigh: () => number | Promise<number>) {
  const pricing = graph({
    name: 'pricing',
    steps: [step({ name: 'Price', inputs: { weight: Weight }, output: Price, run: ({ weight }) => weight * 2 })],
  })
  return graph({
    name: 'orders',
    steps: [
      step({ name: 'Weigh', output: Weight, persist: 'execution', run: weigh }),
      subgraph(pricing, Price, { name: 'Ask' }),
      step({ name: 'Sum', inputs: { price: Price }, output: Total, run: ({ price }) => `total ${price}` }),
    ],
  })
}

test('a child that can not begin because its docket closes fails no parent, however long the store takes for a look for work', async () => {
  const world = new World()
  const weighed = Promise.withResolvers<number>()
  const held = Promise.withResolvers<void>()
  let isHeld = false
  const store = alteredStore(world.store, (method, ask) => {
    if (method === 'close') return Promise.resolve() // Others use it.
    return method === 'acquire' && isHeld ? held.promise.then(ask) : ask()
  })
  const declared = orders(() => weighed.promise)
  const leaving = world.process({ graphs: [declared], store })
  await leaving.start(declared, Total, {}, { id: 'a' })
  await world.clock.advance(10)
  isHeld = true
  await world.clock.advance(1_000)
  const closing = leaving.close()
  await world.clock.advance(10)
  weighed.resolve(3)
  await world.clock.advance(100)
  held.resolve()
  await world.clock.settle(closing)
  expect((await world.store.get(['a']))[0]).toMatchObject({ status: 'waiting', owner: undefined })
  const staying = world.process({ graphs: [orders(() => 0)] })
  await world.clock.advance(2_000)
  expect(await world.clock.settle((await staying.get('a'))!.result())).toBe('total 6')
})

test('a parent that is handed over while its child is undone leaves no timer behind', async () => {
  const world = new World()
  const { clock } = world
  const Approval = dataType('Approval', type<string>())
  const Booking = dataType('Booking', type<string>())
  const Parcel = dataType('Parcel', type<string>())
  const Slow = dataType('Slow', type<string>())
  const Sent = dataType('Sent', type<string>())
  const undone: string[] = []
  const booking = graph({
    name: 'booking',
    steps: [
      step({
        name: 'Book',
        output: Booking,
        run: () => 'booked',
        compensate: async () => {
          await clock.sleep(100)
          undone.push('booking')
        },
      }),
      signal(Approval),
      step({
        name: 'Pack',
        inputs: { booking: Booking, approval: Approval },
        output: Parcel,
        run: ({ booking: what }) => what,
      }),
    ],
  })
  const sending = graph({
    name: 'sending',
    steps: [
      step({ name: 'Work', output: Slow, run: async () => (await clock.sleep(5_000), 'slow') }),
      subgraph(booking, Parcel, { name: 'Pack' }),
      step({ name: 'Send', inputs: { parcel: Parcel, slow: Slow }, output: Sent, run: ({ parcel }) => parcel }),
    ],
  })
  const graphs = [sending, booking]
  const leaving = world.process({ graphs, park: 100 })
  await clock.settle(leaving.start(sending, Sent, {}, { id: 'a', deadline: clock.now() + 2_000 }))
  await clock.advance(1_000)
  await clock.settle(leaving.close({ deadline: '3s' }))
  await clock.advance(4_000)
  expect(clock.pending).toBe(0)
  world.process({ graphs })
  await clock.advance(20_000)
  expect((await world.store.get(['a']))[0]).toMatchObject({ status: 'failed' })
  expect(undone).toEqual(['booking'])
})
