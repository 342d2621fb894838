import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import { Cluster, Command, Redis } from 'ioredis'
import type { RedisOptions } from 'ioredis'
import { expect, onTestFinished, test, vi } from 'vitest'
import { redisStore } from '../../stores/redis/index.ts'
import { serverUrl, serverUrls } from '../servers/server-url.ts'
import { newExecution } from './redis-records.ts'
import { useStore } from './use-store.ts'

const url = await serverUrl('redis')
const nodes = await serverUrls('redis-cluster')

const newPrefix = (): string => `clients-${randomUUID()}`

const options: readonly object[] = [
  { stringNumbers: true },
  { enableAutoPipelining: true },
  { protocol: 3, replyMapping: 'resp3' },
  { enableOfflineQueue: false },
  { lazyConnect: true },
  { maxRetriesPerRequest: null },
  { showFriendlyErrorStack: true },
  { db: 1 },
]

test.each(options)('a client with %o works', async (given) => {
  const client = new Redis(url, given as object)
  client.on('error', () => {})
  onTestFinished(() => client.disconnect())
  await useStore(redisStore({ client, prefix: newPrefix() }))
})

test.each(options)('a URL with %o works', async (given) => {
  await useStore(redisStore({ url, options: given as RedisOptions, prefix: newPrefix() }))
})

test.each([{ enableAutoPipelining: true }, { redisOptions: { stringNumbers: true, enableAutoPipelining: true } }])(
  'a cluster’s client with %o works',
  async (given) => {
    const client = new Cluster([...nodes], given)
    onTestFinished(() => client.disconnect())
    await useStore(redisStore({ client, prefix: newPrefix() }))
  },
)

test('transformers that somebody has set for all of ioredis change nothing', async () => {
  const spoiled = ['hmget', 'mget', 'zrange', 'zrangebylex', 'hkeys', 'hget', 'eval', 'evalsha']
  for (const name of spoiled) {
    Command.setReplyTransformer(name, () => 'spoiled')
    Command.setArgumentTransformer(name, () => ['spoiled'])
  }
  onTestFinished(() => {
    for (const name of spoiled) {
      Command.setReplyTransformer(name, (reply) => reply as string)
      Command.setArgumentTransformer(name, (args) => args)
    }
  })
  await useStore(redisStore({ url, prefix: newPrefix() }))
})

test('a client that waits in BLPOP holds up nothing', async () => {
  const client = new Redis(url)
  onTestFinished(() => client.disconnect())
  client.blpop(`nothing-${randomUUID()}`, 0).catch(() => {})
  await useStore(redisStore({ client, prefix: newPrefix() }))
})

test('the database that a client has selected is used', async () => {
  const client = new Redis(url)
  onTestFinished(() => client.disconnect())
  await client.select(2)
  const prefix = newPrefix()
  await useStore(redisStore({ client, prefix }))
  expect(await client.exists(`${prefix}:{o}:format`)).toBe(1)
})

test('a client stays as it was: open, with its own listeners', async () => {
  const client = new Redis(url)
  onTestFinished(() => client.disconnect())
  await useStore(redisStore({ client, prefix: newPrefix() }))
  expect(await client.ping()).toBe('PONG')
  expect(client.listenerCount('error')).toBe(0)
})

test('what goes out for several callers is sent in the async context of none of them, and a connection for large calls is made in none', async () => {
  const tenant = new AsyncLocalStorage<string>()
  const store = redisStore({ url, prefix: newPrefix() })
  await store.open()
  onTestFinished(() => store.close())
  // The server knows the script from now on: it is sent once.
  await store.create([newExecution('first')])
  const contexts: (string | undefined)[] = []
  const connecting: (string | undefined)[] = []
  const { sendCommand } = Redis.prototype
  onTestFinished(() => void vi.restoreAllMocks())
  vi.spyOn(Redis.prototype, 'sendCommand').mockImplementation(function (this: Redis, ...args) {
    const isCall = args[0].name.startsWith('EVAL')
    ;(isCall ? contexts : connecting).push(tenant.getStore())
    return sendCommand.apply(this, args)
  })
  const create = (id: string, inputs: string): Promise<unknown> =>
    tenant.run(id, () => store.create([newExecution(id, { inputs })]))
  await Promise.all(['ada', 'bea'].map((id) => create(id, '{}')))
  expect(contexts.length).toBeGreaterThan(0)
  expect(new Set(contexts)).toEqual(new Set([undefined]))
  await create('cleo', JSON.stringify('x'.repeat(200_000)))
  expect(connecting.length).toBeGreaterThan(0)
  expect(new Set(connecting)).toEqual(new Set([undefined]))
})
