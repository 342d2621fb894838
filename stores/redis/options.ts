import type { Cluster, ClusterNode, Redis, RedisOptions } from 'ioredis'
import { durationHint, durationMs } from '../../src/core/duration.ts'
import type { Duration } from '../../src/core/duration.ts'
import { isRecord } from '../../src/core/is-record.ts'
import { isSocketPath } from '../../src/core/server-address.ts'
import { aBoolean, checkOptions, shownUrl } from '../sql/options.ts'
import type { OptionRule } from '../sql/options.ts'

/** Where the Redis is, and how to use it. */
export interface RedisStoreOptions {
  /** `redis://user:password@host:6379/0`, with TLS `rediss://…`, or the path of a socket, `/run/redis.sock?db=0`. @default redis://127.0.0.1:6379 */
  readonly url?: string
  /** A client of your own instead: a `Redis` or a `Cluster` of ioredis. It is never closed by the store. @default none: `url` is connected to */
  readonly client?: Redis | Cluster
  /** Nodes of a cluster to begin with instead: URLs, or host and port. The others are found by them. @default none: a single server */
  readonly cluster?: readonly ClusterNode[]
  /** ioredis's options, beside a URL (or for each node of a cluster), or alone: Sentinel, TLS, … @default none */
  readonly options?: RedisOptions
  /** What all keys begin with; stores with different ones know nothing of each other. @default 'docket' */
  readonly prefix?: string
  /**
   * Whether a process that died is seen by the end of its connection, within a second, rather than by its lease. Without effect in a cluster,
   * before Redis 6.2, and for a user who may not use CLIENT LIST, CLIENT ID and INFO. @default true
   */
  readonly watchSessions?: boolean
  /** How long to wait for an answer before a call fails, for now. @default '5s' */
  readonly timeout?: Duration
}

/** Options that were checked. */
export interface ResolvedOptions {
  readonly source:
    | { readonly type: 'client'; readonly client: Redis | Cluster }
    | { readonly type: 'cluster'; readonly nodes: readonly ClusterNode[]; readonly options: RedisOptions }
    | { readonly type: 'server'; readonly url: string | undefined; readonly options: RedisOptions }
  readonly prefix: string
  readonly watchesSessions: boolean
  readonly timeoutMs: number
}

/** @throws OptionError with all problems */
export function resolveOptions(given: string | RedisStoreOptions): ResolvedOptions {
  const options = typeof given === 'string' ? { url: given } : given
  checkOptions('redisStore', options, rules, (record) => [
    ...problemsOfSource(record),
    ...problemsOfClient(record['client']),
  ])
  const { prefix = 'docket', watchSessions = true, timeout = '5s' } = options
  const source = sourceOf(options)
  const isCluster = source.type === 'cluster' || (source.type === 'client' && source.client.isCluster)
  return { source, prefix, watchesSessions: watchSessions && !isCluster, timeoutMs: durationMs(timeout)! }
}

const rules: Readonly<Record<string, OptionRule>> = {
  url: ['a string like redis://host:6379 or rediss://user:password@host:6379/0', (value) => typeof value === 'string'],
  client: [
    'a Redis or a Cluster of ioredis',
    (value) => isRecord(value) && typeof value['callBuffer'] === 'function' && typeof value['duplicate'] === 'function',
  ],
  cluster: ['a list of at least one node', (value) => Array.isArray(value) && value.length > 0],
  options: ['an object of ioredis’s options', isRecord],
  prefix: [
    'a non-empty string without braces, which say in a cluster what lies together',
    (value) => typeof value === 'string' && value !== '' && !/[{}]/.test(value) && value.isWellFormed(),
  ],
  watchSessions: aBoolean,
  timeout: [`longer than 0: ${durationHint}`, (value) => (durationMs(value) ?? 0) > 0],
}

function problemsOfSource({ url, client, cluster, options }: Record<string, unknown>): (string | undefined | false)[] {
  const isUrl = typeof url === 'string' && /^rediss?:\/\//.test(url) && URL.canParse(url)
  return [
    [url, client, cluster].filter((one) => one !== undefined).length > 1 && 'give one of url, client and cluster',
    isRecord(options) &&
      isSet(options['keyPrefix']) &&
      'leave out ioredis’s keyPrefix; the store’s own option is prefix',
    client !== undefined && options !== undefined && 'a client has its options already; leave out options',
    typeof url === 'string' &&
      !isUrl &&
      !isSocketPath(url) &&
      `url must look like redis://host:6379 or rediss://user:password@host:6379/0, got ${shownUrl(url)}`,
    isUrl &&
      !/^\/?(?:\d+\/?)?$/.test(new URL(url).pathname) &&
      `a database is a number, as in redis://host:6379/0; got ${shownUrl(url)}`,
  ]
}

function problemsOfClient(client: unknown): (string | undefined | false)[] {
  if (!isRecord(client)) return []
  const options = isRecord(client['options']) ? client['options'] : {}
  const ofNodes = isRecord(options['redisOptions']) ? options['redisOptions'] : {}
  return [
    (isSet(options['keyPrefix']) || isSet(ofNodes['keyPrefix'])) &&
      'the client has a keyPrefix, which would move keys to other slots; use the store’s option prefix',
    client['isCluster'] === true &&
      options['scaleReads'] !== undefined &&
      options['scaleReads'] !== 'master' &&
      'the cluster client reads from replicas, which may be behind; set scaleReads to "master"',
  ]
}

function sourceOf({ url, client, cluster, options = {} }: RedisStoreOptions): ResolvedOptions['source'] {
  if (client !== undefined) return { type: 'client', client }
  return cluster === undefined ? { type: 'server', url, options } : { type: 'cluster', nodes: cluster, options }
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}
