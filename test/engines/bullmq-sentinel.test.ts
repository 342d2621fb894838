import { expect, onTestFinished, test } from 'vitest'
import { bullmqEngine } from '../../src/engines/bullmq/index.ts'
import { createDocket } from '../../src/index.ts'
import type { EngineError } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { startSentinel } from '../servers/redis-sentinel.ts'
import { brief } from './mortal-engines.ts'
import { ordersOf, Receipt } from './worker-process.ts'

test(
  'an engine that asks a Sentinel for its server goes on with the one that takes the place of another',
  { timeout: 60_000 },
  async () => {
    const { port, name, master, ...sentinel } = await startSentinel()
    onTestFinished(() => sentinel[Symbol.asyncDispose]())
    const connection = { sentinels: [{ host: '127.0.0.1', port }], name }
    const problems: unknown[] = []
    const taken: string[] = []
    const open = async () => {
      const engine = bullmqEngine({ connection, timeout: '1s', ...brief })
      await engine.open({ report: (error) => void problems.push(error) })
      onTestFinished(() => engine.close())
      return engine
    }
    const [sender, worker] = [await open(), await open()]
    const consumer = await worker.consume('default', 2, async (id) => {
      taken.push(id)
      return 'done'
    })
    onTestFinished(() => consumer.close())
    const wake = (id: string) => sender.wake([{ id, queue: 'default', epoch: 1 }])
    await wake('before')
    await expect.poll(() => taken, { timeout: 10_000 }).toEqual(['before'])
    await master.kill()
    await sentinel.untilFailover()
    // What is sent while nobody is there is lost.
    await expect.poll(async () => (await wake('after'), taken), { timeout: 20_000, interval: 200 }).toContain('after')
    // A server that is away is nothing that somebody has to mend.
    expect(problems.filter((problem) => (problem as EngineError).isTransient !== true)).toEqual([])
  },
)

test('executions of a docket whose engine asks a Sentinel run', { timeout: 60_000 }, async () => {
  await using sentinel = await startSentinel()
  const connection = { sentinels: [{ host: '127.0.0.1', port: sentinel.port }], name: sentinel.name }
  const orders = ordersOf(async (id) => id)
  const place = { graphs: [orders], store: memoryStore() }
  await using starter = createDocket({ ...place, engine: bullmqEngine({ connection }), work: false })
  await using worker = createDocket({ ...place, engine: bullmqEngine({ connection }), work: { default: 5 } })
  expect(await starter.execute(orders, Receipt, { Order: 'x' }, { id: 'one' })).toBe('one')
  expect((await worker.health()).isReady).toBe(true)
})
