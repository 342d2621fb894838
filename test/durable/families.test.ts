import { expect, test } from 'vitest'
import { dataType, graph, step, subgraph, type } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Order = dataType('Order', type<string>())
const Weight = dataType('Weight', type<number>())
const Delivery = dataType('Delivery', type<string>())
const Receipt = dataType('Receipt', type<string>())

/** An order with a child that delivers it. */
function orders(deliver: (weight: number) => unknown = (weight) => `${weight} g`) {
  const shipping = graph({
    name: 'shipping',
    steps: [
      step({
        name: 'Deliver',
        inputs: { weight: Weight },
        output: Delivery,
        persist: 'execution',
        run: ({ weight }) => deliver(weight) as string,
      }),
    ],
  })
  return graph({
    name: 'orders',
    steps: [
      step({ name: 'Weigh', inputs: { order: Order }, output: Weight, run: ({ order }) => order.length }),
      subgraph(shipping, Delivery, { name: 'Ship' }),
      step({ name: 'Bill', inputs: { delivery: Delivery }, output: Receipt, run: ({ delivery }) => `for ${delivery}` }),
    ],
  })
}

test('a fork is found by what it was forked from, and is no child of it', async () => {
  const world = new World()
  const declared = orders()
  const docket = world.process({ graphs: [declared] })
  await world.clock.settle(docket.execute(declared, Receipt, { Order: 'o' }, { id: 'a' }))
  await world.clock.settle((await world.clock.settle(docket.fork('a', { from: 'Bill', id: 'b' }))).result())
  await world.clock.settle((await world.clock.settle(docket.fork('a/Ship', { from: 'Deliver', id: 'c' }))).result())
  const ids = async (query: object) => (await world.clock.settle(docket.list(query))).executions.map(({ id }) => id)
  expect(await ids({ parent: 'a' })).toEqual(['a/Ship'])
  expect(await ids({ forkedFrom: 'a' })).toEqual(['b'])
  expect(await ids({ forkedFrom: 'a/Ship' })).toEqual(['c'])
  expect(await ids({ parent: 'a/Ship' })).toEqual([])
  const known = async (id: string) => {
    const { parent, forkedFrom } = await world.clock.settle((await docket.get(id))!.details())
    return { parent, forkedFrom }
  }
  expect(await known('b')).toEqual({ parent: undefined, forkedFrom: 'a' })
  expect(await known('c')).toEqual({ parent: undefined, forkedFrom: 'a/Ship' })
  expect(await known('a/Ship')).toEqual({ parent: 'a', forkedFrom: undefined })
  await expect(docket.list({ forkedFrom: 3 as never })).rejects.toThrow('forkedFrom must be an execution')
})

test('what a child was forked into outlives its parent, however that ends', async () => {
  const world = new World()
  const held = Promise.withResolvers<string>()
  let calls = 0
  const declared = orders(() => (calls++ === 0 ? 'o' : held.promise))
  const docket = world.process({ graphs: [declared] })
  await world.clock.settle(docket.execute(declared, Receipt, { Order: 'o' }, { id: 'a' }))
  const fork = await world.clock.settle(docket.fork('a/Ship', { from: 'Deliver', id: 'c' }))
  await world.clock.settle(docket.delete('a'))
  await world.clock.settle(docket.delete('a/Ship'))
  await world.clock.settle(docket.start(declared, Receipt, { Order: 'other' }, { id: 'a' }))
  await world.clock.settle(docket.cancel('a'))
  held.resolve('late')
  expect(await world.clock.settle(fork.result())).toBe('late')
})
