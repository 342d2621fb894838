import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPool } from 'mysql2/promise'
import { escapeIdentifier, Pool } from 'pg'
import { afterAll, afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { bullmqEngine } from '../../src/engines/bullmq/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { mysqlStore } from '../../stores/mysql/index.ts'
import { postgresMigrations, postgresStore } from '../../stores/postgres/index.ts'
import { redisStore } from '../../stores/redis/index.ts'
import { diskFinding } from '../../stores/sqlite/diagnosis.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { engineDatabase } from '../engines/postgres-space.ts'
import { freePort } from '../servers/free-port.ts'
import { startMysql } from '../servers/mysql.ts'
import { startPgbouncer } from '../servers/pgbouncer.ts'
import { startPostgres } from '../servers/postgres.ts'
import { startRedis, withRedis } from '../servers/redis.ts'
import { serverUrl, serverUrls } from '../servers/server-url.ts'
import { postgresPlace } from '../stores/postgres-place.ts'
import { cli, fixtures } from './call-cli.ts'
import { openShop, useEngine, useStore } from './fixtures/shop.ts'

const [{ url, newSchema, pool }, mysqlUrl, clusterUrls] = await Promise.all([
  postgresPlace(),
  serverUrl('mysql'),
  serverUrls('redis-cluster'),
])
const redis = await startRedis({ settings: { 'maxmemory-policy': 'allkeys-lru', maxmemory: '100mb' } })
const pooler = await startPgbouncer(url)
const folder = mkdtempSync(join(tmpdir(), 'docket-doctor-'))
afterAll(async () => {
  await Promise.all([redis.stop(), pooler.stop()])
  rmSync(folder, { recursive: true })
})

beforeEach(() => void useStore(memoryStore()))
afterEach(() => useEngine())

/** What is found that is not good, by what was looked at. */
async function illsOf(...argv: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const { json } = await cli(['doctor', '--json', ...argv])
  const ills = json.filter(({ level }) => level !== 'good')
  return Object.fromEntries(
    ills.map(({ check, level, text }) => [check as string, `${level as string}: ${text as string}`]),
  )
}

test('what is well is good, and nothing is wrong', async () => {
  useStore(sqliteStore(join(folder, 'well.db')))
  const { code, out, err } = await cli(['doctor'])
  expect({ code, err }).toEqual({ code: 0, err: 'nothing is wrong\n' })
  expect(out).toMatch(/^good {5}node: Node \d+\.\d+\.\d+$/m)
  expect(out).toMatch(/^good {5}store: the sqlite store answers within \d+ ms$/m)
  expect(out).toMatch(/^good {5}server: SQLite 3\.[\d.]+, with the tables of this version$/m)
  expect(out).not.toMatch(/warning|PROBLEM/)
})

describe('what stands still', () => {
  test('executions that nobody serves are a problem, and a queue that is paused is shown', async () => {
    await cli(['start', 'orders', 'Receipt', '-i', 'Order={"id":"1"}'])
    await cli(['start', 'orders', 'Receipt', '-i', 'Order={"id":"2"}', '--queue', 'gpu'])
    await cli(['queues', 'pause', 'gpu', '--note', 'new driver'])
    expect(await illsOf()).toEqual({
      workers: expect.stringMatching(/^warning: no process lives/),
      'queue default': expect.stringMatching(/^problem: 1 execution could go on, and no process that lives serves/),
      'queue gpu': expect.stringMatching(/^warning: it is paused since .* \(new driver\), with 1 ready/),
    })
    expect((await cli(['doctor'])).code).toBe(4)
  })

  test('what has waited for long is a warning', async () => {
    await using worker = openShop({
      work: { other: 1, default: 1 },
      queues: { default: { rate: { limit: 1, per: '1h' } } },
    })
    await worker.resume()
    for (const id of ['a', 'b']) await cli(['start', 'orders', 'Receipt', '-i', `Order={"id":"${id}"}`, '--id', id])
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 300_000 })
    onTestFinished(() => void vi.useRealTimers())
    expect(await illsOf()).toMatchObject({
      'queue default': expect.stringMatching(/^warning: the oldest ready execution \(of \d+\) has waited for 3\d\d s/),
    })
  })

  test('executions of a process that has died are found', async () => {
    let aheadMs = 0
    useStore(memoryStore({ now: () => Date.now() + aheadMs, elapsed: () => performance.now() + aheadMs }))
    await using worker = openShop({})
    const waiting = await worker.startByName('orders', 'Approved', { Order: { id: '1' } }, { id: 'waits', signals: {} })
    await vi.waitFor(async () => expect((await waiting.info()).owner).toBeDefined(), { timeout: 15_000 })
    // Its lease is over before it can renew it.
    aheadMs = 60_000
    expect(await illsOf()).toMatchObject({ owners: expect.stringMatching(/^problem: 1 execution belongs to a /) })
  })

  test('what does not fit the graphs is found, of this version and of the next one', async () => {
    await cli(['run', 'orders', 'Receipt', '-i', 'Order={"id":"1"}', '--id', 'done', '-q'])
    await using worker = openShop({})
    const waiting = await worker.startByName('orders', 'Approved', { Order: { id: '2' } }, { id: 'waits' })
    await vi.waitFor(async () => expect((await waiting.details()).status).toBe('waiting'), { timeout: 15_000 })
    expect(await cli(['doctor'])).toMatchObject({ code: 0 })
    const against = await cli(['doctor', '--against', join(fixtures, 'next-version.ts')])
    expect(against.code).toBe(4)
    expect(against.out).toMatch(
      /PROBLEM {2}incompatible: execution waits of graph orders \(waiting\) could not go on: /,
    )
    const schema = await cli(['doctor', '--against', join(fixtures, 'next-schema.ts')])
    expect(schema.code).toBe(4)
    expect(schema.out).toMatch(
      /PROBLEM {2}value: execution waits of graph orders \(waiting\) would go on with the Payment that step Pay has made, which does not fit its schema: Payment: .*expected object/,
    )
    expect(await cli(['doctor', '--against', join(fixtures, 'shop.ts')])).toMatchObject({ code: 0 })
    const nowhere = await cli(['doctor', '--against', 'nowhere.ts'])
    expect(nowhere).toMatchObject({
      code: 3,
      err: expect.stringMatching(/^error: there is no file at .*nowhere\.ts\n$/),
    })
  })
})

test('a store that does not answer is a problem, exits with 5, and no password is shown', async () => {
  const store = `postgres://ada:secret@127.0.0.1:${await freePort()}/app`
  for (const argv of [['doctor'], ['list'], ['show', 'x']]) {
    const { code, out, err } = await cli([...argv, '--store', store, '--timeout', '2s'])
    expect(code).toBe(5)
    expect(`${out}${err}`).toMatch(/ECONNREFUSED|can't|did not answer/)
    expect(`${out}${err}`).not.toContain('secret')
  }
})

describe('SQLite', () => {
  test('a connection of the user’s own without WAL and with commits that are not waited for is found', async () => {
    const database = new DatabaseSync(join(folder, 'own.db'))
    database.exec('pragma journal_mode = delete; pragma synchronous = normal')
    useStore(sqliteStore({ database }))
    onTestFinished(() => database.close())
    expect(await illsOf()).toEqual({
      journal_mode: expect.stringMatching(/^problem: journal_mode is delete/),
      synchronous: expect.stringMatching(/^warning: the last commits are lost when the power fails/),
    })
  })

  test('a file on the disk of another machine is found, by the type of its file system', () => {
    expect([0x6969, 0xff534d42, 0x786f4256].map((type) => diskFinding(type).level)).toEqual(Array(3).fill('problem'))
    // ext, btrfs, xfs, overlay and tmpfs
    const local = [0xef53, 0x9123683e, 0x58465342, 0x794c7630, 0x01021994]
    expect(local.map((type) => diskFinding(type).level)).toEqual(Array(5).fill('good'))
  })

  test('a database in memory is found', async () => {
    useStore(sqliteStore(':memory:'))
    expect(await illsOf()).toEqual({ file: expect.stringMatching(/^warning: the database is in memory/) })
  })
})

/** The Redis of these tests, by a user who may do everything but this. */
async function without(...commands: readonly string[]): Promise<string> {
  const user = new URL(redis.url)
  user.username = `narrow-${randomUUID()}`
  user.password = 'pw'
  const rules = ['on', '>pw', '~*', '&*', '+@all', ...commands.map((command) => `-${command}`)]
  await withRedis(redis.port, (client) => client.call('ACL', 'SETUSER', user.username, ...rules))
  return user.href
}

describe('Redis', () => {
  test('eviction and missing persistence are problems', async () => {
    const ills = await illsOf('--store', redis.url)
    expect(ills).toMatchObject({
      'maxmemory-policy': expect.stringMatching(/^problem: maxmemory-policy is allkeys-lru/),
      appendonly: expect.stringMatching(/^problem: appendonly is off/),
    })
    await withRedis(redis.port, async (client) => {
      await client.config('SET', 'maxmemory-policy', 'noeviction')
      await client.config('SET', 'appendonly', 'yes')
    })
    expect(await illsOf('--store', redis.url)).toEqual({
      appendonly: expect.stringMatching(/^warning: appendfsync is everysec|always/),
    })
  })

  test.each(['client|list', 'client|id', 'multi', 'exec'])(
    'a user that may not use %s, and so not look at connections, is found',
    async (command) => {
      expect(await illsOf('--store', await without(command))).toMatchObject({
        sessions: expect.stringMatching(/^warning: .* the user may not look at connections/),
      })
    },
  )

  test.each(['@dangerous', 'info'])(
    'a user without %s has a store that works: what can’t be looked at is a warning',
    async (rights) => {
      const store = ['--store', await without(rights)]
      expect(await illsOf(...store)).toEqual({
        server: expect.stringMatching(/^warning: .*maxmemory-policy.*INFO/),
        sessions: expect.stringMatching(/^warning: .* the user may not look at connections/),
      })
      expect((await cli(['doctor', ...store])).code).toBe(0)
    },
  )

  test('a memory that is nearly full is found, and a replica can’t be used', async () => {
    const full = await startRedis({
      appendonly: 'always',
      settings: { 'maxmemory-policy': 'noeviction' },
    })
    onTestFinished(() => full.stop())
    await withRedis(full.port, async (client) => {
      await client.set('filling', 'x'.repeat(9_000_000))
      await client.config('SET', 'maxmemory', '13mb')
    })
    expect(await illsOf('--store', full.url)).toEqual({ memory: expect.stringMatching(/^warning: \d+% of the memory/) })
    const replica = await startRedis({ settings: { replicaof: `127.0.0.1 ${full.port}` } })
    onTestFinished(() => replica.stop())
    const { code, out } = await cli(['doctor', '--store', replica.url])
    expect({ code, out }).toEqual({ code: 5, out: expect.stringMatching(/PROBLEM {2}store: .*read only replica/) })
  })

  test('each node of a cluster is looked at', async () => {
    const prefix = `doctor-${randomUUID().slice(0, 8)}`
    const [first, ...others] = clusterUrls
    const nodes = [first, ...others.map((one) => new URL(one).host)].join(',')
    const { json } = await cli(['doctor', '--json', '--store', nodes, '--prefix', prefix])
    const texts = json.filter(({ check }) => check === 'maxmemory-policy').map(({ text }) => String(text))
    expect(texts.length).toBeGreaterThan(1)
    expect(texts[0]).toMatch(/^node 1: /)
    useStore(redisStore({ url: redis.url, prefix }))
  })
})

describe('PostgreSQL', () => {
  test('tables that are not there are refused with what to do, and made by migrate', async () => {
    const store = ['--store', url, '--schema', newSchema()]
    const { code, err, out } = await cli(['doctor', ...store])
    expect({ code, said: `${out}${err}` }).toEqual({ code: 5, said: expect.stringMatching(/migrat/) })
    const check = await cli(['migrate', '--check', ...store])
    expect(check).toMatchObject({ code: 4, out: expect.stringMatching(/1 {2}tables {2}pending/) })
    expect(await cli(['migrate', ...store])).toMatchObject({ code: 2, err: expect.stringMatching(/--yes/) })
    expect(await cli(['migrate', '--yes', ...store])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^applied: 1/),
    })
    expect(await cli(['migrate', '--check', ...store])).toMatchObject({ code: 0 })
    expect(await cli(['list', ...store])).toMatchObject({ code: 0 })
  })

  test('autovacuum that is off, a pool of one, commits that do not reach the disk, and a pooler are found', async () => {
    const schema = newSchema()
    const migrations = postgresMigrations({ url, schema })
    await migrations.up()
    await migrations.close()
    await pool.query(`alter table "${schema}".docket_steps set (autovacuum_enabled = false)`)
    useStore(postgresStore({ url: pooler.url, schema, max: 1 }))
    const ills = await illsOf()
    expect(ills).toMatchObject({
      autovacuum: expect.stringMatching(/^problem: autovacuum is off for docket_steps/),
      fsync: expect.stringMatching(/^problem: fsync is off/),
      pool: expect.stringMatching(/^warning: the pool has 1 connection/),
    })
    useStore(postgresStore({ url: pooler.url, schema, max: 5 }))
    expect(await illsOf()).toMatchObject({ pooler: expect.stringMatching(/^warning: a pooler stands between/) })
    useStore(postgresStore({ url, schema, max: 5 }))
    expect(Object.keys(await illsOf())).not.toContain('pooler')
  })

  test('commits that are not waited for, a server that is full, one that takes no writes, and rights that are missing are found', async () => {
    const schema = newSchema()
    const migrations = postgresMigrations({ url, schema })
    await migrations.up()
    await migrations.close()
    const withSetting = (setting: string): string => {
      const server = new URL(url)
      server.searchParams.set('options', `-c ${setting}`)
      return server.href
    }
    useStore(postgresStore({ url: withSetting('client_connection_check_interval=10000'), schema }))
    expect(Object.keys(await illsOf())).not.toContain('client_connection_check_interval')
    useStore(postgresStore({ url: withSetting('synchronous_commit=off'), schema, max: 300 }))
    expect(await illsOf()).toMatchObject({
      client_connection_check_interval: expect.stringMatching(/^warning: .* is 0: the server goes on with a statement/),
      synchronous_commit: expect.stringMatching(/^problem: synchronous_commit is off/),
      'server-connections': expect.stringMatching(/^warning: the server allows 300 connections/),
    })
    useStore(postgresStore({ url: withSetting('default_transaction_read_only=on'), schema }))
    expect(await illsOf()).toEqual({
      store: expect.stringMatching(/^problem: .*read-only transaction: the server takes no writes; it is a standby/),
    })
    const role = `doctor_${randomUUID().slice(0, 8)}`
    const all = `all tables in schema ${escapeIdentifier(schema)}`
    await pool.query(`create role ${role} login; grant usage on schema ${escapeIdentifier(schema)} to ${role}`)
    await pool.query(`grant select, insert, update, delete on ${all} to ${role}`)
    await pool.query(`revoke delete on ${escapeIdentifier(schema)}.docket_executions from ${role}`)
    onTestFinished(async () => void (await pool.query(`drop owned by ${role}; drop role ${role}`)))
    const narrow = new URL(url)
    narrow.username = role
    useStore(postgresStore({ url: narrow.href, schema }))
    expect(await illsOf()).toMatchObject({
      rights: expect.stringMatching(new RegExp(`^problem: the user ${role} may not write .* docket_executions`)),
    })
  })

  test.each([
    [{}, true],
    [{ connectionTimeoutMillis: 10_000 }, false],
  ])('a pool of the user’s own (%j) that may wait for a connection for ever is found: %s', async (options, isFound) => {
    const own = new Pool({ connectionString: url, ...options })
    onTestFinished(() => own.end())
    useStore(postgresStore({ pool: own, schema: newSchema() }))
    const { connectionTimeoutMillis: said } = await illsOf()
    expect(said).toEqual(
      isFound ? expect.stringMatching(/^warning: your pool has no connectionTimeoutMillis/) : undefined,
    )
  })

  test('a standby is found', async () => {
    const server = await startPostgres()
    onTestFinished(() => server.stop())
    const migrations = postgresMigrations(server.url)
    await migrations.up()
    await migrations.close()
    writeFileSync(join(server.folder, 'data/standby.signal'), '')
    await server.restart()
    expect(await illsOf('--store', server.url)).toEqual({
      store: expect.stringMatching(/^problem: .* it is a standby/),
    })
  })

  test('a clock that is off is found', async () => {
    const schema = newSchema()
    useStore(postgresStore({ url, schema }))
    expect(Object.keys(await illsOf())).not.toContain('clock')
    useStore(postgresStore({ url, schema }))
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 90_000 })
    onTestFinished(() => void vi.useRealTimers())
    expect(await illsOf()).toMatchObject({
      clock: expect.stringMatching(/^warning: .* 9\d\.\d s behind that of the store/),
    })
  })
})

test('MariaDB: commits that are not flushed, a pool that is small, and locks that outlive their process for hours are found', async () => {
  const prefix = `doctor_${randomUUID().slice(0, 8)}_`
  const admin = createPool(mysqlUrl)
  onTestFinished(async () => {
    const [tables] = await admin.query('show tables like ?', [`${prefix.replaceAll('_', String.raw`\_`)}%`])
    for (const row of tables as Record<string, string>[]) await admin.query(`drop table \`${Object.values(row)[0]!}\``)
    await admin.end()
  })
  useStore(mysqlStore({ url: mysqlUrl, prefix, max: 2 }))
  expect(await illsOf()).toMatchObject({
    innodb_flush_log_at_trx_commit: expect.stringMatching(/^problem: innodb_flush_log_at_trx_commit is 2/),
    pool: expect.stringMatching(/^warning: the pool has 2 connections/),
  })
  expect(Object.keys(await illsOf())).not.toContain('wait_timeout')
  const own = createPool(mysqlUrl)
  onTestFinished(() => own.end())
  useStore(mysqlStore({ pool: own, prefix }))
  expect(await illsOf()).toMatchObject({
    wait_timeout: expect.stringMatching(
      /^warning: what a process that is gone without a word has locked stays so for 28800 s/,
    ),
  })
})

test('MariaDB: packets that are too small for values, and a server that takes no writes, are found', async () => {
  const server = await startMysql({ settings: { 'max-allowed-packet': '1M', 'read-only': 'ON' } })
  onTestFinished(() => server.stop())
  useStore(mysqlStore({ url: server.url }))
  expect(await illsOf()).toMatchObject({
    max_allowed_packet: expect.stringMatching(/^warning: max_allowed_packet is 1,048,576 bytes/),
    read_only: expect.stringMatching(/^problem: the server is read-only/),
  })
})

describe('an engine', () => {
  test('that can’t be reached, or lacks its tables, is a problem', async () => {
    useEngine(bullmqEngine({ connection: `redis://127.0.0.1:${await freePort()}`, timeout: '500ms' }))
    expect(await illsOf()).toMatchObject({ engine: expect.stringMatching(/^problem: /) })
    useStore(memoryStore())
    const database = await engineDatabase(url, false)
    onTestFinished(() => database.drop())
    useEngine(bullmqEngine({ connection: database.url }))
    expect(await illsOf()).toMatchObject({ engine: expect.stringMatching(/^problem: .*migrate/) })
    expect(await cli(['migrate', '--engine', database.url, '--check'])).toMatchObject({
      code: 4,
      err: expect.stringContaining('or docket migrate --yes --engine postgres://…'),
    })
    expect(await cli(['migrate', '--engine', database.url, '--yes'])).toMatchObject({ code: 0 })
    expect(await cli(['migrate', '--engine', database.url, '--check'])).toMatchObject({ code: 0 })
    useStore(memoryStore())
    useEngine(bullmqEngine({ connection: database.url }))
    expect(Object.keys(await illsOf())).not.toContain('engine')
  })
})
