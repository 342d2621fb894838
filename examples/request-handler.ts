/** An HTTP handler that starts an execution inside its own SQL transaction: there is an order exactly if there is its execution. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { DatabaseSync } from 'node:sqlite'
import { createDocket, dataType, graph, step } from 'docket'
import { sqliteStore } from 'docket/stores/sqlite'
import { z } from 'zod'

const Order = dataType('Order', z.object({ id: z.string(), cents: z.number().int().positive() }))
const Payment = dataType('Payment', z.string())

const pay = step({
  name: 'Pay',
  inputs: { order: Order },
  output: Payment,
  persist: 'execution',
  run: ({ order }) => `${order.cents} cents for ${order.id}`,
})
const orders = graph({ name: 'orders', steps: [pay] })

const database = new DatabaseSync(':memory:')
database.exec('create table orders (id text primary key, cents integer check (cents < 1000000))')

// #region handler
// The service's tables and Docket's are in one database, here on one connection. With PostgreSQL it is `transaction: client`, the
// client of a pool on which `begin` was sent.
await using docket = createDocket({ graphs: [orders], store: sqliteStore({ database }) })

function takeOrder(order: { id: string; cents: number }): Promise<void> {
  return inTransaction(async () => {
    await docket.start(orders, Payment, { Order: order }, { id: `order:${order.id}`, transaction: database })
    database.prepare('insert into orders values (?, ?)').run(order.id, order.cents)
  })
}

const server = createServer(async (request, response) => {
  const order = (await json(request)) as { id: string; cents: number }
  await takeOrder(order).then(
    () => response.writeHead(202).end(),
    (error: Error) => response.writeHead(409).end(error.message),
  )
})
// #endregion

/** One after the other: a connection has one transaction at a time. */
function inTransaction(work: () => Promise<void>): Promise<void> {
  const done = lastTransaction.then(async () => {
    database.exec('begin immediate')
    try {
      await work()
      database.exec('commit')
    } catch (error) {
      database.exec('rollback') // neither the order nor its execution ever existed
      throw error
    }
  })
  lastTransaction = done.catch(() => {})
  return done
}
let lastTransaction: Promise<void> = Promise.resolve()

await docket.resume() // opens the store: its tables can't be made inside somebody else's transaction
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

const requests = [
  { id: '1', cents: 1999 },
  { id: '2', cents: 5_000_000 },
]
const responses = await Promise.all(
  requests.map((order) => fetch(url, { method: 'POST', body: JSON.stringify(order) })),
)
for (const [index, response] of responses.entries()) {
  const { id } = requests[index]!
  const execution = await docket.get(`order:${id}`)
  console.log(`order ${id}: ${response.status} ${await response.text()}`.trim())
  console.log(`  ${execution === undefined ? 'there is no execution' : String(await execution.result())}`)
}
server.close()
