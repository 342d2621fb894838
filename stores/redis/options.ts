import type { Cluster, ClusterNode, Redis, RedisOptions } from 'ioredis'
import { didYouMean } from '../../src/core/closest-name.ts'
import { durationHint, durationMs } from '../../src/core/duration.ts'
import type { Duration } from '../../src/core/duration.ts'
import { OptionError } from '../../src/core/errors.ts'
import { isRecord } from '../../src/core/is-record.ts'
import { gotUndefined, shownUrl } from '../sql/options.ts'

/** Where the Redis is, and how to use it. */
export interface RedisStoreOptions {
  /** `redis://user:password@host:6379/0`, with TLS `rediss://…`. @default redis://127.0.0.1:6379 */
  readonly url?: string
  /** A client of your own instead: a `Redis` or a `Cluster` of ioredis. It is never closed by the store. */
  readonly client?: Redis | Cluster
  /** Nodes of a cluster to begin with instead: URLs, or host and port. The others are found by them. */
  readonly cluster?: readonly ClusterNode[]
  /** ioredis's options, beside a URL (or for each node of a cluster), or alone: Sentinel, TLS, … */
  readonly options?: RedisOptions
  /** What all keys begin with; stores with different ones know nothing of each other. @default 'docket' */
  readonly prefix?: string
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
  readonly timeoutMs: number
}

const names = ['url', 'client', 'cluster', 'options', 'prefix', 'timeout']

/** @throws OptionError */
export function resolveOptions(given: string | RedisStoreOptions): ResolvedOptions {
  const options: unknown = typeof given === 'string' ? { url: given } : given
  if (options === undefined) throw problem(gotUndefined)
  if (!isRecord(options)) throw problem('it takes a URL, or a record of options')
  for (const name of Object.keys(options))
    if (!names.includes(name))
      throw problem(`unknown option "${name}"${didYouMean(name, names)}; known are ${names.join(', ')}`)
  const { prefix = 'docket', timeout = '5s' } = options
  if (typeof prefix !== 'string' || prefix === '' || /[{}]/.test(prefix) || !prefix.isWellFormed())
    throw problem('prefix must be a text without braces, which say in a cluster what lies together')
  const timeoutMs = durationMs(timeout)
  if (timeoutMs === undefined || timeoutMs === 0)
    throw problem(`timeout can't be ${JSON.stringify(timeout)}; ${durationHint}`)
  return { source: resolveSource(options), prefix, timeoutMs }
}

function resolveSource({ url, client, cluster, options }: Record<string, unknown>): ResolvedOptions['source'] {
  if ([url, client, cluster].filter((one) => one !== undefined).length > 1)
    throw problem('give one of url, client and cluster')
  if (options !== undefined && !isRecord(options)) throw problem('options must be a record of ioredis’s options')
  if (options?.['keyPrefix'] !== undefined)
    throw problem('leave out ioredis’s keyPrefix; the store’s own option is prefix')
  if (client !== undefined) {
    if (options !== undefined) throw problem('a client has its options already; leave out options')
    return { type: 'client', client: checkClient(client) }
  }
  if (cluster !== undefined) {
    if (!Array.isArray(cluster) || cluster.length === 0) throw problem('cluster must be a list of at least one node')
    return { type: 'cluster', nodes: cluster as ClusterNode[], options: options ?? {} }
  }
  if (url !== undefined && (typeof url !== 'string' || !/^rediss?:\/\//.test(url) || !URL.canParse(url)))
    throw problem(`url must look like redis://host:6379 or rediss://user:password@host:6379/0, got ${shownUrl(url)}`)
  if (typeof url === 'string' && !/^\/?(?:\d+\/?)?$/.test(new URL(url).pathname))
    throw problem(`a database is a number, as in redis://host:6379/0; got ${shownUrl(url)}`)
  return { type: 'server', url, options: options ?? {} }
}

function checkClient(client: unknown): Redis | Cluster {
  if (!isRecord(client) || typeof client['callBuffer'] !== 'function' || typeof client['duplicate'] !== 'function')
    throw problem('client must be a Redis or a Cluster of ioredis')
  const options = isRecord(client['options']) ? client['options'] : {}
  const ofNodes = isRecord(options['redisOptions']) ? options['redisOptions'] : {}
  if (isSet(options['keyPrefix']) || isSet(ofNodes['keyPrefix']))
    throw problem('the client has a keyPrefix, which would move keys to other slots; use the store’s option prefix')
  if (client['isCluster'] === true && options['scaleReads'] !== undefined && options['scaleReads'] !== 'master')
    throw problem('the cluster client reads from replicas, which may be behind; set scaleReads to "master"')
  return client as unknown as Redis | Cluster
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}

function problem(message: string): OptionError {
  return new OptionError(`redisStore: ${message}`)
}
