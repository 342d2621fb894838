import type { DatabaseSync } from 'node:sqlite'
import type { Store } from '../../src/core/contracts/store.ts'
import { mysqlStore } from '../../stores/mysql/index.ts'
import { postgresStore } from '../../stores/postgres/index.ts'
import { redisStore } from '../../stores/redis/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'

export type SqlKind = 'sqlite' | 'postgres' | 'mysql'
export type StoreKind = SqlKind | 'redis'

/** Where a store's data is, for any process. */
export interface StoreAddress {
  readonly kind: StoreKind
  readonly url: string
  /** Schema or prefix. */
  readonly space: string
}

/** A client of its own; SQLite's may be on the caller's connection. */
export function openStore(
  { kind, url, space }: StoreAddress,
  database?: DatabaseSync,
  more: { readonly watchSessions?: boolean } = {},
): Store {
  if (kind === 'sqlite') return sqliteStore(database === undefined ? url : { database })
  if (kind === 'postgres') return postgresStore({ url, schema: space, max: 3, ...more })
  return kind === 'mysql'
    ? mysqlStore({ url, prefix: space, max: 3, ...more })
    : redisStore({ url, prefix: space, ...more })
}
