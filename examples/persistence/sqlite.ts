/** Run it twice: the first process is killed in the middle, the second one goes on. The file is orders.db, or SQLITE_FILE. */
import { setTimeout as delay } from 'node:timers/promises'
import { createDocket, dataType, graph, step } from 'docket'
import { sqliteStore } from 'docket/stores/sqlite'
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
// #region survives
const ship = step({
  name: 'Ship',
  inputs: { payment: Payment },
  output: Receipt,
  persist: 'execution',
  retry: { maxAttempts: 2 }, // the attempt in which the process dies counts; without retry, it begins anew as well
  run: async ({ payment }, { attempt }) => {
    console.log(`shipping, attempt ${attempt}`)
    await delay(100) // asks the courier
    if (attempt === 1) process.kill(process.pid, 'SIGKILL') // the power fails
    return `${payment}, shipped`
  },
})
const orders = graph({ name: 'orders', steps: [pay, ship] })

const file = process.env['SQLITE_FILE'] ?? 'orders.db'
await using docket = createDocket({ graphs: [orders], store: sqliteStore(file) })
console.log(await docket.execute(orders, Receipt, { Order: { id: 'order 7' } }, { id: 'order:7' }))
// #endregion
