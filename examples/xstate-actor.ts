/** An execution as an XState actor of its own: started, watched, stopped half-way, and taken up again from its snapshot. */
import { dataType, fromGraph, graph, step, type } from 'docket'
import { createActor, toPromise, waitFor } from 'xstate'

const Order = dataType('Order', type<string>())
const Reservation = dataType('Reservation', type<string>())
const Payment = dataType('Payment', type<string>())
const Receipt = dataType('Receipt', type<string>())

const reserve = step({
  name: 'Reserve',
  inputs: { order: Order },
  output: Reservation,
  run: async ({ order }) => {
    console.log(`reserving ${order}`)
    return `reservation of ${order}`
  },
})
let isBankOpen = false
const pay = step({
  name: 'Pay',
  inputs: { order: Order, reservation: Reservation },
  output: Payment,
  run: ({ order }, { signal }) =>
    isBankOpen
      ? `payment for ${order}`
      : new Promise<string>((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('nobody waits any more')))
        }),
})
const print = step({
  name: 'Print',
  inputs: { reservation: Reservation, payment: Payment },
  output: Receipt,
  run: ({ reservation, payment }) => `${reservation}, ${payment}`,
})
const orders = graph({ name: 'orders', steps: [reserve, pay, print] })

// #region actor
const logic = fromGraph(orders, Receipt)
const actor = createActor(logic, { input: { Order: 'order 7' } }).start()

// Each step is a child actor: found by its name, with the states of the step machine.
await waitFor(actor, (snapshot) => snapshot.context.steps['Pay']?.status === 'running')
for (const [name, step] of Object.entries(actor.getSnapshot().children))
  console.log(`${name}: ${step.getSnapshot().value}`)
// #endregion

// #region persist
const kept = JSON.stringify(actor.getPersistedSnapshot())
actor.stop() // cancels the execution: steps that run see their signal

isBankOpen = true
const again = createActor(logic, { input: { Order: 'order 7' }, snapshot: JSON.parse(kept) }).start()
console.log(await toPromise(again)) // nothing is reserved a second time
// #endregion
