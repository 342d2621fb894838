/** An HTTP server with the answers to Kubernetes' probes: `/livez` and `/readyz`. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createDocket, dataType, graph, step } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { z } from 'zod'

const Order = dataType('Order', z.string())
const Receipt = dataType('Receipt', z.string())
const charge = step({ name: 'Charge', inputs: { order: Order }, output: Receipt, run: ({ order }) => `paid: ${order}` })
const orders = graph({ name: 'orders', steps: [charge] })
const docket = createDocket({ graphs: [orders], store: memoryStore(), name: 'shop', version: '1.4.2' })

// #region probes
const probes = createServer(async (request, response) => {
  const { isAlive, isReady, problems } = await docket.health({ deadline: '500ms' })
  const isFine = request.url === '/livez' ? isAlive : request.url === '/readyz' && isReady
  response.writeHead(isFine ? 200 : 503, { 'cache-control': 'no-store' }).end(isFine ? 'ok' : problems.join('\n'))
}).listen(Number(process.env['PROBES_PORT'] ?? 0), '127.0.0.1')
// #endregion
await new Promise((resolve) => probes.once('listening', resolve))

const { port } = probes.address() as AddressInfo
const probe = async (path: string): Promise<void> => {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`)
  console.log(`${path}: ${answer.status} ${await answer.text()}`)
}
await probe('/livez')
await probe('/readyz')
// #region workers
for (const { name, version, queues } of await docket.workers()) console.log({ name, version, queues })
// #endregion
await docket.close()
await probe('/livez')
await probe('/readyz')
probes.close()
probes.closeAllConnections()
