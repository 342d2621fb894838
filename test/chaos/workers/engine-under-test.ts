import pg from 'pg'
import { Redis } from 'ioredis'
import type { Engine } from '../../../src/core/contracts/engine.ts'
import type { Store } from '../../../src/core/contracts/store.ts'
import { bullmqEngine, migrate } from '../../../src/engines/bullmq/index.ts'
import { postgresStore } from '../../../stores/postgres/index.ts'
import { startCuttingProxy } from '../../servers/cutting-proxy.ts'
import { openStore } from '../chaos-stores.ts'
import type { StoreKind } from '../chaos-stores.ts'

/** Where an engine keeps its wakes. */
export type EngineKind = 'redis' | 'postgres'

const prefix = 'chaosengine'

/** What a worker has: few connections, since there are many of them. */
export function openWorkersStore(kind: StoreKind, url: string): Store {
  return kind === 'postgres' ? postgresStore({ url, max: 4 }) : openStore(kind, url)
}

export function openEngine(kind: EngineKind, url: string): Engine {
  const brief = { lock: '2s', stalled: '1s', timeout: '1s', prefix } as const
  return bullmqEngine(kind === 'postgres' ? { connection: url, max: 5, ...brief } : { connection: url, ...brief })
}

/** An engine's server as workers reach it, and what can happen to it. */
export interface EngineUnderTest extends AsyncDisposable {
  readonly kind: EngineKind
  readonly url: string
  /** Nobody reaches it for a while. */
  goAway(forMs: number): Promise<void>
  /** All that it keeps is gone. */
  empty(): Promise<void>
}

/** An engine on a server that has a store as well, reached by a way of its own. */
export async function engineOn(kind: EngineKind, serverUrl: string): Promise<EngineUnderTest> {
  if (kind === 'postgres') await migrate(serverUrl)
  const proxy = await startCuttingProxy(serverUrl)
  return {
    kind,
    url: proxy.url,
    goAway: (forMs) => proxy.cut(forMs),
    empty: () => (kind === 'postgres' ? truncate(serverUrl) : removeKeys(serverUrl)),
    [Symbol.asyncDispose]: () => proxy.stop(),
  }
}

async function truncate(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ name: string }>(
      "select quote_ident(tablename) as name from pg_tables where schemaname = 'bullmq' and tablename <> 'migration'",
    )
    await client.query(`truncate ${rows.map(({ name }) => `bullmq.${name}`).join()}`)
  } finally {
    await client.end().catch(() => {})
  }
}

async function removeKeys(url: string): Promise<void> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null })
  client.on('error', () => {})
  try {
    await client.connect()
    for await (const keys of client.scanStream({ match: `{${prefix}*`, count: 1_000 }) as AsyncIterable<string[]>)
      if (keys.length > 0) await client.unlink(...keys)
  } finally {
    client.disconnect()
  }
}
