import { createConnection } from 'mysql2/promise'
import type { RowDataPacket } from 'mysql2/promise'
import pg from 'pg'
import { temporaryFolder } from '../../servers/guarded-process.ts'
import { startMysql } from '../../servers/mysql.ts'
import { startPostgres } from '../../servers/postgres.ts'
import { startRedis, withRedis } from '../../servers/redis.ts'
import type { TestServer } from '../../servers/test-server.ts'
import type { Places } from './engine.ts'

type Kind = 'postgres' | 'redis' | 'mysql'

/** The servers that all contenders share, of this run's own: started when asked for, gone with this process at the latest. */
export class BenchServers implements AsyncDisposable {
  /** Of the servers that were started. */
  readonly versions: Record<string, string> = {}
  readonly #started = new Map<Kind, Promise<TestServer>>()
  #folder: string | undefined

  /** Where things are; servers that were not asked for have no URL. */
  async places(...kinds: readonly Kind[]): Promise<Places> {
    const urls = { postgres: '', redis: '', mysql: '' }
    for (const kind of kinds) {
      let server = this.#started.get(kind)
      if (server === undefined) this.#started.set(kind, (server = this.#start(kind)))
      urls[kind] = (await server).url
    }
    return { ...urls, folder: (this.#folder ??= temporaryFolder('bench')) }
  }

  async #start(kind: Kind): Promise<TestServer> {
    const server = await start(kind)
    this.versions[kind] = await versionOf(kind, server)
    return server
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([...this.#started.values()].map(async (server) => (await server).stop()))
  }
}

/** Each commit waits for the disk; Redis writes its log once a second, as most people have it. */
async function start(kind: Kind): Promise<TestServer> {
  if (kind === 'mysql') return startMysql({ fsync: true, settings: { 'innodb-buffer-pool-size': '256M' } })
  // Rewriting the log would make its size, by which bytes are counted, shrink.
  if (kind === 'redis') return startRedis({ appendonly: 'everysec', settings: { 'auto-aof-rewrite-percentage': '0' } })
  // No checkpoint in the middle of somebody's turn.
  const server = await startPostgres({ fsync: true, settings: { max_wal_size: '8GB', checkpoint_timeout: '30min' } })
  const client = new pg.Client({ connectionString: server.url })
  await client.connect()
  // Opponents that want a database of their own.
  for (const name of ['dbos', 'effect']) await client.query(`create database ${name}`)
  await client.end()
  return server
}

async function versionOf(kind: Kind, { url, port }: TestServer): Promise<string> {
  if (kind === 'redis')
    return withRedis(port, async (client) => /redis_version:(\S+)/.exec(await client.info('server'))?.[1] ?? 'unknown')
  if (kind === 'mysql') {
    const client = await createConnection({ uri: url })
    const [rows] = await client.query<RowDataPacket[]>('select version() as version')
    await client.end()
    return String(rows[0]?.['version'])
  }
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<{ server_version: string }>('show server_version')
  await client.end()
  return rows[0]!.server_version
}
