/** Run it twice, with POSTGRES_URL set: the first process is killed in the middle, the second one goes on. */
import { setTimeout as delay } from 'node:timers/promises'
import { createDocket, dataType, graph, step } from 'docket'
import { postgresStore } from 'docket/stores/postgres'
import { z } from 'zod'

const Order = dataType('Order', z.object({ id: z.string() }))
const Payment = dataType('Payment', z.string())
const Receipt = dataType('Receipt', z.string())

const pay = step({
  name: 'Pay',
  inputs: { order: Order },
  output: Payment,
  persist: 'execution', // committed before Ship begins
  run: ({ order }) => {
    console.log(`charging ${order.id}`)
    return `payment of ${order.id}`
  },
})
const ship = step({
  name: 'Ship',
  inputs: { payment: Payment },
  output: Receipt,
  persist: 'execution',
  retry: { maxAttempts: 2 }, // the attempt in which the process dies counts as one
  run: async ({ payment }, { attempt }) => {
    console.log(`shipping, attempt ${attempt}`)
    await delay(100) // asks the courier
    if (attempt === 1) process.kill(process.pid, 'SIGKILL') // the power fails
    return `${payment}, shipped`
  },
})
const orders = graph({ name: 'orders', steps: [pay, ship] })

const url = process.env['POSTGRES_URL'] ?? 'postgres://localhost/postgres'
await using docket = createDocket({ graphs: [orders], store: postgresStore(url) })
console.log(await docket.execute(orders, Receipt, { Order: { id: 'order 7' } }, { id: 'order:7' }))
