// A body from outside is unknown: parseInputs makes sure that it is an input record of the target, and no more than that. What takes the
// place of a step is said by the caller's own code.
import { dataType, execute, graph, InputError, parseInputs, step } from 'docket'
import { z } from 'zod'

const Order = dataType('Order', z.object({ id: z.string(), cents: z.number() }))
const Payment = dataType('Payment', z.object({ paidCents: z.number() }))
const Parcel = dataType('Parcel', z.string())

const pay = step({
  name: 'Pay',
  inputs: { order: Order },
  output: Payment,
  run: ({ order }) => ({ paidCents: order.cents }),
})
const ship = step({
  name: 'Ship',
  inputs: { order: Order, payment: Payment },
  output: Parcel,
  run: ({ order, payment }) => `${order.id}, paid ${payment.paidCents}`,
})
const orders = graph({ name: 'orders', inputs: [Order], steps: [pay, ship] })

// #region parse
async function take(body: string): Promise<string> {
  try {
    const inputs = await parseInputs(orders, Parcel, JSON.parse(body))
    return await execute(orders, Parcel, inputs)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return error.issues.map(({ path, message }) => `400 ${path.join('.')}: ${message}`).join('\n')
  }
}

console.log(await take('{ "Order": { "id": "o-1", "cents": 1999 } }'))
console.log(await take('{ "Order": { "id": 2 }, "Payment": { "paidCents": 0 } }'))
// #endregion

// #region overrides
const paid = { Payment: { paidCents: 0 } }
console.log(await execute(orders, Parcel, { Order: { id: 'gift', cents: 500 } }, { overrides: paid }))
// #endregion
