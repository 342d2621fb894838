import { z } from 'zod'
import { dataType, graph, race, signal, step, timer } from '../../src/index.ts'

const Order = dataType('Order', z.object({ id: z.string() }))
export const Approval = dataType('Approval', z.object({ by: z.string() }))
export const Shipment = dataType('Shipment', z.string())
export const Expiry = dataType('Expiry', z.object({ dueAt: z.date() }))
const Decision = dataType('Decision', z.string())
const Prepared = dataType('Prepared', z.string())

/** An order that waits for its approval, for an hour at the most. What it prepares is not persisted. */
export const approvals = graph({
  name: 'approvals',
  steps: [
    step({
      name: 'Prepare',
      inputs: { order: Order },
      output: Prepared,
      run: ({ order }) => `${order.id} of ${process.pid}`,
    }),
    signal(Approval),
    timer({ name: 'Expire', output: Expiry, after: '1h' }),
    race({
      name: 'Decide',
      inputs: { approval: Approval, expiry: Expiry },
      output: Decision,
      run: (first) => (first.port === 'approval' ? `for ${first.value.by}` : 'expired'),
    }),
    step({
      name: 'Ship',
      inputs: { order: Order, decision: Decision },
      output: Shipment,
      run: ({ order, decision }) => `${order.id} ${decision}`,
    }),
  ],
})
