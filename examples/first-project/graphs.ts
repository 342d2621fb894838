import { dataType, exponential, graph, step } from 'docket'
import { z } from 'zod'

// Data types are the graph: a step that takes a Payment comes after the step that makes one.
export const Order = dataType('Order', z.object({ id: z.string(), cents: z.number().int().positive() }))
export const Payment = dataType('Payment', z.object({ cents: z.number() }))
export const Parcel = dataType('Parcel', z.object({ weight: z.number() }))
export const Receipt = dataType('Receipt', z.string())

const pay = step({
  name: 'Pay',
  inputs: { order: Order },
  output: Payment,
  persist: 'execution', // committed once: no restart pays again
  retry: { maxAttempts: 3, backoff: exponential('200ms') },
  run: async ({ order }) => ({ cents: order.cents }), // call your payment service here, with ctx.idempotencyKey
})

const pack = step({
  name: 'Pack', // runs at the same time as Pay
  inputs: { order: Order },
  output: Parcel,
  run: async () => ({ weight: 1.2 }),
})

const ship = step({
  name: 'Ship',
  inputs: { order: Order, payment: Payment, parcel: Parcel },
  output: Receipt,
  persist: 'execution',
  run: ({ order, payment, parcel }) =>
    `order ${order.id}: ${(payment.cents / 100).toFixed(2)} paid, ${parcel.weight} kg shipped`,
})

export const orders = graph({ name: 'orders', inputs: [Order], steps: [pay, pack, ship] })
