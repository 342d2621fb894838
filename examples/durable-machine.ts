/** A durable execution invoked by an XState machine: `docket.logic` is actor logic, like `fromPromise`, that survives the process. */
import { createDocket, dataType, graph, step } from 'docket'
import { sqliteStore } from 'docket/stores/sqlite'
import { assign, createActor, setup, waitFor } from 'xstate'
import { z } from 'zod'

const Order = dataType('Order', z.object({ id: z.string() }))
const Payment = dataType('Payment', z.string())
const Receipt = dataType('Receipt', z.string())

let payments = 0
let hasPaper = false

const pay = step({
  name: 'Pay',
  inputs: { order: Order },
  output: Payment,
  persist: 'execution',
  run: ({ order }) => `payment ${++payments} for ${order.id}`,
})
const print = step({
  name: 'Print',
  inputs: { payment: Payment },
  output: Receipt,
  run: ({ payment }) => {
    if (!hasPaper) throw new Error('out of paper')
    return `receipt of ${payment}`
  },
})
const orders = graph({ name: 'orders', steps: [pay, print] })

// #region machine
await using docket = createDocket({ graphs: [orders], store: sqliteStore(':memory:') })

const checkout = setup({
  types: {} as { context: { order: string; receipt?: string }; input: { order: string }; events: { type: 'RETRY' } },
  actors: {
    // The input names the execution: a machine that invokes it again with this order goes on with the same one.
    handleOrder: docket.logic(orders, Receipt, { id: ({ Order }) => `order:${Order.id}` }),
  },
}).createMachine({
  context: ({ input }) => ({ order: input.order }),
  initial: 'working',
  states: {
    working: {
      invoke: {
        src: 'handleOrder',
        input: ({ context }) => ({ Order: { id: context.order } }),
        onDone: { target: 'done', actions: assign({ receipt: ({ event }) => event.output }) },
        onError: 'stuck',
      },
    },
    stuck: { on: { RETRY: 'working' } },
    done: { type: 'final' },
  },
})
// #endregion

// #region actor
const actor = createActor(checkout, { input: { order: 'order 7' } }).start()
await waitFor(actor, (snapshot) => snapshot.matches('stuck'))
console.log(`stuck after ${payments} payment`)

hasPaper = true
actor.send({ type: 'RETRY' })
const { context } = await waitFor(actor, (snapshot) => snapshot.matches('done'))
console.log(`${context.receipt}, and ${payments} payment in all`)
// #endregion
