import { randomBytes } from 'node:crypto'
import { Cluster } from 'ioredis'
import { createPool } from 'mysql2/promise'
import type { RowDataPacket } from 'mysql2/promise'
import pg from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Store } from '../../../src/core/contracts/store.ts'
import { createDocket, StoreError } from '../../../src/index.ts'
import { memoryStore } from '../../../stores/memory/index.ts'
import { mysqlStore } from '../../../stores/mysql/index.ts'
import { postgresStore } from '../../../stores/postgres/index.ts'
import { redisStore } from '../../../stores/redis/index.ts'
import {
  claimIn,
  claimOf,
  createOwned,
  failure,
  live,
  recordIn,
  stepRecord,
  stepsIn,
  success,
  commitTo,
} from '../../../src/testing/conformance/records.ts'
import { line, Third } from '../../durable/line.ts'
import { storePlaces } from '../../stores/store-places.ts'

// What on-embedded-stores.test.ts shows of memory and SQLite, of the stores that are servers.

const { postgresUrl, mysqlUrl, clusterUrls, pool, admin, newSchema, newPrefix, sqlStores, redisStores } =
  await storePlaces()

async function opened(store: Store): Promise<Store> {
  onTestFinished(() => store.close())
  await store.open()
  return store
}

function inZone(zone: string): void {
  const before = process.env['TZ']
  process.env['TZ'] = zone
  onTestFinished(() => {
    if (before === undefined) delete process.env['TZ']
    else process.env['TZ'] = before
  })
}

describe.each([...sqlStores, ...redisStores, ['memory', () => () => memoryStore()] as const])(
  'in %s',
  (name, newPlace) => {
    test('of 50 equal claims at once, one gets the right', async () => {
      const newStore = newPlace()
      const one = await opened(newStore())
      const other = name === 'memory' ? one : await opened(newStore())
      const owners = Array.from({ length: 50 }, (_, i) => `owner ${i}`)
      await live(one, ...owners)
      const told = await Promise.all(
        owners.map((owner, i) => (i % 2 === 0 ? one : other).claimResults([claimOf('key', owner)])),
      )
      expect(told.flat().filter(({ status }) => status === 'claimed')).toHaveLength(1)
    })

    test('a slower failing twin does not overwrite the stored success', async () => {
      const store = await opened(newPlace()())
      await live(store, 'slow', 'fast')
      const late = await claimIn(store, 'key', 'slow')
      await store.endOwner('slow')
      const epoch = await claimIn(store, 'key', 'fast')
      expect(await store.commitResults([success('key', 'fast', epoch, '7')])).toEqual([true])
      expect(await store.commitResults([failure('key', 'slow', late)])).toEqual([false])
      expect(await store.commitResults([failure('key', 'fast', epoch)])).toEqual([false])
      expect(await store.getResults(['key'])).toEqual([{ status: 'completed', output: '7' }])
    })

    test('no id, step and item run together', async () => {
      const store = await opened(newPlace()())
      const places = [
        ['a:b', 'c', ''],
        ['a', 'b:c', ''],
        ['a', 'b', 'c'],
        ['a', 'b', ':c'],
        ['a:b:c', '', ''],
        ['a', 'b|c', ''],
        ['a', 'b', '|c'],
      ] as const
      for (const id of new Set(places.map(([id]) => id))) await createOwned(store, id)
      for (const [at, [id, step, item]] of places.entries())
        await store.commit([commitTo(id, { steps: [stepRecord(step, { item, output: String(at) })] })])
      for (const [at, [id, step, item]] of places.entries())
        expect(await stepsIn(store, id)).toContainEqual(expect.objectContaining({ step, item, output: String(at) }))
    })

    test('a failure is never returned as a result, and the next claim starts anew', async () => {
      const store = await opened(newPlace()())
      await live(store, 'ada', 'bea')
      await store.commitResults([failure('key', 'ada', await claimIn(store, 'key', 'ada'))])
      expect((await store.getResults(['key']))[0]?.status).not.toBe('completed')
      expect(await claimIn(store, 'key', 'bea')).toBeGreaterThan(0)
    })

    test('executions and results that are over can be removed, and leave room for new ones', async () => {
      const store = await opened(newPlace()())
      await createOwned(store, 'a')
      const head = { status: 'completed', endedAt: 1_700_000_000_500, isReleased: true } as const
      await store.commit([commitTo('a', { steps: [stepRecord('s')], head })])
      await store.commitResults([failure('key', 'ada', await claimIn(store, 'key', 'ada'))])
      expect(await store.purge({ statuses: ['completed'], endedBefore: 1_700_000_000_501, limit: 10 })).toBe(1)
      await store.purgeResults(10)
      expect([await store.get(['a']), await store.getResults(['key'])]).toEqual([[undefined], [undefined]])
      await createOwned(store, 'a')
      expect(await stepsIn(store, 'a')).toEqual([])
    })
  },
)

describe.each(sqlStores)('in %s', (name, newPlace) => {
  test.each(['Asia/Tokyo', 'America/New_York', 'UTC', 'Pacific/Chatham'])(
    'a time to live is as long in %s as anywhere, and so is a lease',
    async (zone) => {
      inZone(zone)
      const newStore = newPlace()
      const store = await opened(newStore())
      await live(store, 'ada')
      const claims = [await claimIn(store, 'short', 'ada'), await claimIn(store, 'long', 'ada')]
      const keep = (key: string, epoch: number, ttlMs: number) =>
        store.commitResults([
          { key, owner: 'ada', epoch, at: Date.now(), outcome: { status: 'completed', output: '1', ttlMs } },
        ])
      await keep('short', claims[0]!, 50)
      await keep('long', claims[1]!, 60_000)
      await new Promise((resolve) => setTimeout(resolve, 120))
      for (const elsewhere of [zone, zone === 'UTC' ? 'Asia/Tokyo' : 'UTC']) {
        inZone(elsewhere)
        const other = await opened(newStore())
        expect((await other.getResults(['short', 'long'])).map((state) => state?.status)).toEqual([
          undefined,
          'completed',
        ])
        expect(await other.renewOwner('ada', 600_000)).toBe(true)
        await other.renewOwner(`brief ${elsewhere}`, 50)
        await new Promise((resolve) => setTimeout(resolve, 120))
        expect(await store.renewOwner(`brief ${elsewhere}`, 50)).toBe(false)
      }
    },
  )

  test('times are kept to the millisecond, and names may be words of SQL', async () => {
    const store = await opened(newPlace()())
    const createdAt = 1_700_000_000_123
    await createOwned(store, 'key', { createdAt, graph: 'select', target: 'table' })
    await store.commit([commitTo('key', { at: createdAt + 1, steps: [stepRecord('order', { dueAt: createdAt + 7 })] })])
    expect(await recordIn(store, 'key')).toMatchObject({ createdAt, updatedAt: createdAt + 1, graph: 'select' })
    expect(await stepsIn(store, 'key')).toMatchObject([{ step: 'order', dueAt: createdAt + 7 }])
  })

  test(`a ${name} that refuses a write says so`, async () => {
    const store = newPlace()()
    await store.open()
    await store.close()
    await expect(store.commit([commitTo('a')])).rejects.toBeInstanceOf(StoreError)
  })
})

test.each(['Asia/Tokyo', 'America/New_York'])('sessions of the servers in %s change nothing', async (zone) => {
  const own = new pg.Pool({ connectionString: postgresUrl, max: 2, options: `-c TimeZone=${zone}` })
  onTestFinished(() => own.end())
  const mysqlPool = createPool({ uri: mysqlUrl, connectionLimit: 2, timezone: '-05:00' })
  mysqlPool.pool.on('connection', (client) => client.query(`set session time_zone = '+09:00'`, () => {}))
  onTestFinished(() => mysqlPool.end())
  for (const store of [
    postgresStore({ pool: own, schema: newSchema() }),
    mysqlStore({ pool: mysqlPool, prefix: newPrefix() }),
  ]) {
    await opened(store)
    await live(store, 'ada')
    const epoch = await claimIn(store, 'key', 'ada')
    await store.commitResults([
      { key: 'key', owner: 'ada', epoch, at: Date.now(), outcome: { status: 'completed', output: '1', ttlMs: 1_000 } },
    ])
    expect(await store.getResults(['key'])).toMatchObject([{ status: 'completed' }])
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    expect(await store.getResults(['key'])).toEqual([undefined])
  }
})

test('MySQL’s tables are made in an empty database, with times of milliseconds and keys that are found', async () => {
  const prefix = newPrefix()
  const store = await opened(mysqlStore({ url: mysqlUrl, prefix }))
  await createOwned(store, 'a')
  const [columns] = await admin.query<RowDataPacket[]>(
    `select datetime_precision as digits from information_schema.columns
      where table_schema = database() and table_name like '${prefix}%' and data_type in ('datetime', 'timestamp')
        and table_name <> '${prefix}migrations'`,
  )
  expect(columns.length).toBeGreaterThan(5)
  for (const { digits } of columns) expect(Number(digits)).toBeGreaterThanOrEqual(3)
})

test.each(sqlStores.slice(0, 1))(
  'a docket on %s goes on where it was after being opened again',
  async (_, newPlace) => {
    const newStore = newPlace()
    for (let round = 0; round < 2; round++) {
      const { line: graph, runs } = line()
      await using docket = createDocket({ graphs: [graph], store: newStore() })
      expect(await docket.execute(graph, Third, { Seed: 1 }, { id: 'a' })).toBe(4)
      expect(runs).toHaveLength(round === 0 ? 3 : 0)
    }
  },
)

test('a cluster’s own client works', async () => {
  const client = new Cluster([...clusterUrls])
  onTestFinished(() => client.disconnect())
  const { line: graph } = line()
  await using docket = createDocket({
    graphs: [graph],
    store: redisStore({ client, prefix: `weak-${crypto.randomUUID()}` }),
  })
  const ids = Array.from({ length: 30 }, (_, i) => `${i}`)
  const results = await Promise.all(ids.map((id, Seed) => docket.execute(graph, Third, { Seed }, { id })))
  expect(results).toEqual(ids.map((_, Seed) => Seed + 3))
})

test('names that PostgreSQL and MySQL would take for SQL name tables and records', async () => {
  const schema = `"; drop schema public; --${randomBytes(4).toString('hex')}`
  const store = await opened(postgresStore({ url: postgresUrl, schema }))
  onTestFinished(async () => void (await pool.query(`drop schema ${pg.escapeIdentifier(schema)} cascade`)))
  const mysql = await opened(mysqlStore({ url: mysqlUrl, prefix: newPrefix() }))
  for (const one of [store, mysql]) {
    const id = `'; drop table docket_executions; -- \\' " \` %`
    await createOwned(one, id)
    expect((await recordIn(one, id)).id).toBe(id)
  }
  expect(() => mysqlStore({ url: mysqlUrl, prefix: 'a`; drop table x' })).toThrow('prefix must be')
})
