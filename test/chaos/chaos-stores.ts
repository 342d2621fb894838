import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import type { Store } from '../../src/core/contracts/store.ts'
import { postgresStore } from '../../stores/postgres/index.ts'
import { redisStore } from '../../stores/redis/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { temporaryFolder } from '../servers/guarded-process.ts'
import { startPostgres } from '../servers/postgres.ts'
import { startRedis, withRedis } from '../servers/redis.ts'
import type { TestServer } from '../servers/test-server.ts'

export const storeKinds = ['sqlite', 'postgres', 'redis'] as const
export type StoreKind = (typeof storeKinds)[number]

/** Opens a store by where it is. */
export function openStore(kind: StoreKind, url: string): Store {
  if (kind === 'sqlite') return sqliteStore(url)
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
  const server =
    kind === 'postgres' ? await startPostgres({ fsync: true }) : await startRedis({ appendonly: appendfsync })
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
    cut: () => (kind === 'postgres' ? cutPostgres(server) : cutRedis(server)),
    [Symbol.asyncDispose]: () => server.stop(),
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

function sqliteUnderTest(): StoreUnderTest {
  const url = `${temporaryFolder('chaos')}/docket.db`
  return {
    kind: 'sqlite',
    url,
    async cut(forMs) {
      const database = new DatabaseSync(url, { timeout: 2_000 })
      try {
        database.exec('BEGIN IMMEDIATE')
        await sleep(forMs)
        database.exec('ROLLBACK')
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
