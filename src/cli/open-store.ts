import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Store } from '../index.ts'
import type { RedisStoreOptions } from '../../stores/redis/index.ts'
import { CliError, exitCodes } from './cli-error.ts'

/** Where a store is, as given on the command line. */
export interface StorePlace {
  /** `sqlite:path` or a path, `postgres://…`, `mysql://…`, `redis://…`; several nodes of a cluster with commas between them. */
  readonly url: string
  /** Of PostgreSQL. */
  readonly schema?: string | undefined
  /** Of MySQL's tables, or of Redis's keys. */
  readonly prefix?: string | undefined
}

/** Which kind of store a URL is of. */
export type StoreKind = 'sqlite' | 'postgres' | 'mysql' | 'redis'

/** Which kind of store a URL is of. @throws CliError */
export function kindOfStore({ url, schema, prefix }: StorePlace): StoreKind {
  const kind = kindOfUrl(url)
  if (schema !== undefined && kind !== 'postgres')
    throw new CliError(exitCodes.usage, '--schema is for postgres://… alone')
  if (prefix !== undefined && kind !== 'mysql' && kind !== 'redis')
    throw new CliError(exitCodes.usage, '--prefix is for mysql://… and redis://…')
  return kind
}

function kindOfUrl(url: string): StoreKind {
  const [, scheme] = /^([a-z][a-z0-9+.-]*):/i.exec(url) ?? []
  switch (scheme?.toLowerCase()) {
    case 'postgres':
    case 'postgresql':
      return 'postgres'
    case 'mysql':
    case 'mariadb':
      return 'mysql'
    case 'redis':
    case 'rediss':
      return 'redis'
    case undefined:
    case 'sqlite':
    case 'file':
      return 'sqlite'
    default:
      // A letter and a colon begin a path of Windows.
      if (scheme!.length === 1) return 'sqlite'
      throw new CliError(
        exitCodes.usage,
        `--store must be a path of SQLite, or begin with sqlite:, postgres://, mysql:// or redis://, not with ${scheme}:`,
      )
  }
}

/** The path of a SQLite file that is there. @throws CliError where there is none: to look at a store must not make one */
export function sqlitePath(cwd: string, url: string): string {
  const path = url.startsWith('file:') ? fileURLToPath(url) : resolve(cwd, url.replace(/^sqlite:(?:\/\/)?/, ''))
  if (existsSync(path)) return path
  throw new CliError(exitCodes.notFound, `there is no SQLite file at ${path}`)
}

/** Opens a store by its URL, and changes nothing of its tables. @throws CliError, OptionError */
export async function openStore(cwd: string, place: StorePlace): Promise<Store> {
  const { url, schema, prefix } = place
  switch (kindOfStore(place)) {
    case 'sqlite': {
      const { sqliteStore } = await import('../../stores/sqlite/index.ts')
      return sqliteStore({ path: sqlitePath(cwd, url), migrate: false })
    }
    case 'postgres': {
      const { postgresStore } = await import('../../stores/postgres/index.ts')
      return postgresStore({ url, migrate: false, max: 3, ...(schema !== undefined && { schema }) })
    }
    case 'mysql': {
      const { mysqlStore } = await import('../../stores/mysql/index.ts')
      return mysqlStore({ url, migrate: false, max: 3, ...(prefix !== undefined && { prefix }) })
    }
    case 'redis': {
      const { redisStore } = await import('../../stores/redis/index.ts')
      return redisStore({ ...redisSource(url), ...(prefix !== undefined && { prefix }) })
    }
  }
}

/** One server, or the nodes of a cluster: of those the first has the user and the password of all. */
function redisSource(url: string): RedisStoreOptions {
  // A password may have commas, too.
  const [first = '', ...others] = url.split(/,(?=rediss?:\/\/|[^@]*(?:,rediss?:\/\/|$))/)
  if (others.length === 0) return { url }
  if (!URL.canParse(first)) throw new CliError(exitCodes.usage, '--store: the first node of a cluster must be a URL')
  const { protocol, username, password } = new URL(first)
  const nodes = [first, ...others].map((node) => new URL(node.includes('://') ? node : `${protocol}//${node}`))
  return {
    cluster: nodes.map(({ hostname, port }) => ({ host: hostname, port: port === '' ? 6379 : Number(port) })),
    options: {
      ...(username !== '' && { username: decodeURIComponent(username) }),
      ...(password !== '' && { password: decodeURIComponent(password) }),
      ...(protocol === 'rediss:' && { tls: {} }),
    },
  }
}
