import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startCuttingProxy } from '../servers/cutting-proxy.ts'
import { watchClientSockets } from '../servers/client-sockets.ts'
import { startHostileProxy } from '../servers/hostile-proxy.ts'
import { serverUrl } from '../servers/server-url.ts'
import { startStallingProxy } from '../servers/stalling-proxy.ts'
import { bullmqEngine } from '../../src/engines/bullmq/index.ts'
import { brief } from './mortal-engines.ts'
import { engineDatabase } from './postgres-space.ts'
import { redisEngineSpace } from './redis-space.ts'

test('a consumer that is made at the moment at which Redis goes away takes wakes once it is there again', async () => {
  const proxy = await startCuttingProxy(await serverUrl('redis'))
  onTestFinished(() => proxy.stop())
  const space = redisEngineSpace([proxy.url], false)
  onTestFinished(() => space.dispose?.())
  const engine = space.createEngine()
  await engine.open({ report: () => {} })
  onTestFinished(() => engine.close())
  const taken: string[] = []
  const consuming = engine.consume('late', 1, async (id) => {
    taken.push(id)
    return 'done'
  })
  // Its own connection is being made.
  await proxy.cut(300)
  const consumer = await consuming
  onTestFinished(() => consumer.close())
  // Once it has looked and found nothing, it waits for what comes.
  for (const id of ['one', 'two']) {
    await sleep(1_500)
    await engine.wake([{ id, epoch: 0, queue: 'late' }])
    await vi.waitUntil(() => taken.includes(id), { timeout: 10_000 })
  }
  expect(taken).toEqual(['one', 'two'])
})

test('a consumer that loses PostgreSQL while it is made fails for now, and one that is made after that takes wakes', async () => {
  const database = await engineDatabase(await serverUrl('postgres'))
  onTestFinished(() => database.drop())
  const proxy = await startStallingProxy(database.url)
  onTestFinished(() => proxy.stop())
  const engine = bullmqEngine({ connection: proxy.url, timeout: '5s', ...brief })
  await engine.open({ report: () => {} })
  onTestFinished(() => engine.close())
  const taken: string[] = []
  const consume = () =>
    engine.consume('late', 1, async (id) => {
      taken.push(id)
      return 'done'
    })
  // Its first look at the tables.
  proxy.muteAfter('migration')
  const failing = consume()
  const failure = expect(failing).rejects.toMatchObject({ code: 'ENGINE_FAILED', isTransient: true })
  await vi.waitUntil(() => proxy.muted > 0, { timeout: 10_000 })
  proxy.muteAfter(undefined)
  proxy.cut()
  await failure
  const consumer = await consume()
  onTestFinished(() => consumer.close())
  await engine.wake([{ id: 'one', epoch: 0, queue: 'late' }])
  await vi.waitUntil(() => taken.includes('one'), { timeout: 10_000 })
  expect(taken).toEqual(['one'])
})

/** Lets what waits for a silent connection do so a hundred times as fast. */
function hurrySilence(): void {
  const { setTimeout: original } = globalThis
  const spy = vi
    .spyOn(globalThis, 'setTimeout')
    .mockImplementation(((act: () => void, ms: number) => original(act, ms === 20_000 ? 200 : ms)) as typeof setTimeout)
  onTestFinished(() => spy.mockRestore())
}

test.each(['redis', 'postgres'] as const)(
  'wakes go out again over %s after its connection has fallen silent',
  async (kind) => {
    hurrySilence()
    const place =
      kind === 'postgres'
        ? await engineDatabase(await serverUrl(kind))
        : { url: await serverUrl(kind), drop: async () => {} }
    onTestFinished(() => place.drop())
    const proxy = await startHostileProxy(place.url)
    onTestFinished(() => proxy.stop())
    const prefix = randomUUID()
    const max = kind === 'postgres' ? { max: 3 } : {}
    const [near, far] = [
      bullmqEngine({ connection: place.url, prefix, ...brief }),
      bullmqEngine({ connection: proxy.url, prefix, timeout: '200ms', ...max, ...brief }),
    ]
    for (const engine of [near, far]) {
      await engine.open({ report: () => {} })
      onTestFinished(() => engine.close())
    }
    const taken = new Set<string>()
    const consumer = await near.consume('late', 1, async (id) => {
      taken.add(id)
      return 'done'
    })
    onTestFinished(() => consumer.close())
    const wakeAll = (id: string) => far.wake(['late', 'second', 'third'].map((queue) => ({ id, epoch: 0, queue })))
    await wakeAll('before')
    await vi.waitUntil(() => taken.has('before'), { timeout: 10_000 })
    // All that there are, and those that are made from now on are good.
    proxy.begin(() => ({ kind: 'mute', of: 'sent', after: 0, forMs: Infinity }))
    proxy.calm()
    await wakeAll('lost')
    await vi.waitFor(
      async () => {
        await far.wake([{ id: 'after', epoch: 0, queue: 'late' }])
        expect([...taken]).toContain('after')
      },
      { timeout: 10_000, interval: 50 },
    )
  },
)

test('an engine that is closed while its PostgreSQL does not answer leaves no connection open', async () => {
  using sockets = watchClientSockets()
  const database = await engineDatabase(await serverUrl('postgres'))
  onTestFinished(() => database.drop())
  const proxy = await startHostileProxy(database.url)
  onTestFinished(() => proxy.stop())
  const engine = bullmqEngine({ connection: proxy.url, timeout: '500ms', ...brief })
  await engine.open({ report: () => {} })
  await engine.wake([{ id: 'one', epoch: 0, queue: 'late' }])
  expect(sockets.openTo([proxy.url])).toBeGreaterThan(0)
  proxy.begin(() => ({ kind: 'mute', of: 'sent', after: 0, forMs: Infinity }))
  await engine.close()
  await vi.waitUntil(() => sockets.openTo([proxy.url]) === 0, { timeout: 5_000 })
})
