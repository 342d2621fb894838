import { randomUUID } from 'node:crypto'
import { createPool } from 'mysql2/promise'
import pg from 'pg'
import { afterAll } from 'vitest'
import { mysqlStore } from '../../stores/mysql/index.ts'
import { postgresStore } from '../../stores/postgres/index.ts'
import { redisStore } from '../../stores/redis/index.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import type { ServerName } from '../servers/server-kinds.ts'
import { serverUrl } from '../servers/server-url.ts'
import { removeKeys } from './redis-spaces.ts'
import { dropPrefix } from './tables-of-prefix.ts'

export const serverKinds = ['postgres', 'mysql', 'redis'] as const
export type ServerKind = (typeof serverKinds)[number]

/** A schema's name, and a prefix, of a test file's own on all servers: what is made there is removed at its end. Await it at the top of the file, as `serverUrl`. */
export async function serverSpace(name: string): Promise<string> {
  const space = `${name}_${randomUUID().replaceAll('-', '').slice(0, 12)}`
  const urls = await Promise.all(serverKinds.map(async (kind) => [kind, await serverUrl(kind)] as const))
  afterAll(() => Promise.all(urls.map(([kind, url]) => clearSpace(kind, [url], space))))
  return space
}

/** Stores in a space, by way of any URL of their servers. */
export function storesIn(space: string): Readonly<Record<ServerKind, (url: string) => Store>> {
  return {
    postgres: (url) => postgresStore({ url, schema: space }),
    mysql: (url) => mysqlStore({ url, prefix: space }),
    redis: (url) => redisStore({ url, prefix: space }),
  }
}

/** Removes what is in a space of a server. */
export async function clearSpace(server: ServerName, urls: readonly string[], space: string): Promise<void> {
  if (server === 'redis' || server === 'redis-cluster')
    return void (await Promise.all(urls.map((url) => removeKeys(url, space))))
  if (server === 'mysql') {
    const pool = createPool({ uri: urls[0]!, connectionLimit: 1 })
    await dropPrefix(pool, space)
    return pool.end()
  }
  const client = new pg.Client({ connectionString: urls[0]! })
  await client.connect()
  await client.query(`drop schema if exists ${space} cascade`)
  await client.end()
}
