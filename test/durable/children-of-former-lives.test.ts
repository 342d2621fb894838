import { expect, test } from 'vitest'
import { dataType, ExecutionConflictError, graph, step, subgraph, type } from '../../src/index.ts'
import { rejectionOf } from '../loose-api.ts'
import { World } from './durable-time.ts'

const Seed = dataType('Seed', type<number>())
const Amount = dataType('Amount', type<number>())
const Price = dataType('Price', type<number>())
const Total = dataType('Total', type<string>())

/** A parent whose unpersisted first step gives another amount each time, and a child that doubles it. */
function shop() {
  const outside = { amounts: 0, price: (amount: number): number | Promise<number> => amount * 2 }
  const pricing = graph({
    name: 'pricing',
    steps: [
      step({ name: 'Price', inputs: { amount: Amount }, output: Price, run: ({ amount }) => outside.price(amount) }),
    ],
  })
  const orders = graph({
    name: 'orders',
    steps: [
      step({ name: 'Count', inputs: { seed: Seed }, output: Amount, run: ({ seed }) => seed + outside.amounts++ }),
      subgraph(pricing, Price, { name: 'Ask' }),
      step({ name: 'Sum', inputs: { price: Price }, output: Total, run: ({ price }) => `total ${price}` }),
    ],
  })
  return { outside, pricing, orders }
}

test('a parent joins its child again though an unpersisted step above it gives another value now', async () => {
  const world = new World()
  const { outside, orders } = shop()
  outside.price = () => new Promise<never>(() => {})
  const { docket, die } = world.mortal({ graphs: [orders], lease: '2s' })
  await docket.start(orders, Total, { Seed: 10 }, { id: 'a' })
  await world.clock.advance(100)
  die()
  outside.price = (amount) => amount * 2
  const last = world.process({ graphs: [orders], lease: '2s' })
  await world.clock.advance(10_000)
  expect(outside.amounts).toBe(2)
  expect(await world.clock.settle((await last.get('a'))!.result())).toBe('total 20')
})

/** An order that has failed with its child, for which there is a price by now. */
async function failedForAPrice() {
  const world = new World()
  const { outside, orders } = shop()
  outside.price = () => {
    throw new Error('no price yet')
  }
  const docket = world.process({ graphs: [orders] })
  const handle = await docket.start(orders, Total, { Seed: 10 }, { id: 'a' })
  await expect(world.clock.settle(handle.result())).rejects.toThrow('no price yet')
  outside.price = (amount) => amount * 2
  return { world, docket }
}

test('a retry of the parent is one of its child, whatever the steps above it give now', async () => {
  const { world, docket } = await failedForAPrice()
  await world.clock.settle(docket.retry('a'))
  expect(await world.clock.settle((await docket.get('a'))!.result())).toBe('total 20')
})

test('a child is not retried alone once its parent has ended: whichever process went on with it would cancel it', async () => {
  const { world, docket } = await failedForAPrice()
  const refused = await world.clock.settle(rejectionOf(docket.retry('a/Ask')))
  expect(refused).toBeInstanceOf(ExecutionConflictError)
  expect(String(refused)).toContain('retry "a", which goes on with it, or fork "a/Ask"')
  expect((await world.store.get(['a/Ask']))[0]).toMatchObject({ status: 'failed' })
  // Of one that is gone, nobody would want it either.
  await world.clock.settle(docket.delete('a'))
  expect(String(await world.clock.settle(rejectionOf(docket.retry('a/Ask'))))).toContain('was deleted')
  const fork = await world.clock.settle(docket.fork('a/Ask', { from: 'Price' }))
  expect(await world.clock.settle(fork.result())).toBe(20)
})

test('what is started under the id of a parent that was deleted has a child of its own', async () => {
  const world = new World()
  const { outside, orders } = shop()
  const docket = world.process({ graphs: [orders] })
  const options = { id: 'a' }
  expect(await world.clock.settle(docket.execute(orders, Total, { Seed: 10 }, options))).toBe('total 20')
  expect(await world.clock.settle(docket.delete('a'))).toBe(true)
  await world.clock.advance(1)
  expect(await world.clock.settle(docket.execute(orders, Total, { Seed: 30 }, options))).toBe('total 62')
  // Deleted while it ran, it has left a cancelled child.
  await world.clock.settle(docket.delete('a'))
  await world.clock.advance(1)
  outside.price = () => new Promise<never>(() => {})
  await docket.start(orders, Total, { Seed: 50 }, options)
  await world.clock.advance(100)
  await world.clock.settle(docket.delete('a'))
  outside.price = (amount) => amount * 2
  expect(await world.clock.settle(docket.execute(orders, Total, { Seed: 70 }, options))).toBe('total 146')
})

test('an execution that has the id of a child, and is none, is not taken for it', async () => {
  const world = new World()
  const { orders, pricing } = shop()
  const docket = world.process({ graphs: [orders, pricing] })
  await world.clock.settle(docket.execute(pricing, Price, { Amount: 9 }, { id: 'a/Ask' }))
  const end = docket.execute(orders, Total, { Seed: 10 }, { id: 'a' }).catch((error: unknown) => error)
  expect(await world.clock.settle(end)).toMatchObject({
    code: 'STEP_FAILED',
    cause: { code: 'EXECUTION_CONFLICT', message: expect.stringContaining('is no child of execution "a"') as unknown },
  })
  expect((await world.store.get(['a/Ask']))[0]).toMatchObject({ status: 'completed' })
})

test('what is started under the id of a parent that was deleted in the same millisecond has a child of its own', async () => {
  const world = new World()
  const { outside, orders } = shop()
  const docket = world.process({ graphs: [orders] })
  const now = world.clock.now()
  const of = (seed: number) => world.clock.settle(docket.execute(orders, Total, { Seed: seed }, { id: 'a' }))
  expect(await of(10)).toBe('total 20')
  expect(await world.clock.settle(docket.delete('a'))).toBe(true)
  expect(await of(30)).toBe('total 62')
  expect(await world.clock.settle(docket.delete('a'))).toBe(true)
  expect(await of(50)).toBe('total 104')
  expect(outside.amounts).toBe(3)
  expect(world.clock.now()).toBe(now)
})
