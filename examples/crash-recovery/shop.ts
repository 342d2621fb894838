/** What both processes know: the graph, and the file with its executions. */
import { setTimeout as delay } from 'node:timers/promises'
import { createDocket, dataType, graph, step } from 'docket'
import type { Docket } from 'docket'
import { sqliteStore } from 'docket/stores/sqlite'
import { z } from 'zod'

const Order = dataType('Order', z.object({ id: z.string() }))
const Payment = dataType('Payment', z.string())
const Parcel = dataType('Parcel', z.string())
const Receipt = dataType('Receipt', z.string())

const say = (text: string): void => console.log(`  process ${process.argv[3]}: ${text}`)

// #region steps
const pay = step({
  name: 'Pay',
  inputs: { order: Order },
  output: Payment,
  persist: 'execution',
  run: ({ order }) => {
    say(`charging ${order.id}`)
    return `payment of ${order.id}`
  },
})
const pack = step({
  name: 'Pack',
  inputs: { order: Order, payment: Payment },
  output: Parcel,
  persist: 'execution',
  retry: { maxAttempts: 3 },
  run: async ({ order }, { attempt, signal }) => {
    say(`packing ${order.id}, attempt ${attempt}`)
    if (attempt === 1) await delay(60_000, undefined, { signal }) // long enough to be killed meanwhile
    return `parcel of ${order.id}`
  },
})
const print = step({
  name: 'Print',
  inputs: { payment: Payment, parcel: Parcel },
  output: Receipt,
  run: ({ payment, parcel }) => `${payment}, ${parcel}`,
})
const orders = graph({ name: 'orders', steps: [pay, pack, print] })
// #endregion

/** Opens the shop's executions. After a crash, others go on when the lease is over. */
export function openShop(file: string, options: { takeOver?: boolean } = {}): Docket {
  return createDocket({ graphs: [orders], store: sqliteStore(file), lease: '4s', ...options })
}

/** Takes an order, or goes on with it. */
export function takeOrder(docket: Docket, id: string): Promise<string> {
  return docket.execute(orders, Receipt, { Order: { id } }, { id: `order:${id}` })
}
