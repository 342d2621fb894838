import { setTimeout as sleep } from 'node:timers/promises'
import { chainLength } from '../durable/engine.ts'
import type { Engine, Places } from '../durable/engine.ts'
import { postgresFootprint } from '../durable/footprints.ts'
import { load } from '../packages.ts'

interface Handle {
  resultPollIntervalMs: number
  result(): Promise<number>
}

interface Worker {
  tick(): Promise<number>
  stop(): Promise<void>
}

interface Context {
  readonly input: { readonly seed: number; readonly number: number }
  readonly step: { run(options: { name: string }, run: () => Promise<number>): Promise<number> }
}

interface OpenWorkflowModule {
  readonly OpenWorkflow: new (options: { backend: unknown }) => {
    defineWorkflow(
      spec: { name: string },
      run: (context: Context) => Promise<number>,
    ): { run(input: Context['input']): Promise<Handle> }
    newWorker(options: { concurrency: number }): Worker
  }
}

interface PostgresModule {
  readonly BackendPostgres: { connect(url: string): Promise<{ stop(): Promise<void> }> }
}

/**
 * openworkflow on PostgreSQL. Its worker polls, with pauses of up to a second, and whoever waits for a result asks once a second. Here
 * the worker is told of each new run at once, and a result is asked for from the moment on when the function has ended.
 */
export async function openOpenWorkflow({ postgres }: Places): Promise<Engine> {
  const { OpenWorkflow } = await load<OpenWorkflowModule>('openworkflow')
  const { BackendPostgres } = await load<PostgresModule>('openworkflow/postgres')
  const backend = await BackendPostgres.connect(`${postgres}?max=20`)
  const client = new OpenWorkflow({ backend })
  const ended = new Map<number, () => void>()
  const chain = client.defineWorkflow({ name: 'chain' }, async ({ input, step }) => {
    let value = input.seed
    for (let index = 0; index < chainLength; index++) {
      const before = value
      value = await step.run({ name: `s${index}` }, async () => before + 1)
    }
    ended.get(input.number)?.()
    return value
  })
  let worker = client.newWorker({ concurrency: 1 })
  const ending = new AbortController()
  let bell = Promise.withResolvers<void>()
  const loop = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      // Hung up before the look, so that no ring is missed.
      bell = Promise.withResolvers()
      if ((await worker.tick()) === 0) await Promise.race([bell.promise, sleep(5)])
    }
  }
  const looping = loop()
  const { read, close } = await postgresFootprint(postgres)
  let last = 0
  return {
    async run() {
      const number = ++last
      const hasEnded = new Promise<void>((resolve) => ended.set(number, resolve))
      const handle = await chain.run({ seed: 0, number })
      bell.resolve()
      await hasEnded
      ended.delete(number)
      handle.resultPollIntervalMs = 1
      return handle.result()
    },
    async expect(atOnce) {
      worker = client.newWorker({ concurrency: atOnce })
    },
    footprint: read,
    async close() {
      ending.abort()
      await looping
      await worker.stop()
      await close()
      await backend.stop()
    },
  }
}
