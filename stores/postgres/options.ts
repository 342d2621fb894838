import { isRecord } from '../../src/core/is-record.ts'
import { parseServerUrl } from '../../src/core/server-address.ts'
import { serverOptions } from '../sql/server-options.ts'
import type { ServerOptions } from '../sql/server-options.ts'

/**
 * A `Pool` of `pg`, by what it is known by. Not by the type itself: that is in a package of its own, `@types/pg`, which those would need
 * who have no pool.
 */
export interface PostgresPool {
  /** Runs a statement. */
  readonly query: (...statement: never[]) => unknown
  /** Gives a client, whose owner releases it. */
  readonly connect: (...callback: never[]) => unknown
}

/** Which PostgreSQL a store uses, and how. */
export interface PostgresStoreOptions {
  /** `postgres://user:password@host:port/database`, with the parameters that `pg` knows. @default none: give `url` or `pool` */
  readonly url?: string
  /** A pool of one's own, in place of `url`; it is never closed. @default none: `url` is connected to */
  readonly pool?: PostgresPool
  /** The schema of the tables; it is made if there is none. Two stores in two schemas know nothing of each other. @default 'public' */
  readonly schema?: string
  /** Whether `open` brings the tables up to date; else it refuses a database that is not. @default true */
  readonly migrate?: boolean
  /**
   * Whether a process that died is seen by the end of its connection, within a second, rather than by its lease. Behind a pooler that does
   * not keep a session for a client it has no effect. @default true
   */
  readonly watchSessions?: boolean
  /** How many connections the store's own pool may have; one more listens. Only with `url`. @default 10 */
  readonly max?: number
}

/** Whose tables are migrated, and with what. */
export interface PostgresMigrationOptions extends Pick<PostgresStoreOptions, 'url' | 'pool' | 'schema'> {
  /** Directories of migrations of one's own; they run after Docket's, with the schema as the search path. @default [] */
  readonly directories?: readonly string[]
}

/** Where the tables are. */
export interface PostgresPlace {
  readonly url: string | undefined
  readonly pool: PostgresPool | undefined
  readonly schema: string
  readonly max: number
}

/** The options of `postgresStore` and `postgresMigrations`. */
export const postgresOptions: ServerOptions<PostgresStoreOptions, PostgresMigrationOptions, PostgresPlace> =
  serverOptions({
    callers: { store: 'postgresStore', migrations: 'postgresMigrations' },
    rules: {
      pool: [
        'a Pool of pg',
        (value) => isRecord(value) && typeof value['query'] === 'function' && typeof value['connect'] === 'function',
      ],
      // Longer names are cut off by the server, so that two could be one.
      schema: [
        'a name of 1 to 63 bytes without NUL',
        (value) => typeof value === 'string' && value !== '' && !value.includes('\0') && Buffer.byteLength(value) <= 63,
      ],
    },
    exampleUrl: 'postgres://user:password@host:5432/database',
    isDatabaseUrl,
    problemOfPool: ({ options }) =>
      isRecord(options) &&
      options['binary'] === true &&
      'the pool has the option binary, with which pg reads bytes as if they were text; make the pool without it',
    placeOf: ({ url, pool, schema = 'public' }, max) => ({ url: url && urlForDriver(url), pool, schema, max }),
  })

/** The driver takes `%40` and the like in a database's name for these three letters; as they are, it takes all of them but `?` and `#`. */
function urlForDriver(url: string): string {
  const [, before, name, rest] = /^(postgres(?:ql)?:\/\/[^/?#]*\/)([^?#]*)(.*)$/is.exec(url) ?? []
  if (name === undefined) return url
  return `${before}${name.replaceAll(/%(?:24|26|2B|2C|2F|3A|3B|3D|40)/gi, decodeURIComponent)}${rest}`
}

/** The driver takes anything, and then looks for a host named "base". A path is a socket; the host may be among the parameters. */
function isDatabaseUrl(url: string): boolean {
  if (url.startsWith('/') || url.startsWith('socket:')) return true
  return /^postgres(?:ql)?:\/\//i.test(url) && parseServerUrl(url) !== null
}
