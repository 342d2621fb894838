import type { Cluster, ClusterNode, Redis, RedisOptions } from 'ioredis'
import { EngineError } from '../../core/engine-error.ts'
import { queueOptions, workerOptions } from './backend.ts'
import type { Backend, Settings, WakeQueue, WakeWorker, WorkerRequest } from './backend.ts'
import { engineError } from './errors.ts'
import { loadForRedis } from './load-packages.ts'
import { engineName } from './name.ts'
import { within } from './within.ts'

/** Where the Redis is. */
export type RedisSource =
  | { readonly type: 'client'; readonly client: Redis | Cluster }
  | { readonly type: 'cluster'; readonly nodes: readonly ClusterNode[]; readonly options: RedisOptions }
  | { readonly type: 'server'; readonly url: string | undefined; readonly options: RedisOptions }

type Packages = Awaited<ReturnType<typeof loadForRedis>>

/** What the engine's own connections have, whatever a client or URL of the user's has: BullMQ's blocking commands wait for a server that is away. */
const ownOptions = {
  maxRetriesPerRequest: null,
  enableOfflineQueue: true,
  replyMapping: 'legacy',
  retryStrategy,
  // A connection over which nothing comes for so long, though something is waited for, is dead: it is made anew. Workers wait for jobs for 10 s at most.
  socketTimeout: 20_000,
  sentinelCommandTimeout: 1_000,
} as const satisfies RedisOptions & { readonly replyMapping: 'legacy' }

/** Milliseconds until the next attempt to reconnect. There is always one. */
function retryStrategy(attempt: number): number {
  return Math.min(50 * attempt, 1_000)
}

/** Connects to Redis: one server, Sentinel or a cluster. @throws EngineError */
export async function openRedis(source: RedisSource, settings: Settings, timeoutMs: number): Promise<Backend> {
  const packages = await loadForRedis()
  const client = clientOf(packages, source)
  let lastError: unknown
  client.on('error', (error: unknown) => (lastError = error))
  try {
    await within(timeoutMs, client.connect())
  } catch (error) {
    client.disconnect()
    throw engineError(lastError ?? error, 'Redis can’t be reached')
  }
  return new RedisBackend(packages, client, settings)
}

function clientOf({ ioredis }: Packages, source: RedisSource): Redis | Cluster {
  const { Cluster: ClusterClient, Redis: RedisClient } = ioredis
  if (source.type === 'client') return clientLike(source.client)
  const options: RedisOptions & typeof ownOptions = { ...source.options, ...ownOptions, lazyConnect: true }
  if (source.type === 'server')
    return source.url === undefined ? new RedisClient(options) : new RedisClient(source.url, options)
  // What the first URL says of user, password and TLS holds for the nodes that are found as well.
  const [first] = source.nodes
  const url = typeof first === 'string' && URL.canParse(first) ? new URL(first) : undefined
  return new ClusterClient([...source.nodes], {
    lazyConnect: true,
    clusterRetryStrategy: retryStrategy,
    redisOptions: {
      ...(url?.username ? { username: decodeURIComponent(url.username) } : {}),
      ...(url?.password ? { password: decodeURIComponent(url.password) } : {}),
      ...(url?.protocol === 'rediss:' ? { tls: {} } : {}),
      ...source.options,
      ...ownOptions,
    },
  })
}

/** A client for the same server and user that is not connected yet: nothing that the user does with theirs changes anything here. */
function clientLike(client: Redis | Cluster): Redis | Cluster {
  if (client.isCluster) {
    const cluster = client as Cluster
    return cluster.duplicate([], {
      lazyConnect: true,
      clusterRetryStrategy: retryStrategy,
      redisOptions: { ...cluster.options.redisOptions, ...ownOptions },
    })
  }
  const single = client as Redis
  return single.duplicate({ ...ownOptions, lazyConnect: true, db: single.condition?.select ?? single.options.db ?? 0 })
}

/** Sees to it that a client, and what BullMQ makes of it, comes to an end once it is to: one for each worker, which waits for jobs. */
function endingOnRequest(client: Redis | Cluster, made: Set<Redis | Cluster>): void {
  const disconnect = client.disconnect.bind(client)
  const duplicate = client.duplicate.bind(client) as (...given: unknown[]) => Redis | Cluster
  Object.assign(client, {
    /**
     * Of a client that is between two attempts to connect, ioredis takes back the next one, and nothing else: it never ends, and BullMQ, which waits for that as it
     * closes, renews its locks for ever. One more attempt comes to an end either way.
     */
    disconnect(reconnect = false) {
      const isBetween = client.status === 'reconnecting'
      disconnect(reconnect)
      if (isBetween && !reconnect) client.connect().then(() => disconnect(), ignore)
    },
    duplicate(...given: unknown[]) {
      const other = duplicate(...atOnce(client, given))
      endingOnRequest(other, made)
      made.add(other)
      // A worker that was paused connects its client anew.
      other.on('connecting', () => made.add(other))
      other.on('end', () => made.delete(other))
      // BullMQ listens as long as it is not closing; what happens after that would be printed.
      other.on('error', ignore)
      return other
    },
  })
}

/**
 * Arguments of `duplicate` for a client that connects by itself, and tries until it does. Of one that BullMQ connects, it would keep the failure of the first attempt for ever:
 * a worker that is made at the moment at which the server goes away would never take a job.
 */
function atOnce({ isCluster }: Redis | Cluster, given: readonly unknown[]): readonly unknown[] {
  const [first, second] = given as readonly (object | undefined)[]
  return isCluster ? [first, { ...second, lazyConnect: false }] : [{ ...first, lazyConnect: false }]
}

class RedisBackend implements Backend {
  readonly #packages: Packages
  readonly #client: Redis | Cluster
  readonly #settings: Settings
  /** The clients of workers, which wait for jobs. */
  readonly #waiting = new Set<Redis | Cluster>()

  constructor(packages: Packages, client: Redis | Cluster, settings: Settings) {
    this.#packages = packages
    this.#client = client
    this.#settings = settings
    endingOnRequest(client, this.#waiting)
  }

  get isReachable(): boolean {
    return this.#client.status === 'ready' || (this.#client.isCluster && this.#client.status === 'connect')
  }

  queue(name: string, onError: (error: unknown) => void): Promise<WakeQueue> {
    const { Queue } = this.#packages.bullmq
    const queue = new Queue(name, { connection: this.#client, prefix: prefixOf(name), ...queueOptions })
    queue.on('error', onError)
    const waiting = (): Promise<number> => this.#client.llen(queue.toKey('wait'))
    return Promise.resolve(Object.assign(queue, { waiting }) as WakeQueue)
  }

  async worker({ queue, slots, processor, onError }: WorkerRequest): Promise<WakeWorker> {
    const { Worker } = this.#packages.bullmq
    if (!this.isReachable) throw new EngineError(engineName, 'Redis can’t be reached at the moment', true)
    const worker = new Worker(queue, processor, {
      connection: this.#client,
      prefix: prefixOf(queue),
      ...workerOptions(this.#settings, slots),
    })
    worker.on('error', onError)
    return worker
  }

  async close(): Promise<void> {
    try {
      await within(1_000, this.#client.quit())
    } catch {
      // Without patience for a server that is away.
    } finally {
      for (const client of [this.#client, ...this.#waiting]) client.disconnect()
    }
  }
}

/** The keys of one queue lie together in a cluster, and queues lie on several servers. */
function prefixOf(queue: string): string {
  return `{${queue}}`
}

function ignore(): void {}
