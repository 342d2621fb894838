/** A process that runs durable functions and machines, until somebody kills it. What they do to the world, and what they are given, is a line in the log. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDocket } from '../../../src/index.ts'
import type { Docket, ExecutionEvent } from '../../../src/index.ts'
import { ChaosLog } from '../chaos-log.ts'
import { openStore } from '../chaos-stores.ts'
import { noteStandstills } from '../standstills.ts'
import { parkOf, WorkerLife } from '../worker-life.ts'
import type { StartOrder, WorkerSettings } from '../worker.ts'
import { functionGraphs } from './function-graphs.ts'

if (import.meta.main) work(JSON.parse(process.argv[2]!) as WorkerSettings)

function work({ name, kind, url, log: path, leaseMs, longestMs }: WorkerSettings): void {
  const log = new ChaosLog(path, name)
  const life = new WorkerLife(log)

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
    park: parkOf(name),
    name,
    observers: [observe],
  })
  noteStandstills(log, leaseMs)
  log.write('ready')

  function observe(event: ExecutionEvent): void {
    life.noteEnd(event)
    if (event.type === 'execution.released' && event.cause === 'park')
      log.write('parked', { execution: event.executionId })
  }

  async function start({ execution, graph, leaves }: StartOrder): Promise<void> {
    const { graph: declared, target } = graphs.get(graph)!
    const inputs = { Seed: { n: leaves['Seed']!, tag: execution, from: {} } }
    await life.follow(
      execution,
      () => docket.start(declared as never, target as never, inputs as never, { id: execution }),
      (value) => ({ text: JSON.stringify(value) }),
    )
  }

  life.obey(docket, (order: StartOrder) => void start(order))
}
