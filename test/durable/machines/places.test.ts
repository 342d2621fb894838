import { describe, expect, test } from 'vitest'
import { createActor, toPromise } from 'xstate'
import type { InspectionEvent } from 'xstate'
import { fromGraph, signalEvent } from '../../../src/index.ts'
import { createTestDocket } from '../../../src/testing/index.ts'
import { World } from '../durable-time.ts'
import { AddItem, carts, CheckOut, Order } from './cart.ts'

const pay = ({ card, euros }: { card: string; euros: number }) => Promise.resolve(`${euros} euros by ${card}`)
const declared = carts(pay)

describe('a machine in a docket', () => {
  test('of each item of a batch gets its own messages, and goes on from its own state after a crash', async () => {
    await using docket = createTestDocket({ graphs: [declared] })
    const items = ['ada', 'bob'].map((Shopper) => ({ Shopper }))
    const batch = await docket.startBatch(declared, Order, items, { id: 'b' })
    await batch.signal(AddItem, { name: 'book', euros: 12 }, { item: 0 })
    await batch.signal(AddItem, { name: 'pen', euros: 3 }, { item: 1 })
    await docket.advance('1h')
    await docket.restart()
    await batch.signal(AddItem, { name: 'ink', euros: 4 }, { item: 1 })
    await batch.signal(CheckOut, { card: 'visa' }, { item: 1 })
    expect(await batch.result()).toMatchObject([
      { shopper: 'ada', items: ['book'], end: 'abandoned' },
      { shopper: 'bob', items: ['pen', 'ink'], paid: '7 euros by visa' },
    ])
  })

  test('is shown to the docket’s inspector as a statechart of its own', async () => {
    const world = new World()
    const seen: InspectionEvent[] = []
    const docket = world.process({ graphs: [declared], inspect: (event) => void seen.push(event) })
    const handle = await world.clock.settle(docket.start(declared, Order, { Shopper: 'ada' }, { id: 'a' }))
    await world.clock.settle(handle.signal(AddItem, { name: 'book', euros: 12 }))
    await world.clock.settle(handle.signal(CheckOut, { card: 'visa' }))
    await world.clock.settle(handle.result())
    const ofMachine = seen.filter(({ actorRef }) => (actorRef as { id?: string }).id === 'a/Cart')
    const [actor] = ofMachine.filter(({ type }) => type === '@xstate.actor').slice(-1)
    expect((actor!.actorRef as unknown as { logic: { config: { id: string } } }).logic.config.id).toBe('cart')
    const values = ofMachine.flatMap((event) =>
      event.type === '@xstate.snapshot' ? [(event.snapshot as unknown as { value: unknown }).value] : [],
    )
    expect(values).toContain('paying')
    await world.clock.settle(docket.close())
  })

  test('goes with its execution when that is detached', async () => {
    const world = new World()
    const docket = world.process({ graphs: [declared] })
    const handle = await world.clock.settle(docket.start(declared, Order, { Shopper: 'ada' }, { id: 'a' }))
    await world.clock.settle(handle.signal(AddItem, { name: 'book', euros: 12 }))
    await world.clock.advance(1_000)
    const snapshot = await world.clock.settle(handle.detach())
    await world.clock.settle(docket.close())
    const input = { Shopper: 'ada' }
    const actor = createActor(fromGraph(declared, Order), { snapshot, input, clock: world.clock }).start()
    const began = world.clock.now()
    expect(await world.clock.settle(toPromise(actor))).toMatchObject({ items: ['book'], end: 'abandoned' })
    expect(world.clock.now() - began).toBe(24 * 3_600_000 - 1_000)
  })

  test('goes with its execution, and with what it has not read, when that is detached while nobody runs it', async () => {
    const world = new World()
    const docket = world.process({ graphs: [declared] })
    const handle = await world.clock.settle(docket.start(declared, Order, { Shopper: 'ada' }, { id: 'a' }))
    await world.clock.settle(handle.signal(AddItem, { name: 'book', euros: 12 }))
    await world.clock.advance(20_000)
    await world.clock.settle(docket.close())
    const other = world.process({ graphs: [declared], takeOver: false })
    const parked = (await world.clock.settle(other.get('a')))!
    await world.clock.settle(parked.signal(AddItem, { name: 'pen', euros: 3 }))
    const snapshot = JSON.parse(JSON.stringify(await world.clock.settle(parked.detach()))) as never
    await world.clock.settle(other.close())
    const actor = createActor(fromGraph(declared, Order), { snapshot, input: { Shopper: 'ada' }, clock: world.clock })
    const ended = toPromise(actor.start())
    actor.send(signalEvent(CheckOut, { card: 'visa' }))
    expect(await world.clock.settle(ended)).toMatchObject({ items: ['book', 'pen'], paid: '15 euros by visa' })
  })
})
