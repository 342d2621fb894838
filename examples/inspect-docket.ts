/** Every execution and step that runs in a docket, as XState shows them to an inspector. */
import { createDocket, dataType, graph, step } from 'docket'
import type { stepMachine } from 'docket/machines'
import { memoryStore } from 'docket/stores/memory'
import type { ActorRefFrom, SnapshotFrom } from 'xstate'
import { z } from 'zod'

const Order = dataType('Order', z.object({ id: z.string() }))
const Payment = dataType('Payment', z.string())
const Parcel = dataType('Parcel', z.string())

const pay = step({
  name: 'Pay',
  inputs: { order: Order },
  output: Payment,
  persist: 'execution',
  retry: { maxAttempts: 2, backoff: '5ms' },
  run: ({ order }, { attempt }) => {
    if (attempt === 1) throw new Error('the bank is closed')
    return `payment of ${order.id}`
  },
})
const ship = step({
  name: 'Ship',
  inputs: { payment: Payment },
  output: Parcel,
  run: ({ payment }) => `parcel for ${payment}`,
})
const orders = graph({ name: 'orders', steps: [pay, ship] })

// #region inspect
await using docket = createDocket({
  graphs: [orders],
  store: memoryStore(),
  // In earnest that of an inspector, as of createWebSocketInspector() from @statelyai/inspect.
  inspect: (event) => {
    // The execution is the root of its actor system; its steps are actors of the step machine.
    if (event.type !== '@xstate.snapshot' || event.actorRef.sessionId === event.rootId) return
    const { id } = event.actorRef as ActorRefFrom<typeof stepMachine>
    console.log(`${id}: ${String((event.snapshot as SnapshotFrom<typeof stepMachine>).value)}`)
  },
})
console.log(await docket.execute(orders, Parcel, { Order: { id: 'order 7' } }, { id: 'order:7' }))
// #endregion
