import type { Pool as CallbackPool } from 'mysql2'
import type { Pool } from 'mysql2/promise'
import { isRecord } from '../../src/core/is-record.ts'
import { serverOptions } from '../sql/server-options.ts'
import type { ServerOptions } from '../sql/server-options.ts'

/** Which MySQL or MariaDB a store uses, and how. */
export interface MysqlStoreOptions {
  /** `mysql://user:password@host:port/database`, with the parameters that `mysql2` knows. @default none: give `url` or `pool` */
  readonly url?: string
  /** A pool of one's own, of `mysql2` or `mysql2/promise`, in place of `url`: its settings stay as they are, and it is never closed. @default none */
  readonly pool?: Pool | CallbackPool
  /** How the tables' names begin. Two stores with two prefixes know nothing of each other. @default 'docket_' */
  readonly prefix?: string
  /** Whether `open` brings the tables up to date; else it refuses a database that is not. @default true */
  readonly migrate?: boolean
  /** Whether a process that died is seen by the end of its connection, within a second, rather than by its lease. @default true */
  readonly watchSessions?: boolean
  /** How many connections the store's own pool may have. Only with `url`. @default 10 */
  readonly max?: number
}

/** Whose tables are migrated, and with what. */
export interface MysqlMigrationOptions extends Pick<MysqlStoreOptions, 'url' | 'pool' | 'prefix'> {
  /**
   * Directories of migrations of one's own; they run after Docket's, statement by statement: DDL can't be taken back when one fails.
   * Statements that have others inside (procedures, triggers with BEGIN … END) don't work. @default []
   */
  readonly directories?: readonly string[]
}

/** Where the tables are. */
export interface MysqlPlace {
  readonly url: string | undefined
  readonly pool: Pool | undefined
  readonly prefix: string
  readonly max: number
}

/** The options of `mysqlStore` and `mysqlMigrations`. */
export const mysqlOptions: ServerOptions<MysqlStoreOptions, MysqlMigrationOptions, MysqlPlace> = serverOptions({
  callers: { store: 'mysqlStore', migrations: 'mysqlMigrations' },
  rules: {
    pool: [
      'a pool of mysql2',
      (value) =>
        isRecord(value) && typeof value['query'] === 'function' && typeof value['getConnection'] === 'function',
    ],
    // With a table's name it must fit into 64 characters.
    prefix: [
      '1 to 40 of the characters a–z, A–Z, 0–9 and _',
      (value) => typeof value === 'string' && /^\w{1,40}$/.test(value),
    ],
  },
  exampleUrl: 'mysql://user:password@host:3306/database',
  isDatabaseUrl,
  problemOfPool: (pool) =>
    hasQueryFormat(pool) &&
    "the pool has the option queryFormat, which would change Docket's statements; make a pool without it",
  placeOf: ({ url, pool, prefix = 'docket_' }, max) => ({ url, pool: pool && withPromises(pool), prefix, max }),
})

function isDatabaseUrl(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, pathname } = new URL(url)
  return (protocol === 'mysql:' || protocol === 'mariadb:') && pathname.length > 1
}

function hasQueryFormat(pool: Readonly<Record<string, unknown>>): boolean {
  const config = 'pool' in pool ? pool['pool'] : pool
  const inner = isRecord(config) && isRecord(config['config']) ? config['config']['connectionConfig'] : undefined
  return isRecord(inner) && typeof inner['queryFormat'] === 'function'
}

function withPromises(pool: Pool | CallbackPool): Pool {
  return 'promise' in pool && typeof pool.promise === 'function' ? pool.promise() : (pool as Pool)
}
