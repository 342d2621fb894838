import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { createDocket, dataType, graph, step, type } from '../../../src/index.ts'
import type { Docket } from '../../../src/index.ts'
import { createInspector } from '../../../src/inspector/index.ts'
import { memoryStore } from '../../../stores/memory/index.ts'
import { race } from '../measure.ts'
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

/** Ten pages in a thread of their own: those that read, and those that never do. */
async function openPages(url: string, reads: boolean): Promise<Worker> {
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
  return worker
}

/** Executions of a docket that nobody watches, that ten pages watch, and that ten pages watch which never read. */
export const inspectorWatcher: Workload = {
  name: 'inspector-watcher',
  title: 'fifty executions of ten steps at once, with ten pages that watch them',
  measure: async (effort) => {
    const dockets = [1, 2, 3].map(() => createDocket({ graphs: [chain as never], store: memoryStore() }))
    const [alone, watched, ignored] = dockets as [Docket, Docket, Docket]
    const inspectors = await Promise.all([watched, ignored].map((docket) => createInspector({ docket })))
    const workers = [await openPages(inspectors[0]!.url, true), await openPages(inspectors[1]!.url, false)]
    const series = await race(
      [
        { name: 'nobody watches', run: () => runOf(alone) },
        { name: 'ten pages watch', run: () => runOf(watched) },
        { name: 'ten pages that never read', run: () => runOf(ignored) },
      ],
      effort,
    )
    for (const worker of workers) await worker.terminate()
    for (const inspector of inspectors) await inspector.close()
    for (const docket of dockets) await docket.close({ deadline: 0 })
    return {
      name: 'inspector-watcher',
      title: inspectorWatcher.title,
      series,
      steps: steps * atOnce,
      base: 'nobody watches',
      notes: ['The pages live in a thread of their own.'],
    }
  },
}
