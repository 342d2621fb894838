import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { createDocket, dataType, graph, step, type } from '../../../src/index.ts'
import type { Docket } from '../../../src/index.ts'
import { createInspector } from '../../../src/inspector/index.ts'
import { memoryStore } from '../../../stores/memory/index.ts'
import { cpuTable, wallAndCpu } from '../wall-and-cpu.ts'
import type { Workload } from './workload.ts'

const Seed = dataType('Seed', type<number>())
const steps = 10
const atOnce = 50

/** A chain of ten steps, of which the last is persisted: in a docket, it is written down. */
const types = Array.from({ length: steps }, (_, index) => dataType(`T${index}`, type<number>()))
const chain = graph({
  name: 'chain',
  steps: types.map((output, index) =>
    step({
      name: output.name,
      inputs: { before: index === 0 ? Seed : types[index - 1]! },
      output,
      ...(index === steps - 1 && { persist: 'execution' as const }),
      run: ({ before }: { readonly before: number }) => before + 1,
    }),
  ),
} as never) as unknown as Parameters<Docket['start']>[0]

let count = 0

/** Fifty executions at once, each under an id, so that it is in the list. */
async function runOf(docket: Docket): Promise<void> {
  const call = docket.execute.bind(docket) as (...args: readonly unknown[]) => Promise<unknown>
  await Promise.all(Array.from({ length: atOnce }, () => call(chain, types.at(-1), { Seed: 1 }, { id: `e${count++}` })))
}

/** Ten pages in a thread of their own: those that read, and those that never do. Gives what closes them. */
async function openPages(url: string, reads: boolean): Promise<() => Promise<void>> {
  const code = `
    const { parentPort, workerData } = require('node:worker_threads')
    const { WebSocket } = require('ws')
    const { host, origin, hash } = new URL(workerData.url)
    let open = 0
    for (let index = 0; index < 10; index++) {
      const socket = new WebSocket('ws://' + host + '/api/live', { origin })
      socket.on('open', () => {
        socket.send(JSON.stringify({ type: 'token', token: hash.slice('#token='.length) }))
        socket.send(JSON.stringify({ type: 'watch' }))
        if (!workerData.reads) socket.pause()
        if (++open === 10) parentPort.postMessage('open')
      })
      socket.on('error', () => {})
    }
  `
  const worker = new Worker(code, { eval: true, workerData: { url, reads } })
  await once(worker, 'message')
  return async () => void (await worker.terminate())
}

/** Executions of a docket that nobody watches, that ten pages watch, and that ten pages watch which never read. */
export const inspectorWatcher: Workload = {
  name: 'inspector-watcher',
  title: 'fifty executions of ten steps at once, with ten pages that watch them',
  measure: async ({ rounds, roundMs, warmUpMs }) => {
    const docket = createDocket({ graphs: [chain as never], store: memoryStore() })
    const inspector = await createInspector({ docket })
    const run = (): Promise<void> => runOf(docket)
    /** A round begins with a store that is empty, and what comes of its pages is over before the next one. */
    const withPages = (reads: boolean) => async (): Promise<() => Promise<void>> => {
      await docket.purge({ olderThan: 0, status: ['completed'] })
      const close = await openPages(inspector.url, reads)
      return async () => {
        await close()
        await setTimeout(100)
      }
    }
    const { wall, cpu } = await wallAndCpu(
      [
        {
          name: 'nobody watches',
          run,
          begin: async () => {
            await docket.purge({ olderThan: 0, status: ['completed'] })
            return async () => {}
          },
        },
        { name: 'ten pages watch', run, begin: withPages(true) },
        { name: 'ten pages that never read', run, begin: withPages(false) },
      ],
      // Pages are shown the list twice a second: so rounds are long.
      { rounds, roundMs: roundMs * 12, warmUpMs },
      (before) => process.threadCpuUsage(before),
    )
    await inspector.close()
    await docket.close({ deadline: 0 })
    return {
      name: 'inspector-watcher',
      title: inspectorWatcher.title,
      series: wall,
      steps: steps * atOnce,
      base: 'nobody watches',
      measures: { CPU: cpu },
      tables: [cpuTable(cpu)],
      notes: ['The pages live in a thread of their own, whose CPU time is not in what is counted.'],
    }
  },
}
