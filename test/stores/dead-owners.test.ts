import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { createPool } from 'mysql2/promise'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import type { Store } from '../../src/core/contracts/store.ts'
import { mysqlMigrations, mysqlStore } from '../../stores/mysql/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { commitTo, live, longLease, newExecution, range } from '../../src/testing/conformance/records.ts'
import { serverUrl } from '../servers/server-url.ts'
import { postgresPlace } from './postgres-place.ts'

const { pool: postgres, newSchema, openStore } = await postgresPlace()
const mysqlUrl = await serverUrl('mysql')
const mysql = createPool({ uri: mysqlUrl, connectionLimit: 2, charset: 'utf8mb4' })
afterAll(() => mysql.end())

interface Place {
  readonly store: Store
  /** The owners that are in the table. */
  owners(): Promise<readonly string[]>
  /** Lets all the leases that there are have run out so long ago. */
  expire(hours: number): Promise<void>
}

const places: Readonly<Record<string, () => Promise<Place>>> = {
  async sqlite() {
    const database = new DatabaseSync(':memory:')
    let now = Date.now()
    const store = sqliteStore({ database, now: () => now })
    await store.open()
    return {
      store,
      owners: async () => database.prepare('select owner from docket_owners').all().map(ownerOf),
      expire: async (hours) => void (now += hours * 3_600_000 + longLease),
    }
  },
  async postgres() {
    const schema = newSchema()
    const table = `${pg.escapeIdentifier(schema)}.docket_owners`
    return {
      store: await openStore(schema),
      owners: async () => (await postgres.query(`select owner from ${table}`)).rows.map(ownerOf),
      expire: async (hours) =>
        void (await postgres.query(`update ${table} set expires_at = now() - $1::int * interval '1 hour'`, [hours])),
    }
  },
  async mysql() {
    const prefix = `d${randomBytes(8).toString('hex')}_`
    const store = mysqlStore({ url: mysqlUrl, prefix, max: 2 })
    onTestFinished(async () => {
      await store.close()
      await mysqlMigrations({ pool: mysql, prefix }).downTo(0)
      await mysql.query(`drop table if exists ${prefix}migrations`)
    })
    await store.open()
    const table = `${prefix}owners`
    return {
      store,
      async owners() {
        const [rows] = await mysql.query(`select owner from ${table}`)
        return (rows as Record<string, unknown>[]).map(ownerOf)
      },
      expire: async (hours) =>
        void (await mysql.query(`update ${table} set expires_at = utc_timestamp(3) - interval ? hour`, [hours])),
    }
  },
}

test.each(Object.entries(places))(
  '%s: a new owner forgets those that died a day ago and left nothing unfinished',
  async (_, newPlace) => {
    const { store, owners, expire } = await newPlace()
    const crashed = range(20).map((index) => `crashed ${String(index).padStart(2, '0')}`)
    await live(store, ...crashed, 'left one', 'ended one')
    await store.create([
      newExecution('unfinished', { owner: 'left one' }),
      newExecution('ended', { owner: 'ended one' }),
    ])
    await store.commit([commitTo('ended', { owner: 'ended one', head: { status: 'completed', endedAt: 5 } })])
    await expire(23)
    await live(store, 'ada')
    expect((await owners()).toSorted()).toEqual(['ada', ...crashed, 'ended one', 'left one'])
    await expire(25)
    expect(await store.renewOwner('left one', longLease)).toBe(false)
    expect(await owners()).toHaveLength(23)
    await live(store, 'bea')
    expect((await owners()).toSorted()).toEqual(['bea', 'left one'])
    const [acquired] = await store.acquire({ owner: 'bea', graphs: ['users'], limit: 10 })
    expect([acquired?.execution.id, acquired?.wasLost]).toEqual(['unfinished', true])
    await live(store, 'bea', 'cy')
    expect((await owners()).toSorted()).toEqual(['bea', 'cy'])
  },
)

test.each(Object.entries(places))('%s: of very many dead owners, some are forgotten at a time', async (_, newPlace) => {
  const { store, owners, expire } = await newPlace()
  await live(store, ...range(1_100).map((index) => `crashed ${index}`))
  await expire(30)
  await live(store, 'ada')
  expect(await owners()).toHaveLength(101)
  await live(store, 'bea')
  expect((await owners()).toSorted()).toEqual(['ada', 'bea'])
})

function ownerOf(row: Record<string, unknown>): string {
  return String(row['owner'])
}
