import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { dataType, event, eventType, graph, step } from '../../src/index.ts'
import { placeMaker, storeKinds } from './place.ts'
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
