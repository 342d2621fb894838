/** An HTTP server on SIGTERM: what ends in time is answered, and of the rest the client gets an id to ask again with. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { createDocket, dataType, DocketClosedError, graph, step } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { z } from 'zod'

const Ms = dataType('Ms', z.number())
const Report = dataType('Report', z.string())

let begun = 0
const makeReport = step({
  name: 'MakeReport',
  inputs: { ms: Ms },
  output: Report,
  persist: 'execution',
  run: async ({ ms }, { signal }) => {
    begun++
    await delay(ms, undefined, { signal })
    return `a report of ${ms} ms`
  },
})
const reports = graph({ name: 'reports', steps: [makeReport] })
const store = memoryStore() // in earnest one that other processes see, too

// #region shutdown
const docket = createDocket({ graphs: [reports], store })

const server = createServer(async (request, response) => {
  const id = request.url!.slice(1)
  try {
    response.end(await docket.execute(reports, Report, { Ms: Number(id) }, { id: `report:${id}` }))
  } catch (error) {
    if (error instanceof DocketClosedError) {
      // It has not failed: it goes on in another process, where the same request gets its result.
      response.writeHead(503, { 'retry-after': '5' }).end(`ask again for ${error.executionId ?? id}`)
    } else {
      response.writeHead(500).end('something went wrong')
    }
  }
})

process.once('SIGTERM', async () => {
  server.close() // takes no new connections; those that wait for an answer stay
  await docket.close({ deadline: '2s' }) // in earnest as long as the orchestrator allows, less a second
})
// #endregion

server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
const get = (path: string): Promise<string> =>
  fetch(`http://127.0.0.1:${port}/${path}`).then(async (response) => `${response.status} ${await response.text()}`)

const answers = [get('100'), get('60000')]
while (begun < answers.length) await delay(5)
process.kill(process.pid, 'SIGTERM')
for (const answer of answers) console.log(await answer)
await once(server, 'close')

const next = createDocket({ graphs: [reports], store })
console.log(`in the next process it is ${(await (await next.get('report:60000'))!.details()).status}`)
await next.cancel('report:60000')
await next.close()
