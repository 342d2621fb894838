import { expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, event, eventType, graph, race, timer } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Order = dataType('Order', z.string())
const Packed = eventType('Packed', z.object({ parcel: z.string() }))
const Expiry = dataType('Expiry', z.object({ dueAt: z.date() }))
const Shipped = dataType('Shipped', z.string())
const awaitPacked = event(Packed, { inputs: { order: Order }, key: ({ order }) => order })

test('an event that came while nobody had a batch counts before a timer of the same item that was due after it', async () => {
  const world = new World()
  const orders = graph({
    name: 'raced',
    steps: [
      awaitPacked,
      timer({ name: 'Expire', inputs: { order: Order }, output: Expiry, after: '5s' }),
      race({
        name: 'Decide',
        inputs: { packed: Packed, expiry: Expiry },
        output: Shipped,
        run: (first) => (first.port === 'packed' ? `in ${first.value.parcel}` : 'expired'),
      }),
    ],
  })
  const items = [{ Order: 'a' }, { Order: 'b' }, { Order: 'a' }, { Order: 'c' }]
  const dying = world.mortal({ graphs: [orders], lease: '2s' })
  await world.clock.settle(dying.docket.startBatch(orders, Shipped, items, { id: 'batch' }))
  await world.clock.advance(500)
  dying.die()
  const emitter = world.process({ graphs: [], takeOver: false })
  await world.clock.settle(emitter.emit(Packed, 'a', { parcel: 'A' }))
  await world.clock.advance(6_000)
  // Too late for its timer.
  await world.clock.settle(emitter.emit(Packed, 'c', { parcel: 'C' }))
  await world.clock.advance(4_000)
  const other = world.process({ graphs: [orders], lease: '2s' })
  await world.clock.advance(5_000)
  const found = await world.clock.settle(other.get('batch'))
  expect(await world.clock.settle(found!.result())).toEqual(['in A', 'expired', 'in A', 'expired'])
  expect(await world.store.oldWaits(Number.MAX_SAFE_INTEGER, 100)).toEqual([])
})

test('a step of an execution that was taken over waits anew for an event of which an earlier step has had the last one', async () => {
  const world = new World()
  const Opened = eventType('Opened', z.string(), { ttl: '2s' })
  const Day = dataType('Day', z.string())
  const Night = dataType('Night', z.object({ dueAt: z.date() }))
  const NextDay = dataType('NextDay', z.string())
  const days = graph({
    name: 'days',
    steps: [
      event(Opened, { key: () => 'shop', output: Day }),
      timer({ name: 'Sleep', inputs: { day: Day }, output: Night, after: '5s' }),
      event(Opened, { inputs: { night: Night }, key: () => 'shop', output: NextDay }),
    ],
  })
  const dying = world.mortal({ graphs: [days], lease: '2s' })
  await world.clock.settle(dying.docket.start(days, NextDay, {}, { id: 'a' }))
  await world.clock.advance(500)
  dying.die()
  const other = world.process({ graphs: [days], lease: '2s' })
  await world.clock.advance(5_000)
  await world.clock.settle(other.emit(Opened, 'shop', 'monday'))
  await world.clock.advance(8_000)
  await world.clock.settle(other.emit(Opened, 'shop', 'tuesday'))
  await world.clock.advance(5_000)
  const found = await world.clock.settle(other.get('a'))
  expect(await world.clock.settle(found!.details())).toMatchObject({ status: 'completed' })
  expect(await world.clock.settle(found!.result())).toBe('tuesday')
})
