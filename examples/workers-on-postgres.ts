/** Three workers on one machine, and a process that only starts executions, with POSTGRES_URL set: BullMQ on PostgreSQL wakes a worker with a free slot. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { createDocket, dataType, graph, step } from 'docket'
import { bullmqEngine, migrate } from 'docket/engines/bullmq'
import { postgresStore } from 'docket/stores/postgres'
import { z } from 'zod'

const Photo = dataType('Photo', z.object({ name: z.string() }))
const Thumbnail = dataType('Thumbnail', z.object({ name: z.string(), by: z.number() }))

const shrink = step({
  name: 'Shrink',
  inputs: { photo: Photo },
  output: Thumbnail,
  run: async ({ photo }) => {
    await delay(50)
    return { name: `small ${photo.name}`, by: process.pid }
  },
})
const photos = graph({ name: 'photos', steps: [shrink] })

// #region place
const url = process.env['POSTGRES_URL'] ?? 'postgres://127.0.0.1/postgres'
const place = { graphs: [photos], store: postgresStore(url), engine: bullmqEngine({ connection: url }) }
// #endregion

if (process.send === undefined) await orchestrate()
else beWorker()

// #region worker
function beWorker(): void {
  const docket = createDocket({ ...place, work: { default: 4 } }) // four at the same time
  process.once('SIGTERM', () => void docket.close().then(() => process.disconnect()))
}
// #endregion

async function orchestrate(): Promise<void> {
  await migrate(url) // BullMQ's tables: once, when you deploy
  const workers = [1, 2, 3].map(() => fork(import.meta.filename))
  {
    // #region starter
    await using docket = createDocket({ ...place, work: false }) // it runs nothing itself
    const names = Array.from({ length: 60 }, (_, index) => `photo ${index}`)
    const started = await Promise.all(names.map((name) => docket.start(photos, Thumbnail, { Photo: { name } })))
    const thumbnails = await Promise.all(started.map((execution) => execution.result()))
    // #endregion
    const others = new Set(thumbnails.map(({ by }) => by))
    console.log(`${thumbnails.length} thumbnails, none of them by this process: ${!others.has(process.pid)}`)
  }
  for (const worker of workers) worker.kill('SIGTERM')
  const exits = await Promise.all(workers.map((worker) => once(worker, 'exit')))
  console.log(`${exits.filter(([code]) => code === 0).length} workers have closed`)
}
