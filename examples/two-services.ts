/** Two services, each with a store of its own: orders lets billing charge, and is called back. Billing has it once, whoever dies. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDocket, dataType, graph, step } from 'docket'
import { client, implement, nodeListener, operation, receiveCallbacks, remote, serve } from 'docket/remote'
import { sqliteStore } from 'docket/stores/sqlite'
import { z } from 'zod'

const folder = mkdtempSync(join(tmpdir(), 'two-services-'))
const secret = 'in earnest, 32 random bytes: openssl rand -base64 32'

// #region operation
const ChargeRequest = dataType('ChargeRequest', z.object({ order: z.string(), amount: z.number().positive() }))
const Receipt = dataType('Receipt', z.object({ number: z.string(), amount: z.number() }))

const Charge = operation('billing/charge', { input: ChargeRequest, output: Receipt })
// #endregion

// Each service has a port. In earnest they are two programs on two machines.
const billingServer = createServer()
const ordersServer = createServer()
const billingUrl = await listen(billingServer)
const ordersUrl = await listen(ordersServer)

// #region serve
const charge = step({
  name: 'Charge',
  inputs: { request: ChargeRequest },
  output: Receipt,
  persist: 'execution',
  run: ({ request }, { idempotencyKey }) => pay(request, idempotencyKey),
})
const charges = graph({ name: 'charges', steps: [charge] })

const billing = createDocket({ graphs: [charges], store: sqliteStore(join(folder, 'billing.db')) })
const handler = serve(billing, {
  operations: [implement(Charge, { graph: charges })],
  authorize: ({ headers }) => callers.get(headers.get('authorization') ?? ''),
  secret,
  callbackHosts: [ordersUrl], // in earnest 'orders.example.com'
})
billingServer.on('request', nodeListener(handler))
// #endregion

// #region remote
const Order = dataType('Order', z.object({ id: z.string(), total: z.number() }))
const Confirmation = dataType('Confirmation', z.string())

const askForPayment = step({
  name: 'AskForPayment',
  inputs: { order: Order },
  output: ChargeRequest,
  run: ({ order }) => ({ order: order.id, amount: order.total }),
})
const confirm = step({
  name: 'Confirm',
  inputs: { order: Order, receipt: Receipt },
  output: Confirmation,
  run: ({ order, receipt }) => `order ${order.id} is paid: receipt ${receipt.number}`,
})
const orders = graph({
  name: 'orders',
  steps: [
    askForPayment,
    remote(Charge, {
      url: billingUrl,
      headers: { authorization: 'Bearer of-orders' },
      callback: { url: `${ordersUrl}/callbacks`, secret },
      timeout: '1h',
    }),
    confirm,
  ],
})

const docket = createDocket({ graphs: [orders], store: sqliteStore(join(folder, 'orders.db')) })
ordersServer.on('request', nodeListener(receiveCallbacks(docket, { secret })))
// #endregion

const callers = new Map([
  ['Bearer of-orders', 'orders'],
  ['Bearer of-reports', 'reports'],
])

function pay({ order, amount }: { readonly order: string; readonly amount: number }, key: string) {
  console.log(`billing charges ${amount} for order ${order}${key === '' ? ', without a key' : ''}`)
  if (amount > 1_000) throw new Error('the card has no cover')
  return { number: `r-${order}`, amount }
}

console.log(await docket.execute(orders, Confirmation, { Order: { id: '7', total: 12 } }, { id: 'order:7' }))
// The same order again: neither service does anything twice.
console.log(await docket.execute(orders, Confirmation, { Order: { id: '7', total: 12 } }, { id: 'order:7' }))

await docket.execute(orders, Confirmation, { Order: { id: '8', total: 5_000 } }).catch((error: unknown) => {
  const { name, message, code } = (error as Error).cause as Error & { readonly code: string }
  console.log(`${name} ${code}: ${message}`)
})

// #region client
const reports = client(billingUrl, { headers: { authorization: 'Bearer of-reports' } })
const receipt = await reports.execute(Charge, { order: '9', amount: 3 }, { id: 'report:9' })
// #endregion
console.log(receipt)

await docket.close()
await billing.close()
for (const server of [billingServer, ordersServer]) {
  server.closeAllConnections()
  server.close()
}
rmSync(folder, { recursive: true })

async function listen(server: ReturnType<typeof createServer>): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
