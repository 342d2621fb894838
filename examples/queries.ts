// Looking into an execution: functions over what is on record, while it runs, when it is parked, and after its end, from any process.
import { createDocket, dataType, graph, signal, step } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { z } from 'zod'

const Order = dataType('Order', z.object({ id: z.string(), cents: z.number() }))
const Reservation = dataType('Reservation', z.string())
const Payment = dataType('Payment', z.object({ cents: z.number() }))
const Receipt = dataType('Receipt', z.string())

const reserve = step({
  name: 'Reserve',
  inputs: { order: Order },
  output: Reservation,
  persist: 'execution',
  run: ({ order }) => `shelf of ${order.id}`,
})
const close = step({
  name: 'Close',
  inputs: { reservation: Reservation, payment: Payment },
  output: Receipt,
  run: ({ reservation, payment }) => `${payment.cents} cents, ${reservation}`,
})

// #region declare
const orders = graph({
  name: 'orders',
  steps: [reserve, signal(Payment), close],
  queries: {
    stage: (view) => (view.get(Payment) ? 'paid' : view.get(Reservation) ? 'reserved' : 'new'),
    open: (view, { paidElsewhere }: { readonly paidElsewhere: number }) =>
      view.get(Order)!.cents - (view.get(Payment)?.cents ?? 0) - paidElsewhere,
  },
})
// #endregion

// #region query
await using docket = createDocket({ graphs: [orders], store: memoryStore() })
const order = await docket.start(orders, Receipt, { Order: { id: 'o-1', cents: 1999 } }, { id: 'order:o-1' })
for await (const _ of order.watch(Reservation)) break

console.log(await order.query('stage'), await order.query('open', { paidElsewhere: 999 }))
await order.signal(Payment, { cents: 1999 })
console.log(await order.result())
console.log(await order.query('stage'), await order.query('open', { paidElsewhere: 0 }))
// #endregion
