import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import type { RedisOptions } from 'ioredis'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { MissingSession, Store, StoreSessions } from '../../src/core/contracts/store.ts'
import { longLease } from '../../src/testing/conformance/records.ts'
import { redisStore } from '../../stores/redis/index.ts'
import type { RedisStoreOptions } from '../../stores/redis/index.ts'
import { startRedis, withRedis } from '../servers/redis.ts'
import type { RedisOptions as ServerOptions } from '../servers/redis.ts'
import { serverUrl, serverUrls } from '../servers/server-url.ts'

const url = await serverUrl('redis')
const patience = { timeout: 10_000, interval: 50 }

interface Client {
  readonly store: Store
  readonly sessions: StoreSessions
}

async function opened(options: RedisStoreOptions): Promise<Client> {
  const store = redisStore(options)
  onTestFinished(() => store.close())
  await store.open()
  return { store, sessions: store.sessions! }
}

async function ownServer(options: ServerOptions = {}) {
  const server = await startRedis(options)
  onTestFinished(() => server.stop())
  return server
}

/** The number of the connection that an owner's last renewal names. */
async function numberOf(redis: Redis, prefix: string, owner: string): Promise<number> {
  return Number((await redis.hget(`${prefix}:{o}:sessions`, owner))!.split(' ')[1])
}

async function untilMissing({ sessions }: Client): Promise<MissingSession & { readonly connection: string }> {
  return vi.waitFor(async () => {
    const { connection, others } = await sessions.look('ada', true)
    expect(others!.missing).toHaveLength(1)
    return { ...others!.missing[0]!, connection }
  }, patience)
}

test('an owner whose connection was cut is lost until it renews over the next one', async () => {
  const prefix = crypto.randomUUID()
  const redis = new Redis(url)
  onTestFinished(() => redis.disconnect())
  const [ada, bea] = [await opened({ url, prefix }), await opened({ url, prefix })]
  await ada.store.renewOwner('ada', longLease)
  await bea.store.renewOwner('bea', longLease)
  const before = await numberOf(redis, prefix, 'bea')
  await ada.sessions.look('ada', true)
  await ada.sessions.look('ada', true)
  await redis.client('KILL', 'ID', before)
  const missing = await untilMissing(ada)
  expect((await bea.sessions.look('bea', false)).state).toBe('lost')
  expect(await bea.store.renewOwner('bea', longLease)).toBe(true)
  expect((await bea.sessions.look('bea', false)).state).toBe('held')
  expect(await numberOf(redis, prefix, 'bea')).toBeGreaterThan(before)
  expect(await ada.sessions.end(missing, missing.connection)).toBe(false)
  expect((await ada.sessions.look('ada', true)).others!.missing).toEqual([])
})

test('what a server said before it was started again ends nobody, and nobody is missing after', async () => {
  const server = await ownServer({ appendonly: 'always' })
  const [ada, bea, cy] = [await opened({ url: server.url }), await opened({ url: server.url }), redisStore(server.url)]
  await ada.store.renewOwner('ada', longLease)
  await bea.store.renewOwner('bea', longLease)
  await cy.open()
  await cy.renewOwner('cy', longLease)
  await ada.sessions.look('ada', true)
  await cy.close()
  const missing = await untilMissing(ada)
  await server.restart()
  const look = await vi.waitFor(() => ada.sessions.look('ada', true), patience)
  expect([look.state, look.others!.missing]).toEqual(['lost', []])
  expect(look.connection).not.toBe(missing.connection)
  expect(await ada.sessions.end(missing, missing.connection)).toBe(false)
  await vi.waitFor(async () => {
    expect(await bea.store.renewOwner('bea', longLease)).toBe(true)
    expect((await bea.sessions.look('bea', true)).state).toBe('held')
  }, patience)
})

test.each([
  ['may not use CLIENT', ['-client']],
  ['may not list connections', ['-client|list']],
  ['may not use INFO', ['-info']],
  ['may do nothing dangerous', ['-@dangerous']],
  ['has no transactions', ['-multi']],
])('a user who %s lives by the lease', async (_, rules) => {
  const server = await ownServer()
  await withRedis(server.port, async (redis) => {
    await redis.call('ACL', 'SETUSER', 'app', 'on', '>secret', 'allkeys', 'allchannels', '+@all', ...rules)
  })
  const { store, sessions } = await opened({ url: `redis://app:secret@127.0.0.1:${server.port}` })
  expect(await store.renewOwner('ada', longLease)).toBe(true)
  expect(sessions.isClaimed('ada')).toBe(false)
  expect(await sessions.look('ada', true)).toEqual({ state: 'unclaimed', connection: '' })
  await withRedis(server.port, async (redis) => {
    expect(await redis.hgetall('docket:{o}:sessions')).toEqual({})
  })
})

test('an owner of a user whose rights are taken away lives by the lease from its next renewal on', async () => {
  const server = await ownServer()
  const set = (...rules: string[]): Promise<unknown> =>
    withRedis(server.port, (redis) => redis.call('ACL', ['SETUSER', 'app', ...rules]))
  await set('on', '>secret', 'allkeys', 'allchannels', '+@all')
  const { store, sessions } = await opened({ url: `redis://app:secret@127.0.0.1:${server.port}` })
  await store.renewOwner('ada', longLease)
  expect((await sessions.look('ada', true)).state).toBe('held')
  await set('-client|list')
  expect((await sessions.look('ada', true)).state).toBe('lost')
  expect(await store.renewOwner('ada', longLease)).toBe(true)
  expect([(await sessions.look('ada', true)).state, sessions.isClaimed('ada')]).toEqual(['unclaimed', false])
  expect(await withRedis(server.port, (redis) => redis.hgetall('docket:{o}:sessions'))).toEqual({})
})

test('a server without the command CLIENT has owners that live by the lease', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'docket-redis-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'more.conf'), 'rename-command CLIENT ""')
  const server = await ownServer({ settings: { include: join(folder, 'more.conf') } })
  const { store, sessions } = await opened({ url: server.url })
  expect(await store.renewOwner('ada', longLease)).toBe(true)
  expect(await sessions.look('ada', true)).toEqual({ state: 'unclaimed', connection: '' })
})

test.each<[string, Omit<RedisOptions, 'replyMapping'>]>([
  ['that speaks RESP2', { protocol: 2 }],
  ['that speaks RESP3', { protocol: 3 }],
  ['that connects when it is needed', { lazyConnect: true }],
  ['without a queue for what is sent before it is connected', { enableOfflineQueue: false, lazyConnect: true }],
  ['with a name', { connectionName: 'id=1-addr=2' }],
  ['of another database', { db: 3 }],
])('connections of stores with a client %s are seen', async (_, options) => {
  const client = new Redis(url, options)
  onTestFinished(() => client.disconnect())
  const prefix = crypto.randomUUID()
  const [ada, bea] = [await opened({ client, prefix }), redisStore({ client, prefix })]
  await bea.open()
  await ada.store.renewOwner('ada', longLease)
  await bea.renewOwner('bea', longLease)
  await ada.sessions.look('ada', true)
  const { state, others } = await ada.sessions.look('ada', true)
  expect({ state, others }).toEqual({ state: 'held', others: { missing: [], watched: 2 } })
  await bea.close()
  const missing = await untilMissing(ada)
  expect(await ada.sessions.end(missing, missing.connection)).toBe(true)
})

test('owners of a cluster live by the lease', async () => {
  const cluster = await serverUrls('redis-cluster')
  const store = redisStore({ cluster: [...cluster], prefix: crypto.randomUUID() })
  onTestFinished(() => store.close())
  await store.open()
  expect(store.sessions).toBeUndefined()
  expect(await store.renewOwner('ada', longLease)).toBe(true)
})

test('watchSessions: false leaves owners to the lease, and what is no boolean is refused', async () => {
  expect(redisStore({ url, watchSessions: false }).sessions).toBeUndefined()
  expect(() => redisStore({ url, watchSessions: 'no' as never })).toThrow('watchSessions must be true or false')
})
