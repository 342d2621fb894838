/** Why is it where it is? The same question about an execution, a step that waits for others, one that was skipped, and one in a queue that nobody serves. */
import { createDocket, dataType, graph, optional, signal, step } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { VirtualClock } from 'docket/testing'
import { z } from 'zod'

const Order = dataType('Order', z.object({ id: z.string() }))
const Approval = dataType('Approval', z.object({ by: z.string() }))
const Discount = dataType('Discount', z.number())
const Voucher = dataType('Voucher', z.string())
const Payment = dataType('Payment', z.string())
const Parcel = dataType('Parcel', z.string())

const persist = 'execution'
const orders = graph({
  name: 'orders',
  steps: [
    signal(Approval, { timeout: '7d' }),
    step({
      name: 'AskPartner',
      inputs: { order: Order },
      output: Discount,
      persist,
      run: () => {
        throw new Error('the partner is closed')
      },
    }),
    step({ name: 'PrintVoucher', inputs: { discount: Discount }, output: Voucher, persist, run: String }),
    step({
      name: 'Pay',
      inputs: { order: Order, approval: Approval, voucher: optional(Voucher) },
      output: Payment,
      persist,
      run: ({ order }) => `payment of ${order.id}`,
    }),
    step({ name: 'Ship', inputs: { payment: Payment }, output: Parcel, persist, run: ({ payment }) => payment }),
  ],
})

// A clock that is moved by hand, so that this prints the same each time.
const clock = new VirtualClock(Date.parse('2026-01-01T12:00:00Z'))
const store = memoryStore({ now: () => clock.now(), elapsed: () => clock.elapsed() })
await using docket = createDocket({ graphs: [orders], store, clock, name: 'shop' })
await docket.start(orders, Parcel, { Order: { id: 'o-7' } }, { id: 'order:7' })
await docket.start(orders, Parcel, { Order: { id: 'o-8' } }, { id: 'order:8', queue: 'abroad' })
await clock.advance(60_000)

// #region why
const show = async (id: string, step?: string): Promise<void> => {
  const { code, text } = await docket.why(id, step)
  console.log(`${code}\n  ${text}`)
}
await show('order:7', 'Ship')
await show('order:7', 'PrintVoucher')
await show('order:8')
// #endregion

// #region program
const { because = [] } = await docket.why('order:7', 'Ship')
for (const { code, path, until } of because) console.log(code, path?.join(' ← '), until?.toISOString())
// #endregion
