import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { Redis } from 'ioredis'
import { createPool } from 'mysql2/promise'
import { expect, onTestFinished, test } from 'vitest'
import { OptionError, StoreError } from '../../src/core/errors.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { mysqlStore } from '../../stores/mysql/index.ts'
import { postgresStore } from '../../stores/postgres/index.ts'
import { redisStore } from '../../stores/redis/index.ts'
import { shownUrl } from '../../stores/sql/options.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { commitTo, createOwned, newExecution } from '../../src/testing/conformance/records.ts'
import { freePort } from '../servers/free-port.ts'
import { startRedis, withRedis } from '../servers/redis.ts'
import { storePlaces } from './store-places.ts'
import { serverUrl } from '../servers/server-url.ts'

const { mysqlUrl, pool, admin, newSchema, newPrefix, postgresUrl } = await storePlaces()
const redisUrl = await serverUrl('redis')

async function failureOf(store: Store): Promise<StoreError> {
  onTestFinished(() => store.close().catch(() => {}))
  const error = await store.open().catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(StoreError)
  return error as StoreError
}

async function opened(store: Store): Promise<Store> {
  onTestFinished(() => store.close())
  await store.open()
  return store
}

/** A server of something else. */
async function otherServer(): Promise<number> {
  const server = createServer((_, response) => response.end('hello'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

const makers: Readonly<Record<string, (options: never) => Store>> = {
  sqliteStore,
  postgresStore,
  mysqlStore,
}

test.each(Object.keys(makers))('%s(undefined) asks for the variable of the environment', (name) => {
  const make = (): unknown => makers[name]!(undefined as never)
  expect(make).toThrow(OptionError)
  expect(make).toThrow(`${name}: got undefined: is an environment variable missing?`)
  const option = name === 'sqliteStore' ? 'path' : 'url'
  expect(() => makers[name]!({ [option]: undefined } as never)).toThrow(`${option}: got undefined`)
})

test.each<[(url: string) => Store, string, string]>([
  [postgresStore, 'shop', 'postgresStore: url must be a URL like postgres://'],
  [postgresStore, '127.0.0.1:5432/shop', 'got "127.0.0.1:5432/shop"'],
  [postgresStore, 'mysql://localhost/shop', 'got "mysql://localhost/shop"'],
  [postgresStore, 'postgres://ann:secret@h1:1,h2:2/shop', 'got "postgres://***@h1:1,h2:2/shop"'],
  [mysqlStore, 'shop', 'got "shop"'],
  [mysqlStore, 'ann:secret@127.0.0.1/shop', 'got "***@127.0.0.1/shop"'],
  [redisStore, '127.0.0.1:6379', 'got "127.0.0.1:6379"'],
  [redisStore, 'redis://:secret@127.0.0.1/shop', 'a database is a number'],
])('%o of %j is refused at once', (make, url, message) => {
  expect(() => make(url)).toThrow(OptionError)
  expect(() => make(url)).toThrow(message)
  expect(() => make(url)).not.toThrow('secret')
})

test.each([
  'postgres://',
  'postgresql://ann@localhost/shop',
  'postgres://ann:50%@localhost/shop',
  'postgres://ann@/shop?host=/run/postgresql',
  '/run/postgresql shop',
])('postgresStore takes %j', (url) => {
  expect(postgresStore(url).name).toBe('postgres')
})

test.each([
  ['postgres://ann:secret@host/shop', 'postgres://***@host/shop'],
  ['postgres://ann:p@ss/secret@host/shop', 'postgres://***@host/shop'],
  ['ann:secret@host/shop', '***@host/shop'],
  ['redis://ann:secret', 'redis://ann:***'],
  ['mysql://host:3306/shop', 'mysql://host:3306/shop'],
  ['http://[::1]:80/', 'http://[::1]:80/'],
  ['postgres://host/shop?password=secret&a=b', 'postgres://host/shop?password=***&a=b'],
  ["host=here password='my secret' dbname=shop", 'host=here password=*** dbname=shop'],
])('of %j, no password is shown', (url, shown) => {
  expect(shownUrl(url)).toBe(JSON.stringify(shown))
})

test.each<[string, (port: number) => Store, string]>([
  ['redis', (port) => redisStore(`redis://:secret@127.0.0.1:${port}/3`), '/3'],
  ['postgres', (port) => postgresStore(`postgres://ann:secret@127.0.0.1:${port}/shop`), '/shop'],
  ['mysql', (port) => mysqlStore(`mysql://ann:secret@127.0.0.1:${port}/shop`), '/shop'],
])('where no %s is, it is said which server was tried', async (name, make, database) => {
  const port = await freePort()
  expect(await failureOf(make(port))).toMatchObject({
    message: `${name} store: can't reach ${name} at 127.0.0.1:${port}${database}: ECONNREFUSED; is the server running?`,
    isTransient: true,
  })
})

test.each<[string, () => Store]>([
  ['redis', () => redisStore('redis://nowhere.invalid')],
  ['postgres', () => postgresStore('postgres://ann:secret@nowhere.invalid/shop')],
  ['mysql', () => mysqlStore('mysql://ann:secret@nowhere.invalid/shop')],
])('a host of %s that nobody knows is named', async (name, make) => {
  const error = await failureOf(make())
  expect(error.message).toMatch(new RegExp(`can't reach ${name} at nowhere\\.invalid:\\d+.*: E\\w+; is the host`))
  expect(error).toMatchObject({ isTransient: true })
  expect(error.message).not.toContain('secret')
})

test('a port of another protocol is reported as such', async () => {
  const port = await otherServer()
  expect(await failureOf(redisStore(`redis://127.0.0.1:${port}`))).toMatchObject({
    message: expect.stringContaining(`what answers at 127.0.0.1:${port}/0 is not a Redis server`),
    isTransient: false,
  })
  // It hangs up without a word, as a server does that goes down.
  expect(await failureOf(postgresStore(`postgres://ann@127.0.0.1:${port}/shop`))).toMatchObject({
    message: expect.stringMatching(new RegExp(`127\\.0\\.0\\.1:${port}/shop has ended .* is it a PostgreSQL server`)),
    isTransient: true,
  })
})

test('a database that the Redis server does not have is refused, and named', async () => {
  const url = new URL(redisUrl)
  url.pathname = '/9999'
  const error = await failureOf(redisStore(url.href))
  expect(error).toMatchObject({ isTransient: false, message: expect.stringContaining("can't use database 9999") })
  url.pathname = '/1'
  const prefix = crypto.randomUUID()
  const store = await opened(redisStore({ url: url.href, prefix }))
  await store.create([newExecution('one')])
  const client = new Redis(url.href)
  onTestFinished(() => client.disconnect())
  expect(await client.exists(`${prefix}:{o}:format`)).toBe(1)
})

test('a Redis that requires a password says so in short, one that refuses it says so too', async () => {
  await using server = await startRedis()
  await withRedis(server.port, async (client) => void (await client.config('SET', 'requirepass', 's3cret')))
  for (const database of ['', '/2'])
    expect((await failureOf(redisStore(`redis://127.0.0.1:${server.port}${database}`))).message).toBe(
      `redis store: redis at 127.0.0.1:${server.port}${database === '' ? '/0' : database} requires a password (NOAUTH); put it into the URL, or give the client one`,
    )
  const wrong = await failureOf(redisStore(`redis://:wrong@127.0.0.1:${server.port}/2`))
  expect(wrong.message).toContain('WRONGPASS')
})

test('in PostgreSQL, a transaction must have been begun', async () => {
  const store = await opened(postgresStore({ url: postgresUrl, schema: newSchema(), max: 2 }))
  await expect(store.create([newExecution('one')], pool)).rejects.toBeInstanceOf(OptionError)
  const client = await pool.connect()
  onTestFinished(() => client.release())
  const refused = store.create([newExecution('one')], client)
  await expect(refused).rejects.toBeInstanceOf(OptionError)
  await expect(refused).rejects.toThrow('run begin on it first')
  // Not awaited: the driver has not heard of it yet.
  const begun = client.query('begin')
  expect(await store.create([newExecution('one')], client)).toEqual([undefined])
  await begun
  await client.query('rollback')
  expect(await store.get(['one'])).toEqual([undefined])
})

test('in MySQL, a transaction must have been begun', async () => {
  const store = await opened(mysqlStore({ url: mysqlUrl, prefix: newPrefix(), max: 2 }))
  const own = createPool({ uri: mysqlUrl, charset: 'utf8mb4', connectionLimit: 1 })
  onTestFinished(() => own.end())
  await expect(store.create([newExecution('one')], admin)).rejects.toBeInstanceOf(OptionError)
  const client = await own.getConnection()
  onTestFinished(() => client.release())
  const refused = store.create([newExecution('one')], client)
  await expect(refused).rejects.toBeInstanceOf(OptionError)
  await expect(refused).rejects.toThrow('run start transaction on it first')
  for (const [begin, end] of [
    ['start transaction', 'rollback'],
    ['set autocommit = 0', 'rollback'],
  ] as const) {
    await client.query(begin)
    expect(await store.create([newExecution('one')], client)).toEqual([undefined])
    await client.query(end)
  }
  expect(await store.get(['one'])).toEqual([undefined])
})

test('in SQLite, what the caller creates beside its open transaction fails for good; what runs by itself, for now', async () => {
  const database = new DatabaseSync(':memory:')
  onTestFinished(() => database.close())
  const store = await opened(sqliteStore({ database }))
  await createOwned(store, 'one')
  database.exec('begin')
  await expect(store.create([newExecution('two')])).rejects.toMatchObject({
    isTransient: false,
    message: expect.stringContaining('transaction of the caller'),
  })
  await expect(store.renewOwner('ada', 1_000)).rejects.toMatchObject({ isTransient: true })
  await expect(store.commit([commitTo('one', { owner: 'ada' })])).rejects.toMatchObject({ isTransient: true })
  database.exec('rollback')
  expect(await store.create([newExecution('two')])).toEqual([undefined])
})

test.each<[string, (options: never) => unknown, Readonly<Record<string, unknown>>]>([
  ['memoryStore', memoryStore, { now: 5, clock: 5 }],
  ['sqliteStore', sqliteStore, { path: '', migrate: 'no', synchronous: 'off' }],
  ['postgresStore', postgresStore, { url: 'here', migrate: 'no', max: 0 }],
  ['mysqlStore', mysqlStore, { url: 'here', migrate: 'no', max: 0 }],
  ['redisStore', redisStore, { url: 'here', prefix: '{}', timeout: 0 }],
])('%s reports all that is wrong with its options at once', (name, make, options) => {
  const problems = (): unknown => make(options as never)
  expect(problems).toThrow(OptionError)
  for (const option of Object.keys(options)) expect(problems).toThrow(new RegExp(`^${name}: .*\\b${option}\\b`))
})
