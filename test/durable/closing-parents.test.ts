import { expect, test } from 'vitest'
import { dataType, graph, step, subgraph, type } from '../../src/index.ts'
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
