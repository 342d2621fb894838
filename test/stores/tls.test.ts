import type { ConnectionOptions } from 'node:tls'
import { Redis } from 'ioredis'
import { createPool } from 'mysql2/promise'
import pg from 'pg'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { createDocket, dataType, graph, step, StoreError, type } from '../../src/index.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import { mysqlStore } from '../../stores/mysql/index.ts'
import { postgresStore } from '../../stores/postgres/index.ts'
import { redisStore } from '../../stores/redis/index.ts'
import { makeCertificate } from '../servers/certificates.ts'
import { watchClientSockets } from '../servers/client-sockets.ts'
import { startMysql } from '../servers/mysql.ts'
import { startPostgres } from '../servers/postgres.ts'
import { startTlsRedis, withRedis } from '../servers/redis.ts'
import { startStallingProxy } from '../servers/stalling-proxy.ts'

const Out = dataType('Out', type<string>())
const fine = graph({
  name: 'fine',
  steps: [step({ name: 'Fine', output: Out, persist: 'execution', run: () => 'fine' })],
})

const certificate = await makeCertificate()
const { cert, key, ca } = certificate
const [postgres, mysql, { server: redis, tlsUrl }] = await Promise.all([
  startPostgres({ settings: { ssl: 'on', ssl_cert_file: cert, ssl_key_file: key } }),
  startMysql({ settings: { 'ssl-cert': cert, 'ssl-key': key } }),
  startTlsRedis(certificate),
])
afterAll(async () => {
  await Promise.all([postgres, mysql, redis].map((server) => server.stop()))
  certificate[Symbol.dispose]()
})

const urls = { postgres: postgres.url, mysql: mysql.url, redis: tlsUrl }

function onMysql(url: string, ssl: object): string {
  return `${url}?ssl=${encodeURIComponent(JSON.stringify(ssl))}`
}

function poolOf(connectionString: string, ssl: ConnectionOptions): pg.Pool {
  return new pg.Pool({ connectionString, ssl })
}

function rejectionOf(store: Store): Promise<unknown> {
  return Promise.resolve(store.open()).then(
    () => store.close(),
    (error: unknown) => error,
  )
}

test.each<[string, Store]>([
  ['postgres', postgresStore(`${urls.postgres}?sslmode=verify-full`)],
  ['mysql', mysqlStore(onMysql(urls.mysql, {}))],
  ['redis', redisStore(urls.redis)],
  ['a cluster of redis', redisStore({ cluster: [urls.redis] })],
])('a certificate that %s has signed itself is refused at once, with what to do', async (_, store) => {
  const error = await rejectionOf(store)
  expect(error).toBeInstanceOf(StoreError)
  expect(error).toMatchObject({ isTransient: false, message: expect.stringContaining('NODE_EXTRA_CA_CERTS') })
})

test.each<[string, Store]>([
  ['postgres', postgresStore({ pool: poolOf(urls.postgres, { ca, servername: 'a.b' }) })],
  ['redis', redisStore({ url: urls.redis, options: { tls: { ca, servername: 'a.b' } } })],
])('a certificate of %s for another name is refused at once, with what to do', async (_, store) => {
  expect(await rejectionOf(store)).toMatchObject({
    isTransient: false,
    message: expect.stringContaining('connect by a name that is in it'),
  })
})

test('an error of connecting to a Redis names TLS where the one side may speak it, and the other does not', async () => {
  expect(await rejectionOf(redisStore(tlsUrl.replace('rediss', 'redis')))).toMatchObject({
    message: expect.stringContaining('does it want TLS (rediss://)?'),
  })
  expect(await rejectionOf(redisStore({ url: `rediss://127.0.0.1:${redis.port}`, timeout: '300ms' }))).toMatchObject({
    message: expect.stringContaining('does it speak TLS there?'),
  })
})

test('a certificate that the Redis has from now on, and nobody trusts, is named while no connection comes about', async ({
  onTestFinished,
}) => {
  using other = await makeCertificate()
  const { server, tlsUrl: url } = await startTlsRedis(certificate)
  onTestFinished(() => server.stop())
  const store = redisStore({ url, options: { tls: { ca } } })
  await store.open()
  onTestFinished(() => store.close())
  await withRedis(server.port, async (client) => {
    await client.config('SET', 'tls-cert-file', other.cert, 'tls-key-file', other.key)
    await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  })
  await expect(Promise.resolve(store.get(['one']))).rejects.toMatchObject({
    isTransient: true,
    message: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
  })
})

const stores: readonly (readonly [what: string, url: string, make: (url: string) => Store])[] = [
  ['postgres', urls.postgres, (url) => postgresStore(`${url}?sslmode=verify-full&sslrootcert=${cert}`)],
  ['a pool of pg', urls.postgres, (url) => postgresStore({ pool: poolOf(url, { ca }), schema: 'pooled' })],
  ['mysql', urls.mysql, (url) => mysqlStore(onMysql(url, { ca }))],
  [
    'a pool of mysql2',
    urls.mysql,
    (url) => mysqlStore({ pool: createPool({ uri: url, ssl: { ca } }), prefix: 'pooled_' }),
  ],
  ['redis', urls.redis, (url) => redisStore({ url, options: { tls: { ca } } })],
  [
    'a client of ioredis',
    urls.redis,
    (url) => redisStore({ client: new Redis(url, { tls: { ca }, lazyConnect: true }), prefix: 'of-client' }),
  ],
]

describe.concurrent.each(stores)('over TLS, on %s', (what, url, make) => {
  test('a docket closes although the server does not answer any more', async ({ expect, onTestFinished }) => {
    using sockets = watchClientSockets()
    const proxy = await startStallingProxy(url)
    onTestFinished(() => proxy.stop())
    const docket = createDocket({ graphs: [fine], store: make(proxy.url), lease: '1s' })
    expect(await docket.execute(fine, Out, {}, { id: 'fine' })).toBe('fine')
    proxy.stall()
    const looked = docket.list().catch(() => 'failed')
    await docket.close({ deadline: 100 })
    expect(await looked).toBe('failed')
    // Connections of a pool of the user's that nobody uses are the user's.
    if (!what.startsWith('a ')) await vi.waitUntil(() => sockets.openTo([proxy.url]) === 0, { timeout: 15_000 })
  })
})
