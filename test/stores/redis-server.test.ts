import { Redis } from 'ioredis'
import { expect, test, vi } from 'vitest'
import type { Store } from '../../src/core/contracts/store.ts'
import { redisStore } from '../../stores/redis/index.ts'
import type { RedisStoreOptions } from '../../stores/redis/index.ts'
import { freePort } from '../servers/free-port.ts'
import { startRedis, withRedis } from '../servers/redis.ts'
import { serverUrl, serverUrls } from '../servers/server-url.ts'
import { newCommit, newExecution } from './redis-records.ts'

const url = await serverUrl('redis')

async function opened(options: RedisStoreOptions): Promise<Store & AsyncDisposable> {
  const store = redisStore(options)
  await store.open()
  return Object.assign(store, { [Symbol.asyncDispose]: () => store.close() })
}

test.each<[unknown, string]>([
  [{ urll: url }, 'did you mean "url"'],
  ['http://localhost', 'redis://host:6379'],
  [{ prefix: 'a{b}' }, 'prefix'],
  [{ prefix: '' }, 'prefix'],
  [{ timeout: 'soon' }, 'timeout'],
  [{ url, cluster: [url] }, 'one of url'],
  [{ cluster: [] }, 'cluster'],
  [{ client: {} }, 'client'],
  [{ options: { keyPrefix: 'x:' } }, 'keyPrefix'],
  [null, 'a URL'],
])('redisStore(%j) is refused', (options, message) => {
  expect(() => redisStore(options as RedisStoreOptions)).toThrow(message)
})

test('a client with a keyPrefix is refused', () => {
  const client = new Redis(url, { keyPrefix: 'x:', lazyConnect: true })
  expect(() => redisStore({ client })).toThrow('keyPrefix')
})

test('a client of the user’s is used, and never closed', async () => {
  const client = new Redis(url)
  const prefix = crypto.randomUUID()
  const store = redisStore({ client, prefix })
  await store.open()
  await store.create([newExecution('a')])
  await store.close()
  expect(await client.exists(`${prefix}:{o}:format`)).toBe(1)
  expect(client.listenerCount('error')).toBe(0)
  await expect(store.get(['a'])).rejects.toThrow('closed')
  await client.quit()
})

test('a password is needed, and enough', async () => {
  await using server = await startRedis()
  await withRedis(server.port, async (client) => void (await client.config('SET', 'requirepass', 's3cret')))
  await using store = await opened({ url: `redis://:s3cret@127.0.0.1:${server.port}` })
  expect(await store.get(['a'])).toEqual([undefined])
  await expect(redisStore({ url: server.url }).open()).rejects.toMatchObject({
    code: 'STORE_FAILED',
    isTransient: false,
  })
  const wrong = redisStore({ url: `redis://:wrong@127.0.0.1:${server.port}` })
  await expect(wrong.open()).rejects.toMatchObject({ code: 'STORE_FAILED', isTransient: false })
})

test('a server that can’t be reached fails at once, for now', async () => {
  const store = redisStore({ url: `redis://127.0.0.1:${await freePort()}` })
  await expect(store.open()).rejects.toMatchObject({ code: 'STORE_FAILED', isTransient: true })
  await expect(store.get(['a'])).rejects.toThrow('open()')
})

test('a cluster and a single server are distinguished', async () => {
  const [node] = await serverUrls('redis-cluster')
  const single = redisStore({ url: node! })
  await expect(single.open()).rejects.toMatchObject({
    message: expect.stringContaining('option cluster'),
    isTransient: false,
  })
  const cluster = redisStore({ cluster: [url] })
  await expect(cluster.open()).rejects.toMatchObject({
    message: expect.stringContaining('cluster'),
    isTransient: false,
  })
})

test('data of a newer format is refused, and so is what another program left there', async () => {
  const client = new Redis(url)
  for (const [found, message] of [
    ['2', 'format 2'],
    ['x', 'another program'],
  ] as const) {
    const prefix = crypto.randomUUID()
    await client.set(`${prefix}:{o}:format`, found)
    await expect(redisStore({ url, prefix }).open()).rejects.toThrow(message)
  }
  await client.quit()
})

test('a server that evicts is warned of, once', async () => {
  await using server = await startRedis({ settings: { 'maxmemory-policy': 'allkeys-lru' } })
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const options = { url: server.url, prefix: crypto.randomUUID() }
  await (await opened(options))[Symbol.asyncDispose]()
  await (await opened(options))[Symbol.asyncDispose]()
  expect(warn.mock.calls.map(([text]) => String(text))).toEqual([expect.stringContaining('noeviction')])
  warn.mockRestore()
})

test('a full server refuses a commit whole, and says what to do', async () => {
  await using server = await startRedis()
  await using store = await opened({ url: server.url })
  await store.create([newExecution('a')])
  await withRedis(server.port, async (client) => void (await client.config('SET', 'maxmemory', '1mb')))
  const commit = newCommit('a', { head: { status: 'completed', output: '1', endedAt: 2 } })
  await expect(store.commit([commit])).rejects.toThrow('maxmemory')
  await withRedis(server.port, async (client) => void (await client.config('SET', 'maxmemory', '0')))
  expect((await store.get(['a']))[0]).toMatchObject({ status: 'pending', endedAt: undefined })
  expect(await store.commit([commit])).toEqual([true])
})

test('killed connections and forgotten scripts are survived', async () => {
  await using server = await startRedis()
  await using store = await opened({ url: server.url })
  const hints: unknown[] = []
  const stop = await store.subscribe!((hint) => hints.push(hint))
  await store.create([newExecution('a')])
  for (let round = 0; round < 3; round++) {
    await withRedis(server.port, async (client) => {
      await client.call('CLIENT', 'KILL', 'TYPE', 'normal')
      await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    }).catch(() => {})
    await withRedis(server.port, async (client) => void (await client.script('FLUSH')))
    expect(await store.commit([newCommit('a')])).toEqual([true])
  }
  await expect
    .poll(async () => {
      await store.post([{ execution: 'a', class: 'control', kind: 'cancel', payload: undefined, at: 1 }])
      return hints
    })
    .toContainEqual({ type: 'mail', owner: 'owner' })
  await stop()
})

test('a server that was killed and comes back has all that it had on disk, and calls meanwhile fail for now', async () => {
  await using server = await startRedis({ appendonly: 'always' })
  await using store = await opened({ url: server.url, timeout: '500ms' })
  await store.renewOwner('owner', 60_000)
  await store.create([newExecution('a')])
  await server.kill()
  const started = Date.now()
  await expect(store.commit([newCommit('a')])).rejects.toMatchObject({ code: 'STORE_FAILED', isTransient: true })
  expect(Date.now() - started).toBeLessThan(3_000)
  await server.restart()
  await expect.poll(() => store.commit([newCommit('a')]).catch(() => []), { timeout: 10_000 }).toEqual([true])
  expect((await store.readSteps(['a'])).steps).toHaveLength(1)
  expect(await store.renewOwner('owner', 60_000)).toBe(true)
})

test('what a server has lost does not come back in parts', async () => {
  await using server = await startRedis()
  await using store = await opened({ url: server.url })
  await store.renewOwner('owner', 60_000)
  await store.create([newExecution('a')])
  await withRedis(server.port, async (client) => void (await client.flushall()))
  expect(await store.commit([newCommit('a')])).toEqual([false])
  expect(await store.commit([newCommit('a', { head: { status: 'completed', endedAt: 3 } })])).toEqual([false])
  expect(await store.post([{ execution: 'a', class: 'control', kind: 'cancel', payload: undefined, at: 1 }])).toEqual([
    'unknown',
  ])
  expect(await store.renewOwner('owner', 60_000)).toBe(false)
  expect(await withRedis(server.port, (client) => client.keys('*'))).toEqual([])
})
