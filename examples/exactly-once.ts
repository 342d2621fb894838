/** A payment that is made once, however many calls want it and whatever fails after it. */
import { createDocket, dataType, graph, step } from 'docket'
import { sqliteStore } from 'docket/stores/sqlite'
import { z } from 'zod'

const Order = dataType('Order', z.object({ id: z.string(), cents: z.number().int().positive() }))
const Payment = dataType('Payment', z.object({ reference: z.string() }))
const Parcel = dataType('Parcel', z.object({ tracking: z.string() }))

const bank = {
  charges: 0,
  payments: new Map<string, string>(),
  /** Like real payment providers: with a key that it has seen, it gives the payment of then. */
  async charge(cents: number, idempotencyKey: string): Promise<string> {
    const known = this.payments.get(idempotencyKey)
    if (known !== undefined) return known
    this.charges++
    this.payments.set(idempotencyKey, `${cents} cents, payment ${this.charges}`)
    return this.payments.get(idempotencyKey)!
  },
}
let isCourierThere = false

// #region steps
const pay = step({
  name: 'Pay',
  inputs: { order: Order },
  output: Payment,
  persist: 'execution',
  // Between the charge and its commit the process may die. The key is the same after a restart, so the bank closes that gap.
  run: async ({ order }, { idempotencyKey }) => ({ reference: await bank.charge(order.cents, idempotencyKey) }),
})
const ship = step({
  name: 'Ship',
  inputs: { order: Order, payment: Payment },
  output: Parcel,
  persist: 'execution',
  run: ({ order, payment }) => {
    if (!isCourierThere) throw new Error('no courier')
    return { tracking: `${order.id} (${payment.reference})` }
  },
})
const orders = graph({ name: 'orders', steps: [pay, ship] })
// #endregion

// #region start
await using docket = createDocket({ graphs: [orders], store: sqliteStore(':memory:') })

const buy = (cents: number) => docket.execute(orders, Parcel, { Order: { id: 'order 7', cents } }, { id: 'order:7' })
const outcomes = await Promise.allSettled(Array.from({ length: 100 }, () => buy(1999)))
console.log(`${outcomes.length} calls, ${bank.charges} charge`)
console.log(String((outcomes[0] as PromiseRejectedResult).reason.cause))
// #endregion

// #region again
isCourierThere = true
console.log(`sent: ${(await buy(1999)).tracking}`) // goes on from its records: Pay is not run again
console.log(`and once more: ${(await buy(1999)).tracking}`)
console.log(`${bank.charges} charge in all`)

await buy(2999).catch((error: Error) => console.log(`${error.name}: ${error.message}`))
// #endregion
