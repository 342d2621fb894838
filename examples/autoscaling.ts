/** What an autoscaler reads: how much work a queue has, from a process that runs none. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createDocket, dataType, graph, step, type } from 'docket'
import { memoryStore } from 'docket/stores/memory'

const Order = dataType('Order', type<number>())
const Receipt = dataType('Receipt', type<string>())
const charge = step({
  name: 'Charge',
  inputs: { order: Order },
  output: Receipt,
  persist: 'execution',
  run: ({ order }) => `receipt of ${order}`,
})
const orders = graph({ name: 'orders', steps: [charge] })
const store = memoryStore() // in earnest one that workers see, too

// #region backlog
const docket = createDocket({ graphs: [orders], store, work: false })

const metrics = createServer(async (_, response) => {
  const { ready, running, overdue, oldestReadyMs = 0 } = await docket.queue('default').backlog()
  // What runs counts as well: a worker that is taken away while it works has to hand it over.
  const body = { work: ready + running + overdue, oldestReadySeconds: oldestReadyMs / 1_000 }
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}).listen(Number(process.env['METRICS_PORT'] ?? 0), '127.0.0.1')
// #endregion
await new Promise((resolve) => metrics.once('listening', resolve))
const { port } = metrics.address() as AddressInfo
const work = async (): Promise<number> => {
  const answer = (await (await fetch(`http://127.0.0.1:${port}`)).json()) as { readonly work: number }
  return answer.work
}

console.log(`no workers, nothing to do: ${await work()}`)
const started = await docket.startMany(
  orders,
  Receipt,
  Array.from({ length: 50 }, (_, order) => ({ inputs: { Order: order }, id: `order:${order}` })),
)
console.log(`no workers, and work for them: ${await work()}`)
const worker = createDocket({ graphs: [orders], store, work: { default: 20 } })
await Promise.all(started.map(({ handle }) => handle!.result()))
console.log(`a worker has done it: ${await work()}`)
await worker.close()
await docket.close()
metrics.close()
metrics.closeAllConnections()
