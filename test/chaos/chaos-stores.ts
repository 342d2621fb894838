import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseSync } from 'node:sqlite'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import type { Store } from '../../src/core/contracts/store.ts'
import { mysqlStore } from '../../stores/mysql/index.ts'
import { postgresStore } from '../../stores/postgres/index.ts'
import { redisStore } from '../../stores/redis/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { temporaryFolder } from '../servers/guarded-process.ts'
import { startMysql } from '../servers/mysql.ts'
import { startPostgres } from '../servers/postgres.ts'
import { startRedis, withRedis } from '../servers/redis.ts'
import type { TestServer } from '../servers/test-server.ts'

export const storeKinds = ['sqlite', 'postgres', 'mysql', 'redis'] as const
export type StoreKind = (typeof storeKinds)[number]

/** Opens a store by where it is. */
export function openStore(kind: StoreKind, url: string): Store {
  if (kind === 'sqlite') return sqliteStore(url)
  if (kind === 'mysql') return mysqlStore(url)
  return kind === 'postgres' ? postgresStore(url) : redisStore(url)
}

/** A store under test, and what can happen to it. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly kind: StoreKind
  readonly url: string
  /** Takes it down hard, and brings it back after a while. Absent where there is no server. */
  readonly restart?: (downMs: number) => Promise<void>
  /** Cuts all connections; where there are none, keeps everybody from writing for a while. */
  readonly cut: (forMs: number) => Promise<void>
  /** Looks for damage. */
  readonly check?: () => string | undefined
}

export interface StoreSettings {
  /** What Redis writes to its disk when. */
  readonly appendfsync: 'everysec' | 'always'
}

/** A fresh one. */
export async function startStore(kind: StoreKind, { appendfsync }: StoreSettings): Promise<StoreUnderTest> {
  if (kind === 'sqlite') return sqliteUnderTest()
  const server = await serverOf(kind, appendfsync)
  return {
    kind,
    url: server.url,
    async restart(downMs) {
      // PostgreSQL's immediate shutdown is its own way to crash; Redis has none but the real one.
      if (kind === 'postgres') process.kill(server.pid, 'SIGQUIT')
      else await server.kill()
      await sleep(downMs)
      await server.restart()
    },
    cut: () => cutters[kind](server),
    [Symbol.asyncDispose]: () => server.stop(),
  }
}

function serverOf(kind: Exclude<StoreKind, 'sqlite'>, appendfsync: StoreSettings['appendfsync']): Promise<TestServer> {
  if (kind === 'postgres') return startPostgres({ fsync: true })
  return kind === 'mysql' ? startMysql() : startRedis({ appendonly: appendfsync })
}

const cutters = { postgres: cutPostgres, mysql: cutMysql, redis: cutRedis }

async function cutMysql({ url }: TestServer): Promise<void> {
  const connection = await createConnection(url)
  try {
    const [rows] = await connection.query('SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID()')
    for (const { id } of rows as { readonly id: number }[]) await connection.query(`KILL ${id}`).catch(() => {})
  } finally {
    await connection.end().catch(() => {})
  }
}

async function cutPostgres({ url }: TestServer): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
    )
  } finally {
    await client.end().catch(() => {})
  }
}

function cutRedis({ port }: TestServer): Promise<void> {
  return withRedis(port, async (client) => {
    for (const type of ['normal', 'pubsub']) await client.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes')
  })
}

/** Whether it has the lock of writers now. @throws what is no lock of somebody else's */
function begins(database: DatabaseSync): boolean {
  try {
    database.exec('BEGIN IMMEDIATE')
    return true
  } catch (error) {
    if (/database is locked/.test((error as Error).message)) return false
    throw error
  }
}

function sqliteUnderTest(): StoreUnderTest {
  const url = `${temporaryFolder('chaos')}/docket.db`
  return {
    kind: 'sqlite',
    url,
    async cut(forMs) {
      const database = new DatabaseSync(url, { timeout: 20 })
      try {
        // A process that was stopped may hold the lock, and goes on only by a turn of this one's event loop.
        for (let tries = 0; !begins(database) && tries < 100; tries++) await sleep(20)
        await sleep(forMs)
        if (database.isTransaction) database.exec('ROLLBACK')
      } finally {
        database.close()
      }
    },
    check() {
      const database = new DatabaseSync(url)
      try {
        const { integrity_check: found } = database.prepare('PRAGMA integrity_check').get() as {
          integrity_check: string
        }
        return found === 'ok' ? undefined : `integrity_check: ${found}`
      } finally {
        database.close()
      }
    },
    [Symbol.asyncDispose]: async () => {},
  }
}
