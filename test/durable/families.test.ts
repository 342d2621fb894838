import { expect, test } from 'vitest'
import { dataType, graph, step, subgraph, type } from '../../src/index.ts'
import type { NewExecution } from '../../src/core/contracts/execution-record.ts'
import { alteredStore } from './altered-store.ts'
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

test('a parent and its children are found from each other, from any process, whether that knows their graphs or not', async () => {
  const world = new World()
  const held = Promise.withResolvers<string>()
  const declared = orders(() => held.promise)
  const docket = world.process({ graphs: [declared] })
  const stranger = world.process({ graphs: [], takeOver: false })
  const handle = await world.clock.settle(docket.start(declared, Receipt, { Order: 'o' }, { id: 'a' }))
  await world.clock.advance(100)
  const of = async (id: string, from = docket) =>
    world.clock.settle((await world.clock.settle(from.get(id)))!.details())
  for (const from of [docket, stranger]) {
    expect((await of('a', from)).children).toMatchObject([
      { id: 'a/Ship', graph: 'shipping', target: 'Delivery', status: 'running', endedAt: undefined },
    ])
    expect(await of('a/Ship', from)).toMatchObject({ parent: 'a', children: [] })
  }
  held.resolve('done')
  await world.clock.settle(handle.result())
  expect((await of('a')).children).toMatchObject([
    { id: 'a/Ship', status: 'completed', endedAt: expect.any(Date) as Date },
  ])
})

test('details of a batch have the children of its items, the newest hundred of them', async () => {
  const world = new World()
  const declared = orders()
  const docket = world.process({ graphs: [declared] })
  const items = Array.from({ length: 120 }, (_, index) => ({ Order: `o${index}` }))
  const handle = await world.clock.settle(docket.startBatch(declared, Receipt, items, { id: 'b' }))
  await world.clock.settle(handle.result())
  const { children } = await world.clock.settle(handle.details())
  expect(children).toHaveLength(100)
  expect(children[0]).toMatchObject({ graph: 'shipping', status: 'completed' })
  expect((await world.clock.settle(docket.list({ parent: 'b', limit: 200 }))).executions).toHaveLength(120)
})

test('a child that is created while its parent is deleted ends, though the process that has begun it is dead', async () => {
  const world = new World()
  const late = Promise.withResolvers<void>()
  const calls: string[] = []
  const declared = orders(() => void calls.push('deliver'))
  const { docket, die } = world.mortal(
    { graphs: [declared], lease: '2s' },
    alteredStore(world.store, (method, ask, [created]) => {
      const isChild = method === 'create' && (created as readonly NewExecution[])[0]?.parent === 'a'
      return isChild ? late.promise.then(ask) : ask()
    }),
  )
  await docket.start(declared, Receipt, { Order: 'o' }, { id: 'a' })
  await world.clock.advance(100)
  die()
  await world.clock.advance(5_000)
  const other = world.process({ graphs: [declared], lease: '2s', takeOver: false })
  expect(await world.clock.settle(other.delete('a'))).toBe(true)
  late.resolve()
  await world.clock.advance(10)
  expect((await world.store.get(['a/Ship']))[0]).toMatchObject({ status: 'running' })
  const last = world.process({ graphs: [declared], lease: '2s' })
  await world.clock.advance(5_000)
  const child = await world.clock.settle((await world.clock.settle(last.get('a/Ship')))!.details())
  expect(child.status).toBe('cancelled')
  expect(child.error).toMatchObject({ message: 'the execution "a", of which this is a child, was deleted' })
  expect(calls).toEqual([])
})
