import { expect, onTestFinished, test } from 'vitest'
import { bullmqEngine, migrate } from '../../src/engines/bullmq/index.ts'
import { startPostgres } from '../servers/postgres.ts'
import { brief } from './mortal-engines.ts'

test(
  'twenty workers that share a pool of forty connections go on when PostgreSQL has started anew',
  { timeout: 60_000 },
  async () => {
    const server = await startPostgres()
    onTestFinished(() => server.stop())
    await migrate(server.url)
    const problems: unknown[] = []
    const warnings: Error[] = []
    // Dockets of other files, whose stores are closed, may warn in the same process.
    const warned = (warning: Error): void => {
      if (!warning.message.includes('store: it is closed')) warnings.push(warning)
    }
    process.on('warning', warned)
    onTestFinished(() => void process.off('warning', warned))
    const engine = bullmqEngine({ connection: server.url, max: 40, ...brief })
    await engine.open({ report: (error) => void problems.push(error) })
    onTestFinished(() => engine.close())
    const queues = Array.from({ length: 20 }, (_, index) => `q${index}`)
    const taken: string[] = []
    const consumers = await Promise.all(
      queues.map((queue) =>
        engine.consume(queue, 1, async (id) => {
          taken.push(id)
          return 'done'
        }),
      ),
    )
    onTestFinished(() => void Promise.all(consumers.map((consumer) => consumer.close())))
    const wakeAll = (round: string) =>
      engine.wake(queues.map((queue) => ({ id: `${round} ${queue}`, queue, epoch: 1 })))
    const all = (round: string): string[] => queues.map((queue) => `${round} ${queue}`).toSorted()
    await wakeAll('before')
    await expect.poll(() => taken.toSorted(), { timeout: 15_000 }).toEqual(all('before'))
    await server.restart()
    // A wake that meets a connection which is gone is lost.
    await expect
      .poll(
        async () => (await wakeAll('after'), [...new Set(taken)].filter((id) => id.startsWith('after')).toSorted()),
        {
          timeout: 20_000,
          interval: 500,
        },
      )
      .toEqual(all('after'))
    expect(warnings).toEqual([])
    expect(problems.filter((problem) => (problem as { readonly isTransient?: boolean }).isTransient !== true)).toEqual(
      [],
    )
  },
)
