import { startMysql } from './mysql.ts'
import { startPostgres } from './postgres.ts'
import { startRedis } from './redis.ts'
import { startRedisCluster } from './redis-cluster.ts'

/** URLs of a server that tests share, and what ends it. */
export interface SharedServer {
  readonly urls: readonly string[]
  stop(): Promise<void>
}

interface SharedKind {
  readonly variable: string
  start(): Promise<SharedServer>
}

/** The servers that tests share, by name. */
export const serverKinds = {
  postgres: { variable: 'DOCKET_TEST_POSTGRES_URL', start: async () => shared(await startPostgres()) },
  mysql: { variable: 'DOCKET_TEST_MYSQL_URL', start: async () => shared(await startMysql()) },
  redis: { variable: 'DOCKET_TEST_REDIS_URL', start: async () => shared(await startRedis()) },
  'redis-cluster': { variable: 'DOCKET_TEST_REDIS_CLUSTER_URLS', start: () => startRedisCluster() },
} satisfies Readonly<Record<string, SharedKind>>

export type ServerName = keyof typeof serverKinds

/** One that runs already, if a variable says so; else one that is started. */
export async function shareServer(name: ServerName): Promise<SharedServer> {
  const { variable, start } = serverKinds[name]
  const given = process.env[variable]
  if (given !== undefined && given !== '')
    return { urls: given.split(',').map((url) => url.trim()), stop: async () => {} }
  return start()
}

function shared(server: { readonly url: string; stop(): Promise<void> }): SharedServer {
  return { urls: [server.url], stop: () => server.stop() }
}
