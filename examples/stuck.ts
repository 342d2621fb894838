/** What an execution is waiting for: the situation in a sentence, and each step with its state. */
import { createDocket, dataType, graph, step } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { VirtualClock } from 'docket/testing'
import { z } from 'zod'

const Order = dataType('Order', z.object({ id: z.string() }))
const Payment = dataType('Payment', z.string())
const Parcel = dataType('Parcel', z.string())
const Letter = dataType('Letter', z.string())

const pay = step({
  name: 'Pay',
  inputs: { order: Order },
  output: Payment,
  persist: 'execution',
  run: ({ order }) => `payment of ${order.id}`,
})
const ship = step({
  name: 'Ship',
  inputs: { order: Order, payment: Payment },
  output: Parcel,
  persist: 'execution',
  retry: { maxAttempts: 5, backoff: '1h' },
  run: () => {
    throw new Error('the courier is on strike')
  },
})
const confirm = step({
  name: 'Confirm',
  inputs: { parcel: Parcel },
  output: Letter,
  run: ({ parcel }) => `${parcel} is on its way`,
})
const orders = graph({ name: 'orders', steps: [pay, ship, confirm] })

// A clock that is moved by hand, so that this prints the same each time.
const clock = new VirtualClock(Date.parse('2026-01-01T12:00:00Z'))
const store = memoryStore({ now: () => clock.now(), elapsed: () => clock.elapsed() })
await using docket = createDocket({ graphs: [orders], store, clock, name: 'shop', random: () => 0.5 })
await docket.start(orders, Letter, { Order: { id: 'order 7' } }, { id: 'order:7' })
await clock.advance(5 * 60_000)

// #region details
const handle = (await docket.get('order:7'))!
console.log(handle)

const details = await handle.details()
console.log(details.situation)
for (const { step, status, attempt, since, waitsFor, error } of details.steps)
  console.log({ step, status, attempt, since, waitsFor, error: error && String(error) })
// #endregion

await docket.cancel('order:7')
