import { Cluster } from 'ioredis'
import { createPool } from 'mysql2/promise'
import pg from 'pg'
import { bullmqEngine, migrate } from '../../src/engines/bullmq/index.ts'
import { mysqlStore } from '../../stores/mysql/index.ts'
import { postgresStore } from '../../stores/postgres/index.ts'
import { redisStore } from '../../stores/redis/index.ts'
import type { ServerName } from '../servers/server-kinds.ts'
import type { Place } from './hostile-run.ts'

interface PlaceKind {
  readonly server: ServerName
  /** A place of one's own on a server; what is made there stays. */
  readonly placeOn: (urls: readonly string[], name: string) => Promise<Place>
}

/** What a network may stand before, by name. */
export const placeKinds: Readonly<Record<string, PlaceKind>> = {
  postgres: {
    server: 'postgres',
    placeOn: async (urls, schema) => ({ urls, newStore: ([url]) => postgresStore({ url: url!, schema, max: 4 }) }),
  },
  'a pool of pg': {
    server: 'postgres',
    async placeOn(urls, schema) {
      const pools: pg.Pool[] = []
      return {
        urls,
        newStore([url]) {
          const pool = new pg.Pool({ connectionString: url!, max: 4, connectionTimeoutMillis: 5_000 })
          pool.on('error', () => {})
          pools.push(pool)
          return postgresStore({ pool, schema })
        },
        isGivenPools: true,
        end: async () => void (await Promise.all(pools.map((pool) => pool.end()))),
      }
    },
  },
  mysql: {
    server: 'mysql',
    placeOn: async (urls, name) => ({
      urls,
      newStore: ([url]) => mysqlStore({ url: url!, prefix: `${name}_`, max: 4 }),
    }),
  },
  'a pool of mysql2': {
    server: 'mysql',
    async placeOn(urls, name) {
      const ends: (() => Promise<void>)[] = []
      return {
        urls,
        newStore([url]) {
          const pool = createPool({ uri: url!, connectionLimit: 4, connectTimeout: 5_000 })
          // What is locked by a client that is gone is free again only then.
          pool.pool.on('connection', (client) => client.query('set session wait_timeout = 20', () => {}))
          ends.push(() => pool.end())
          return mysqlStore({ pool, prefix: `${name}_` })
        },
        isGivenPools: true,
        end: async () => void (await Promise.all(ends.map((end) => end()))),
      }
    },
  },
  redis: {
    server: 'redis',
    placeOn: async (urls, prefix) => ({ urls, newStore: ([url]) => redisStore({ url: url!, prefix }) }),
  },
  'redis cluster': {
    server: 'redis-cluster',
    placeOn: async (urls, prefix) => ({
      urls,
      newStore(by) {
        const hosts = by.map((url) => ({ host: '127.0.0.1', port: Number(new URL(url).port) }))
        // What its nodes say of each other is led by way of the proxies too.
        const natMap = Object.fromEntries(urls.map((url, index) => [new URL(url).host, hosts[index]!]))
        return redisStore({ client: new Cluster(hosts, { natMap, lazyConnect: true }), prefix })
      },
    }),
  },
  'bullmq on redis': {
    server: 'redis',
    placeOn: async (urls, prefix) => ({
      urls,
      newStore: ([url]) => redisStore({ url: url!, prefix }),
      newEngine: (url) => bullmqEngine({ connection: url, prefix }),
    }),
  },
  'bullmq on postgres': {
    server: 'postgres',
    async placeOn(urls, schema) {
      await migrate(urls[0]!)
      return {
        urls,
        newStore: ([url]) => postgresStore({ url: url!, schema, max: 4 }),
        newEngine: (url) => bullmqEngine({ connection: url, prefix: schema }),
      }
    },
  },
}
