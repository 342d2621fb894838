import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Redis } from 'ioredis'
import { createConnection } from 'mysql2/promise'
import type { Connection } from 'mysql2/promise'
import pg from 'pg'
import type { Store } from '../../src/core/contracts/store.ts'
import { Layout } from '../../stores/redis/layout.ts'
import { memoryFolder } from '../servers/memory-folder.ts'
import { openStore } from './store-address.ts'
import type { SqlKind, StoreAddress, StoreKind } from './store-address.ts'

export const sqlKinds: readonly SqlKind[] = ['sqlite', 'postgres', 'mysql']
export const storeKinds: readonly StoreKind[] = [...sqlKinds, 'redis']

type Rows = readonly Readonly<Record<string, unknown>>[]

/** A transaction that the caller has begun. */
export interface CallersTransaction {
  /** A store that can take part in it. */
  readonly store: Store
  readonly client: unknown
  end(how: 'commit' | 'rollback'): Promise<void>
}

/** Room of one test's own in a real store. */
export interface Place {
  readonly kind: StoreKind
  readonly address: StoreAddress
  /** As another process would open it. */
  createStore(): Store
  /** Runs a statement past the store, or several; the tables are called `docket_…` everywhere. */
  sql(text: string): Promise<Rows>
  beginTransaction(): Promise<CallersTransaction>
  readonly redis: Redis
  readonly layout: Layout
}

/** Servers, by what they are. */
export type ServerUrls = Readonly<Record<Exclude<StoreKind, 'sqlite'>, string>>

/** Rooms in the stores of some servers, which are removed when it is closed. */
export interface Places {
  newPlace(kind: StoreKind): Promise<Place>
  close(): Promise<void>
}

/** Makes rooms, over connections of its own. */
export async function openPlaces(urls: ServerUrls): Promise<Places> {
  const folder = memoryFolder('durable')
  const pool = new pg.Pool({ connectionString: urls.postgres, max: 3 })
  const mysql = await createConnection({ uri: urls.mysql, multipleStatements: true })
  const redis = new Redis(urls.redis)
  const removals: (() => Promise<unknown>)[] = []
  const close = async (): Promise<void> => {
    for (const remove of removals) await remove()
    await Promise.all([pool.end(), mysql.end()])
    redis.disconnect()
    rmSync(folder, { recursive: true })
  }

  const makers: Record<StoreKind, () => Promise<Place>> = {
    async sqlite() {
      return sqlitePlace(join(folder, `${randomUUID()}.db`), redis)
    },
    async postgres() {
      const schema = `durable_${randomUUID().replaceAll('-', '')}`
      removals.push(() => pool.query(`drop schema if exists ${schema} cascade`))
      return postgresPlace(urls.postgres, schema, pool, redis)
    },
    async mysql() {
      const database = `durable_${randomUUID().replaceAll('-', '')}`
      await mysql.query(`create database ${database}`)
      removals.push(() => mysql.query(`drop database ${database}`))
      const url = new URL(urls.mysql)
      url.pathname = `/${database}`
      return mysqlPlace(url.href, database, mysql, redis)
    },
    async redis() {
      const prefix = `durable-${randomUUID()}`
      removals.push(() => removeKeys(redis, prefix))
      const address: StoreAddress = { kind: 'redis', url: urls.redis, space: prefix }
      return placeAt(address, redis, noSql, noTransactions)
    },
  }
  return { newPlace: (kind) => makers[kind](), close }
}

function placeAt(
  address: StoreAddress,
  redis: Redis,
  sql: Place['sql'],
  beginTransaction: Place['beginTransaction'],
): Place {
  return {
    kind: address.kind,
    address,
    createStore: () => openStore(address),
    sql,
    beginTransaction,
    redis,
    layout: new Layout(address.space),
  }
}

function sqlitePlace(path: string, redis: Redis): Place {
  const address: StoreAddress = { kind: 'sqlite', url: path, space: '' }
  const open = (): DatabaseSync => new DatabaseSync(path, { timeout: 5_000 })
  return placeAt(
    address,
    redis,
    async (text) => {
      const database = open()
      try {
        return /^\s*(?:--.*\s*)?(?:select|with|pragma)/i.test(text)
          ? (database.prepare(text).all() as Rows)
          : (database.exec(text), [])
      } finally {
        database.close()
      }
    },
    async () => {
      const client = open()
      const store = openStore(address, client)
      // The tables are made before: that takes a transaction of its own.
      await store.open()
      client.exec('create table if not exists orders (id text)')
      client.exec('begin')
      client.exec(`insert into orders values ('o-1')`)
      return { store, client, end: async (how) => client.exec(how) }
    },
  )
}

function postgresPlace(url: string, schema: string, pool: pg.Pool, redis: Redis): Place {
  const address: StoreAddress = { kind: 'postgres', url, space: schema }
  const sql = async (text: string): Promise<Rows> => {
    const client = await pool.connect()
    try {
      await client.query(`set search_path to ${schema}`)
      const answer = (await client.query(text)) as pg.QueryResult | pg.QueryResult[]
      return (Array.isArray(answer) ? answer.at(-1)! : answer).rows as Rows
    } finally {
      client.release()
    }
  }
  return placeAt(address, redis, sql, async () => {
    const client = await pool.connect()
    await client.query(`begin; create table if not exists ${schema}.orders (id text)`)
    const store = openStore(address)
    return {
      store,
      client,
      async end(how) {
        await client.query(how)
        client.release()
      },
    }
  })
}

function mysqlPlace(url: string, database: string, mysql: Connection, redis: Redis): Place {
  const address: StoreAddress = { kind: 'mysql', url, space: 'docket_' }
  const sql = async (text: string): Promise<Rows> => {
    // In one packet: all places share the connection, and another one's `use` would come between.
    const [[, answer]] = (await mysql.query(`use ${database}; ${text}`)) as unknown as [[unknown, Rows]]
    return answer
  }
  return placeAt(address, redis, sql, async () => {
    const client = await createConnection({ uri: url, charset: 'utf8mb4' })
    await client.beginTransaction()
    return {
      store: openStore(address),
      client,
      async end(how) {
        await client[how]()
        await client.end()
      },
    }
  })
}

function noSql(): never {
  throw new Error('Redis has no SQL')
}

function noTransactions(): never {
  throw new Error('Redis has no transactions for its callers')
}

async function removeKeys(client: Redis, prefix: string): Promise<void> {
  for await (const keys of client.scanStream({ match: `${prefix}:*`, count: 1_000 }) as AsyncIterable<string[]>)
    if (keys.length > 0) await client.unlink(...keys)
}
