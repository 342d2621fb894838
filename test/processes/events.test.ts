import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { dataType, event, eventType, graph, step } from '../../src/index.ts'
import { placeMaker, sqlKinds, storeKinds } from './place.ts'
import { startProcess } from './processes.ts'

const newPlace = await placeMaker()
const Order = dataType('Order', z.string())
const Packed = eventType('Packed', z.object({ parcel: z.string() }))
const Shipped = dataType('Shipped', z.string())
const orders = graph({
  name: 'orders',
  steps: [
    event(Packed, { inputs: { order: Order }, key: ({ order }) => order }),
    step({
      name: 'Ship',
      inputs: { packed: Packed },
      output: Shipped,
      run: ({ packed }) => packed.parcel,
    }),
  ],
})

describe.concurrent.each(storeKinds)('an event on %s', (kind) => {
  test('wakes what is parked and what is live, in other processes; the first one counts', async ({
    onTestFinished,
  }) => {
    const place = await newPlace(kind)
    const parking = startProcess(place, { graphs: [orders], park: '100ms' }, onTestFinished)
    const parked = await parking.docket.start(orders, Shipped, { Order: 'o' }, { id: 'parked' })
    await vi.waitFor(async () => expect((await parked.details()).lease).toBeUndefined(), { timeout: 15_000 })
    const waiting = startProcess(place, { graphs: [orders] }, onTestFinished)
    const live = await waiting.docket.start(orders, Shipped, { Order: 'o' }, { id: 'live' })
    await vi.waitFor(async () => expect((await live.details()).status).toBe('waiting'), { timeout: 15_000 })
    const emitter = startProcess(place, { graphs: [], takeOver: false }, onTestFinished)
    expect(await emitter.docket.emit(Packed, 'o', { parcel: 'p1' })).toBe('accepted')
    expect(await emitter.docket.emit(Packed, 'o', { parcel: 'p2' })).toBe('duplicate')
    expect(await parked.result()).toBe('p1')
    expect(await live.result()).toBe('p1')
    expect(await waiting.docket.execute(orders, Shipped, { Order: 'o' })).toBe('p1')
  })

  test('reaches what waits though its emitter dies right after the write', async ({ onTestFinished }) => {
    const place = await newPlace(kind)
    const parking = startProcess(place, { graphs: [orders], park: '100ms' }, onTestFinished)
    const parked = await parking.docket.start(orders, Shipped, { Order: 'o' }, { id: 'parked' })
    await vi.waitFor(async () => expect((await parked.details()).lease).toBeUndefined(), { timeout: 15_000 })
    const emitter = startProcess(place, { graphs: [], takeOver: false }, onTestFinished)
    expect(await emitter.docket.emit(Packed, 'o', { parcel: 'p' })).toBe('accepted')
    emitter.die()
    expect(await parked.result()).toBe('p')
  })
})

describe.concurrent.each(sqlKinds)('an event on %s', (kind) => {
  test('in the caller’s transaction is there if and only if that commits', async ({ onTestFinished }) => {
    const place = await newPlace(kind)
    const { docket } = startProcess(place, { graphs: [orders], park: '100ms' }, onTestFinished)
    const before = await docket.start(orders, Shipped, { Order: 'o' }, { id: 'before' })
    await vi.waitFor(async () => expect((await before.details()).lease).toBeUndefined(), { timeout: 15_000 })
    for (const how of ['rollback', 'commit'] as const) {
      const { store, client, end } = await place.beginTransaction()
      const emitting = { ...place, createStore: () => store }
      const emitter = startProcess(emitting, { graphs: [], takeOver: false }, onTestFinished)
      expect(await emitter.docket.emit(Packed, 'o', { parcel: how }, { transaction: client })).toBe('accepted')
      // One that begins to wait now sees nothing of the event, and the event nothing of it. While SQLite is written to, nothing else begins.
      if (kind !== 'sqlite') {
        const handle = await docket.start(orders, Shipped, { Order: 'o' }, { id: `before the ${how}` })
        await vi.waitFor(async () => expect((await handle.details()).status).toBe('waiting'), { timeout: 15_000 })
      }
      await end(how)
    }
    for (const { id } of (await docket.list()).executions) expect(await (await docket.get(id))!.result()).toBe('commit')
  })
})
