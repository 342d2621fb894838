import { createServer, Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { Redis } from 'ioredis'
import { createPool } from 'mysql2/promise'
import pg from 'pg'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import type { Store, StoreHint } from '../../src/core/contracts/store.ts'
import { MysqlConnection } from '../../stores/mysql/connection.ts'
import { mysqlStore } from '../../stores/mysql/index.ts'
import { PostgresConnection } from '../../stores/postgres/connection.ts'
import { postgresStore } from '../../stores/postgres/index.ts'
import { redisStore } from '../../stores/redis/index.ts'
import { startSentinel } from '../servers/redis-sentinel.ts'
import { serverUrl } from '../servers/server-url.ts'
import { startStallingProxy } from '../servers/stalling-proxy.ts'
import type { StallingProxy } from '../servers/stalling-proxy.ts'
import { serverSpace } from './server-space.ts'

const [postgres, mysql, redis] = [await serverUrl('postgres'), await serverUrl('mysql'), await serverUrl('redis')]
const prefix = await serverSpace('silent')

const Made = dataType('Made', type<string>())
const make = step({ name: 'Make', output: Made, persist: 'execution', run: () => 'made' })
const made = graph({ name: 'made', steps: [make] })

function pgPool(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url })
  pool.on('error', () => {})
  onTestFinished(() => pool.end())
  return pool
}

function mysqlPool(url: string) {
  const pool = createPool({ uri: url })
  onTestFinished(() => pool.end())
  return pool
}

const stores: Readonly<Record<string, readonly [server: string, newStore: (url: string) => Store]>> = {
  postgres: [postgres, (url) => postgresStore({ url, schema: prefix })],
  'a pool of pg': [postgres, (url) => postgresStore({ pool: pgPool(url), schema: prefix })],
  mysql: [mysql, (url) => mysqlStore({ url, prefix })],
  'a pool of mysql2': [mysql, (url) => mysqlStore({ pool: mysqlPool(url), prefix })],
  redis: [redis, (url) => redisStore({ url, prefix, timeout: '100ms' })],
}

/** Lets what stores wait for a silent connection pass a hundred times as fast, but never in less than a connection takes on a busy machine. @returns the times that they have set, in milliseconds */
function hurry(): readonly number[] {
  const set: number[] = []
  const { setTimeout: original } = Socket.prototype
  const spy = vi.spyOn(Socket.prototype, 'setTimeout').mockImplementation(function (this: Socket, ms, callback) {
    set.push(ms)
    return original.call(this, ms && Math.max(ms / 100, 100), callback)
  })
  onTestFinished(() => spy.mockRestore())
  return set
}

async function openBehind(proxy: StallingProxy, newStore: (url: string) => Store): Promise<Store> {
  onTestFinished(() => proxy.stop())
  const store = newStore(proxy.url)
  await store.open()
  onTestFinished(() => store.close())
  return store
}

test.each(Object.entries(stores))(
  'over %s, what is sent over a connection on which no answer comes any more fails in time, and another one is made',
  async (_, [server, newStore]) => {
    hurry()
    const proxy = await startStallingProxy(server)
    const store = await openBehind(proxy, newStore)
    expect(await store.get(['none'])).toEqual([undefined])
    proxy.muteAfter('')
    const lost = store.get(['none'])
    await vi.waitUntil(() => proxy.muted > 0)
    proxy.muteAfter(undefined)
    await expect(lost).rejects.toMatchObject({ isTransient: true })
    await vi.waitFor(async () => expect(await store.get(['none'])).toEqual([undefined]), { timeout: 5_000 })
  },
)

test('a commit that takes longer than connections may be silent is done once, and known to be done', async () => {
  const docket = createDocket({ graphs: [made], store: postgresStore({ url: postgres, schema: prefix }) })
  onTestFinished(() => docket.close())
  await docket.list({ limit: 1 })
  const pool = pgPool(postgres)
  await pool.query(`create function ${prefix}.slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.5); return new; end $$;
    create trigger slow before insert on ${prefix}.docket_steps for each row execute function ${prefix}.slow()`)
  onTestFinished(async () => void (await pool.query(`drop trigger slow on ${prefix}.docket_steps`)))
  hurry()
  expect(await docket.execute(made, Made, {}, { id: 'slow' })).toBe('made')
  const { rows } = await pool.query(`select step, attempt from ${prefix}.docket_steps where execution = 'slow'`)
  expect(rows).toEqual([{ step: 'Make', attempt: '1' }])
})

test('once a connection has fallen silent, others that have answered nothing since are given less time', async () => {
  const set = hurry()
  const proxy = await startStallingProxy(postgres)
  const store = await openBehind(proxy, (url) => postgresStore({ url, schema: prefix }))
  await Promise.all([store.get(['none']), store.get(['none'])])
  proxy.muteAfter('')
  await expect(store.get(['none'])).rejects.toMatchObject({ isTransient: true })
  const before = set.length
  await expect(store.get(['none'])).rejects.toMatchObject({ isTransient: true })
  proxy.muteAfter(undefined)
  expect(set.slice(0, before)).not.toContain(2_000)
  expect(set.slice(before)).toContain(2_000)
  expect(await store.get(['none'])).toEqual([undefined])
})

test('hints of Redis are heard again after their connection has fallen silent', async () => {
  const proxy = await startStallingProxy(redis)
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const store = await openBehind(proxy, (url) => redisStore({ url, prefix, timeout: '100ms' }))
  const heard: StoreHint[] = []
  const unsubscribe = await store.subscribe!((hint) => void heard.push(hint))
  proxy.muteAfter('subscribe')
  vi.advanceTimersByTime(10_000)
  await vi.waitUntil(() => proxy.muted > 0)
  proxy.muteAfter(undefined)
  await vi.waitUntil(() => heard.length > 0, { timeout: 5_000 })
  // What was published meanwhile is lost.
  expect(heard).toEqual([{ type: 'work' }])
  await unsubscribe()
})

test('the connection of hints is looked at once where a faked clock leaps by hours', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const store = redisStore({ url: redis, prefix })
  await store.open()
  onTestFinished(() => store.close())
  const unsubscribe = await store.subscribe!(() => {})
  const subscribed = vi.spyOn(Redis.prototype, 'subscribe')
  onTestFinished(() => subscribed.mockRestore())
  vi.advanceTimersByTime(3_600_000)
  expect(subscribed).toHaveBeenCalledTimes(1)
  await unsubscribe()
})

test('servers undo the transaction of a client that is gone without a word', async () => {
  const ofPostgres = new PostgresConnection({ url: postgres, pool: undefined, schema: prefix, max: 1 })
  await ofPostgres.open()
  onTestFinished(() => ofPostgres.close())
  const { rows } = await ofPostgres.transaction((client) => client.query('show idle_in_transaction_session_timeout'))
  expect(rows).toEqual([{ idle_in_transaction_session_timeout: '20s' }])
  const ofMysql = new MysqlConnection({ url: mysql, pool: undefined, prefix, max: 1 })
  await ofMysql.open()
  onTestFinished(() => ofMysql.close())
  const shown = await ofMysql.transaction((session) =>
    session.all(
      `show session variables where variable_name = if(version() like '%MariaDB%', 'idle_transaction_timeout', 'wait_timeout')`,
    ),
  )
  expect([
    [{ Variable_name: 'idle_transaction_timeout', Value: '20' }],
    [{ Variable_name: 'wait_timeout', Value: '300' }],
  ]).toContainEqual(shown)
})

test('a Sentinel that does not answer is passed over', async () => {
  await using sentinel = await startSentinel()
  const silent = createServer(() => {})
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void silent.close())
  const sentinels = [(silent.address() as AddressInfo).port, sentinel.port].map((port) => ({ host: '127.0.0.1', port }))
  const store = redisStore({ options: { sentinels, name: sentinel.name }, prefix, timeout: '2s' })
  onTestFinished(() => store.close())
  await store.open()
  expect(await store.get(['none'])).toEqual([undefined])
})
