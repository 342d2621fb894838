import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { load } from '../packages.ts'
import { machineNow } from '../workers/worker-engine.ts'
import type { WorkDoer, WorkerPlace, WorkStarter } from '../workers/worker-engine.ts'

interface BullModule {
  readonly Queue: new (
    name: string,
    options: object,
  ) => { add(name: string, data: object, options: object): Promise<unknown>; close(): Promise<void> }
  readonly Worker: new (
    name: string,
    work: (job: { readonly data: { readonly e: string } }) => Promise<void>,
    options: object,
  ) => { on(event: 'error', listener: () => void): void; close(): Promise<void> }
}

/** As many bytes as one execution writes, a third at each of the moments at which it does. */
function written({ bytes }: WorkerPlace): string {
  return 'x'.repeat(Math.max(1, Math.floor(bytes / 3)))
}

/** BullMQ alone: jobs with the same deduplication, and the bytes of an execution written beside. */
export async function openBullStarter(place: WorkerPlace): Promise<WorkStarter> {
  const { Queue } = await load<BullModule>('bullmq')
  const client = new Redis(place.places.redis, { maxRetriesPerRequest: null })
  const queue = new Queue(place.name, { connection: client, streams: { events: { maxLen: 10 } } })
  const text = written(place)
  return {
    async start(id) {
      await client.set(`${place.name}:${id}`, text)
      const digest = createHash('sha256').update(`${id} 0`).digest('base64url')
      await queue.add(
        'wake',
        { e: id },
        { deduplication: { id: digest, keepLastIfActive: true }, removeOnComplete: true, removeOnFail: true },
      )
    },
    async close() {
      await queue.close()
      client.disconnect()
    },
  }
}

export async function openBullDoer(place: WorkerPlace): Promise<WorkDoer> {
  const { Worker } = await load<BullModule>('bullmq')
  const client = new Redis(place.places.redis, { maxRetriesPerRequest: null })
  const began = new Map<string, number>()
  const text = written(place)
  let done = 0
  const worker = new Worker(
    place.name,
    async ({ data: { e: id } }) => {
      await client.set(`${place.name}:${id}:begun`, text)
      began.set(id, machineNow())
      if (place.workMs > 0) await sleep(place.workMs)
      await client.set(`${place.name}:${id}:ended`, text)
      done++
    },
    { connection: client, concurrency: place.slots },
  )
  worker.on('error', () => {})
  return {
    get done() {
      return done
    },
    began,
    async close() {
      await worker.close()
      client.disconnect()
    },
  }
}
