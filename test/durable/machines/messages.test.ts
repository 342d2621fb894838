import { describe, expect, test } from 'vitest'
import { World } from '../durable-time.ts'
import { AddItem, carts, CheckOut, Order } from './cart.ts'

const pay = ({ card, euros }: { card: string; euros: number }) => Promise.resolve(`${euros} euros by ${card}`)

describe('a machine that gets messages in a docket', () => {
  test('is parked between them, keeps each in its state, and goes on wherever it wakes', async () => {
    const world = new World()
    const declared = carts(pay)
    const first = world.mortal({ graphs: [declared] })
    const handle = await world.clock.settle(first.docket.start(declared, Order, { Shopper: 'ada' }, { id: 'a' }))
    expect(await world.clock.settle(handle.signal(AddItem, { name: 'book', euros: 12 }))).toBe('accepted')
    await world.clock.advance(20_000)
    expect((await world.clock.settle(world.store.get(['a'])))[0]).toMatchObject({
      status: 'waiting',
      parkedAt: expect.any(Number) as number,
    })
    first.die()
    const second = world.process({ graphs: [declared] })
    const found = (await world.clock.settle(second.get('a')))!
    await world.clock.settle(found.signal(AddItem, { name: 'pen', euros: 3 }))
    await world.clock.settle(found.signal(CheckOut, { card: 'visa' }))
    expect(await world.clock.settle(found.result())).toEqual({
      shopper: 'ada',
      items: ['book', 'pen'],
      paid: '15 euros by visa',
      end: 'paid',
    })
    await world.clock.settle(second.close())
  })

  test('consumes one that it does not know without a write of its state', async () => {
    const world = new World()
    const declared = carts(pay)
    const docket = world.process({ graphs: [declared] })
    const handle = await world.clock.settle(docket.start(declared, Order, { Shopper: 'ada' }, { id: 'a' }))
    await world.clock.advance(1_000)
    const commits: unknown[] = []
    const { commit } = world.store
    world.store.commit = (all) => {
      commits.push(...all.map(({ steps, consumed }) => [steps.length, consumed?.length ?? 0]))
      return commit.call(world.store, all)
    }
    // The cart is empty: a guard keeps it where it is.
    await world.clock.settle(handle.signal(CheckOut, { card: 'visa' }))
    await world.clock.advance(1_000)
    expect(commits).toEqual([[0, 1]])
    await world.clock.settle(handle.signal(AddItem, { name: 'pen', euros: 3 }))
    await world.clock.advance(1_000)
    expect(commits.slice(1)).toEqual([[1, 1]])
    await world.clock.settle(docket.close())
  })

  test('is seen from any process while it runs, is parked, and has ended', async () => {
    const world = new World()
    const declared = carts(pay)
    const [cart] = declared.steps
    const docket = world.process({ graphs: [declared] })
    const handle = await world.clock.settle(docket.start(declared, Order, { Shopper: 'ada' }, { id: 'a' }))
    await world.clock.settle(handle.signal(AddItem, { name: 'book', euros: 12 }))
    await world.clock.advance(20_000)
    const other = world.process({ graphs: [], takeOver: false })
    const [step] = (await world.clock.settle(handle.details())).steps
    expect(step).toMatchObject({
      status: 'waiting',
      waitsFor: { kind: 'messages', types: ['AddItem', 'CheckOut', 'PutAside'], until: expect.any(Date) as Date },
    })
    const elsewhere = (await world.clock.settle(other.get('a')))!
    const view = await world.clock.settle(elsewhere.get(cart))
    expect(view).toMatchObject({
      status: 'active',
      value: { shopping: { content: 'open', reminder: 'quiet' } },
      context: { items: [{ name: 'book', euros: 12 }] },
    })
    expect(view!.context!.items[0]!.name).toBe('book')
    expect(await world.clock.settle(elsewhere.get(Order))).toBeUndefined()
    await world.clock.settle(handle.signal(CheckOut, { card: 'visa' }))
    await world.clock.settle(handle.result())
    expect(await world.clock.settle(elsewhere.get(cart))).toMatchObject({ status: 'done', output: { end: 'paid' } })
    await world.clock.settle(Promise.all([docket.close(), other.close()]))
  })
})
