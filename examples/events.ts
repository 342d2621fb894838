// An order that waits for its parcels: whoever packs one emits an event under the parcel's number, and need not know which orders wait for it.
import { createDocket, dataType, event, eventType, graph, race, step, timer } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { VirtualClock } from 'docket/testing'
import { z } from 'zod'

// #region event
const Order = dataType('Order', z.object({ id: z.string(), book: z.string(), pen: z.string() }))
const Packed = eventType('Packed', z.object({ shelf: z.number() }), { scope: 'warehouse', ttl: '30d' })
const PackedPen = dataType('PackedPen', z.object({ shelf: z.number() }))
const Overdue = dataType('Overdue', z.object({ dueAt: z.date() }))
const Pen = dataType('Pen', z.string())
const Shipment = dataType('Shipment', z.string())

const packedBook = event(Packed, { inputs: { order: Order }, key: ({ order }) => order.book, timeout: '7d' })
const packedPen = event(Packed, { inputs: { order: Order }, key: ({ order }) => order.pen, output: PackedPen })
const findPen = race({
  name: 'FindPen',
  inputs: { packed: PackedPen, overdue: Overdue },
  output: Pen,
  run: (first) => (first.port === 'packed' ? `pen from shelf ${first.value.shelf}` : 'no pen'),
})
const ship = step({
  name: 'Ship',
  inputs: { order: Order, book: Packed, pen: Pen },
  output: Shipment,
  run: ({ order, book, pen }) => `${order.id}: book from shelf ${book.shelf}, ${pen}`,
})
const orders = graph({
  name: 'orders',
  steps: [packedBook, packedPen, timer({ name: 'Expire', output: Overdue, after: '2d' }), findPen, ship],
})
// #endregion

const clock = new VirtualClock()
const store = memoryStore({ now: () => clock.now(), elapsed: () => clock.elapsed() })
const docket = createDocket({ graphs: [orders], store, clock })
const first = { Order: { id: 'first', book: 'b-1', pen: 'p-1' } }
const second = { Order: { id: 'second', book: 'b-1', pen: 'p-2' } }
await clock.settle(docket.start(orders, Shipment, first, { id: 'first' }))
await clock.settle(docket.start(orders, Shipment, second, { id: 'second' }))
await clock.advance(60_000)
const details = await clock.settle((await clock.settle(docket.get('first')))!.details())
for (const { step: name, waitsFor } of details.steps)
  if (waitsFor?.kind === 'event') console.log(`${name} waits for ${waitsFor.event} ${waitsFor.key}`)
await clock.settle(docket.close())

// #region emit
const warehouse = createDocket({ graphs: [], takeOver: false, store, clock })
console.log(await clock.settle(warehouse.emit(Packed, 'p-1', { shelf: 3 })))
console.log(await clock.settle(warehouse.emit(Packed, 'b-1', { shelf: 7 })))
console.log(await clock.settle(warehouse.emit(Packed, 'b-1', { shelf: 8 })))
// #endregion
await clock.settle(warehouse.close())

// No process lives for two days. Both orders wait for one book; the pen of the second one never comes.
await clock.advance(48 * 3_600_000)
const later = createDocket({ graphs: [orders], store, clock })
for (const id of ['first', 'second']) {
  const found = await clock.settle(later.get(id))
  console.log(await clock.settle(found!.result()))
}
await clock.settle(later.close())
