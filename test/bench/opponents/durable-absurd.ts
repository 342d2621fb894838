import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { chainLength } from '../durable/engine.ts'
import type { Engine, Places } from '../durable/engine.ts'
import { postgresFootprint } from '../durable/footprints.ts'
import { load } from '../packages.ts'

interface Input {
  readonly seed: number
  readonly number: number
}

interface Context {
  step(name: string, run: () => Promise<number>): Promise<number>
}

interface Absurd {
  createQueue(): Promise<void>
  registerTask(options: { name: string }, run: (input: Input, context: Context) => Promise<number>): void
  spawn(name: string, input: Input): Promise<{ readonly taskID: string }>
  fetchTaskResult(id: string): Promise<{ readonly state: string; readonly result?: number } | null>
  startWorker(options: { concurrency: number; batchSize: number; pollInterval: number }): Promise<Worker>
  close(): Promise<void>
}

interface Worker {
  close(): Promise<void>
}

interface AbsurdModule {
  readonly Absurd: new (options: { db: pg.Pool; queueName: string }) => Absurd
}

/**
 * Absurd on PostgreSQL. Its worker polls every quarter of a second, and whoever waits for a result does so with growing pauses. Here the worker looks every 5 ms, and a
 * result is asked for from the moment on when the function has ended.
 */
export async function openAbsurd({ postgres }: Places): Promise<Engine> {
  const { Absurd } = await load<AbsurdModule>('absurd-sdk')
  const db = new pg.Pool({ connectionString: postgres, max: 20 })
  await db.query(await readFile(join(import.meta.dirname, 'absurd.sql'), 'utf8'))
  const absurd = new Absurd({ db, queueName: `bench_${process.pid}` })
  await absurd.createQueue()
  const ended = new Map<number, () => void>()
  absurd.registerTask({ name: 'chain' }, async ({ seed, number }, context) => {
    let value = seed
    for (let index = 0; index < chainLength; index++) {
      const before = value
      value = await context.step(`s${index}`, async () => before + 1)
    }
    ended.get(number)?.()
    return value
  })
  const work = (atOnce: number): Promise<Worker> =>
    absurd.startWorker({ concurrency: atOnce, batchSize: atOnce, pollInterval: 0.005 })
  let worker = await work(1)
  const { read, close } = await postgresFootprint(postgres)
  let last = 0
  return {
    async run() {
      const number = ++last
      const hasEnded = new Promise<void>((resolve) => ended.set(number, resolve))
      const { taskID } = await absurd.spawn('chain', { seed: 0, number })
      await hasEnded
      ended.delete(number)
      for (;;) {
        const found = await absurd.fetchTaskResult(taskID)
        if (found?.state === 'completed') return found.result
        await sleep(1)
      }
    },
    async expect(atOnce) {
      await worker.close()
      worker = await work(atOnce)
    },
    footprint: read,
    async close() {
      await worker.close()
      await close()
      await absurd.close()
      await db.end()
    },
  }
}
