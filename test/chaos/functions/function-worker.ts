/** A process that runs durable functions and machines, until somebody kills it. What they do to the world, and what they are given, is a line in the log. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDocket, DocketError } from '../../../src/index.ts'
import type { Docket, ExecutionEvent } from '../../../src/index.ts'
import { ChaosLog } from '../chaos-log.ts'
import { openStore } from '../chaos-stores.ts'
import { noteStandstills } from '../standstills.ts'
import type { StartOrder, WorkerSettings } from '../worker.ts'
import { functionGraphs } from './function-graphs.ts'

const parks = [100, 300, 1_500, 10_000]

if (import.meta.main) work(JSON.parse(process.argv[2]!) as WorkerSettings)

function work({ name, kind, url, log: path, leaseMs, longestMs }: WorkerSettings): void {
  const log = new ChaosLog(path, name)
  let isClosing = false

  const graphs = functionGraphs({
    async effect({ execution, what, key, after }, signal) {
      const place = { execution, step: what, attempt: 1, n: 0 }
      log.write('begin', { ...place, idempotencyKey: key, from: { before: after } })
      try {
        if (Math.random() > 0.3) await sleep(Math.random() * longestMs, undefined, { signal })
      } catch (error) {
        log.write('fail', place)
        throw error
      }
      const tag = randomUUID()
      log.write('end', { ...place, tag })
      return tag
    },
    given: (execution, verb, what) => log.write('given', { execution, step: verb, tag: what }),
    delay: (execution, what) => log.write(what === 'armed' ? 'armed' : 'fired', { execution }),
  })

  const docket: Docket = createDocket({
    graphs: [...graphs.values()].map(({ graph }) => graph),
    store: openStore(kind, url),
    lease: leaseMs,
    maxRecoveries: 10_000,
    park: parks[Math.floor(Math.random() * parks.length)]!,
    name,
    observers: [observe],
  })
  noteStandstills(log, leaseMs)
  log.write('ready')

  function observe(event: ExecutionEvent): void {
    if (event.type === 'execution.ended')
      log.write('ended', { execution: event.executionId, text: `${event.status}${describe(event.error)}` })
    if (event.type === 'execution.released' && event.cause === 'lease-lost')
      log.write('lost', { execution: event.executionId })
    if (event.type === 'execution.released' && event.cause === 'park')
      log.write('parked', { execution: event.executionId })
  }

  const when = (): string => (isClosing ? 'closing' : 'open')

  async function start({ execution, graph, leaves }: StartOrder): Promise<void> {
    const { graph: declared, target } = graphs.get(graph)!
    try {
      const inputs = { Seed: { n: leaves['Seed']!, tag: execution, from: {} } }
      const handle = await docket.start(declared as never, target as never, inputs as never, { id: execution })
      log.write('accepted', { execution })
      await handle.result().then(
        (value: unknown) => log.write('result', { execution, text: JSON.stringify(value) }),
        (error: unknown) => log.write('no-result', { execution, text: `${when()}${describe(error)}` }),
      )
    } catch (error) {
      log.write('refused', { execution, text: `${when()}${describe(error)}` })
    }
  }

  async function close(): Promise<void> {
    if (isClosing) return
    isClosing = true
    log.write('closing')
    try {
      await docket.close({ deadline: '2s' })
      log.write('closed')
    } catch (error) {
      log.write('closed', { text: describe(error) })
    }
    if (process.connected) process.disconnect()
  }

  process.on('message', (order) => void start(order as StartOrder))
  process.on('SIGTERM', () => void close())
  process.on('disconnect', () => {
    if (!isClosing) process.exit(1)
  })
}

function describe(error: unknown): string {
  if (error === undefined) return ''
  if (!(error instanceof Error)) return ` ${String(error)}`
  return ` ${error instanceof DocketError ? error.code : error.name}: ${error.message}`
}
