/** Metrics for Prometheus: what is counted, and how it is served. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createDocket, dataType, graph, step } from 'docket'
import { prometheusObserver } from 'docket/observers/prometheus'
import { memoryStore } from 'docket/stores/memory'
import { register } from 'prom-client'
import { z } from 'zod'

const Order = dataType('Order', z.string())
const Receipt = dataType('Receipt', z.string())
const charge = step({
  name: 'Charge',
  inputs: { order: Order },
  output: Receipt,
  persist: 'execution',
  retry: { maxAttempts: 2 },
  run: ({ order }, { attempt }) => {
    if (order === 'o-3' || attempt < 2) throw new Error('the bank did not answer')
    return `paid: ${order}`
  },
})
const orders = graph({ name: 'orders', steps: [charge] })

// #region observer
const docket = createDocket({
  graphs: [orders],
  store: memoryStore(),
  work: { default: 10 },
  observers: [prometheusObserver()], // counts in prom-client's own registry
})
const server = createServer(async (_, response) => {
  response.setHeader('content-type', register.contentType).end(await register.metrics())
}).listen(Number(process.env['METRICS_PORT'] ?? 0), '127.0.0.1')
// #endregion
await new Promise((resolve) => server.once('listening', resolve))

for (const id of ['o-1', 'o-2', 'o-3'])
  await docket.execute(orders, Receipt, { Order: id }, { id }).catch((error: Error) => console.log(error.message))

const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`)
for (const line of (await answer.text()).split('\n'))
  if (/^docket_(executions_|step_attempts|step_retries|queue_ready|worker)/.test(line)) console.log(line)

await docket.close()
server.close()
server.closeAllConnections()
