/** An HTTP handler that starts an execution inside its own SQL transaction, and what its clients get when that can't be. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { DatabaseSync } from 'node:sqlite'
import {
  createDocket,
  dataType,
  DocketClosedError,
  ExecutionConflictError,
  graph,
  InputError,
  parseInputs,
  step,
} from 'docket'
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
const orders = graph({ name: 'orders', inputs: [Order], steps: [pay] })

const database = new DatabaseSync(':memory:')
database.exec('create table orders (id text primary key, cents integer check (cents < 1000000))')

// #region handler
// The service's tables and Docket's are in one database, here on one connection. With PostgreSQL it is `transaction: client`, the
// client of a pool on which `begin` was sent.
await using docket = createDocket({ graphs: [orders], store: sqliteStore({ database }) })

const server = createServer(async (request, response) => {
  try {
    // Nothing is known of a body: what comes out of here has the type of the inputs.
    const inputs = await parseInputs(orders, Payment, { Order: await json(request) })
    const { id, cents } = inputs.Order
    await inTransaction(async () => {
      await docket.start(orders, Payment, inputs, { id: `order:${id}`, transaction: database })
      database.prepare('insert into orders values (?, ?) on conflict do nothing').run(id, cents)
    })
    response.writeHead(202).end()
  } catch (error) {
    const [status, text, headers] = answerTo(error)
    response.writeHead(status, headers).end(text)
  }
})
// #endregion

// #region answers
function answerTo(error: unknown): [status: number, text: string, headers?: Record<string, string>] {
  if (error instanceof SyntaxError) return [400, 'the body is not JSON']
  if (error instanceof InputError)
    return [400, error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n')]
  if (error instanceof ExecutionConflictError) return [409, error.message]
  // This process is about to end; another one answers the same request in a moment.
  if (error instanceof DocketClosedError) return [503, 'try again', { 'retry-after': '5' }]
  return [500, 'something went wrong'] // what it was is for the log, not for the client
}
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

async function post(title: string, body: string): Promise<void> {
  const response = await fetch(url, { method: 'POST', body })
  const retryAfter = response.headers.get('retry-after')
  const after = retryAfter === null ? '' : ` (after ${retryAfter} s)`
  console.log(`${title}: ${response.status} ${await response.text()}${after}`.trim())
}

await post('an order', '{ "id": "1", "cents": 1999 }')
await post('once more', '{ "id": "1", "cents": 1999 }')
await post('with another amount', '{ "id": "1", "cents": 5 }')
await post('without an amount', '{ "id": "2", "cents": "many" }')
await post('half a body', '{ "id": "3",')
await post('what the database refuses', '{ "id": "4", "cents": 5000000 }')
for (const id of ['1', '4']) {
  const execution = await docket.get(`order:${id}`)
  console.log(`order ${id}: ${execution === undefined ? 'there is no execution' : String(await execution.result())}`)
}
await docket.close()
await post('while the process ends', '{ "id": "5", "cents": 100 }')
server.close()
