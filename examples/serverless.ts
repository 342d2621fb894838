/** Functions that run for moments: one takes orders and answers at once, another one works off what is due, once a minute. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDocket, dataType, graph, step, timer, type } from 'docket'
import { sqliteStore } from 'docket/stores/sqlite'

const folder = mkdtempSync(join(tmpdir(), 'docket-'))
// In earnest a database that all functions reach.
const openStore = () => sqliteStore(join(folder, 'orders.db'))

const Order = dataType('Order', type<string>())
const Charged = dataType('Charged', type<string>())
const Later = dataType('Later', type<unknown>())
const Reminder = dataType('Reminder', type<string>())
const charge = step({
  name: 'Charge',
  inputs: { order: Order },
  output: Charged,
  persist: 'execution',
  run: ({ order }) => {
    console.log(`charged ${order}`)
    return order
  },
})
const later = timer({ name: 'Later', inputs: { charged: Charged }, output: Later, after: '300ms' })
const remind = step({
  name: 'Remind',
  inputs: { charged: Charged, later: Later },
  output: Reminder,
  run: ({ charged }) => {
    console.log(`reminded of ${charged}`)
    return charged
  },
})
const orders = graph({ name: 'orders', steps: [charge, later, remind] })

// #region take
/** Takes an order: it is written down when this returns, and nothing of it runs in a function that may be frozen. */
async function takeOrder(order: string): Promise<void> {
  const docket = createDocket({ graphs: [orders], store: openStore(), work: false })
  await docket.start(orders, Reminder, { Order: order }, { id: `order:${order}` })
  await docket.close()
}
// #endregion

// #region drain
/** Once a minute: takes what waits for a process or is due, lets it go on for as long as there is time, and hands over the rest. */
async function drain(): Promise<void> {
  const docket = createDocket({ graphs: [orders], store: openStore(), work: { default: 20 }, park: 0 })
  await docket.resume()
  await docket.close({ deadline: '50s' })
}
// #endregion

await takeOrder('o-1')
console.log('answered')
await drain()
await new Promise((resolve) => setTimeout(resolve, 400))
await drain()
rmSync(folder, { recursive: true })
