import type { Cluster, ClusterNode, Redis, RedisOptions } from 'ioredis'
import { StoreError } from '../../src/core/errors.ts'
import { isMissing, loadPackage } from '../sql/load-package.ts'
import { refusedTls } from '../../src/core/refused-tls.ts'
import { isError } from '../../src/core/thrown.ts'
import { storeError, storeName } from './errors.ts'
import { serverOfClient } from './link.ts'
import type { RedisClient } from './link.ts'
import { loadPacker } from './msgpack.ts'
import type { Packer } from './msgpack.ts'
import type { ResolvedOptions } from './options.ts'

/** Options that change what comes back, or how: the store's own connections have these, whatever a client or URL of the user's has. */
const ownOptions = {
  // The shape of replies must not hang on the protocol's version.
  replyMapping: 'legacy',
  stringNumbers: false,
  // A cluster's client can't pipeline `callBuffer`; what goes together is sent together anyway.
  enableAutoPipelining: false,
  readOnly: false,
  monitor: false,
} as const satisfies RedisOptions & { readonly replyMapping: 'legacy' }

type ClientOptions = RedisOptions & typeof ownOptions

/** A client that answers, and what ends it. */
export interface OpenClient {
  readonly client: RedisClient
  close(): Promise<void>
}

/**
 * How often a command is sent again after a reconnect before it fails. The core tries again too, later; here only short
 * interruptions are bridged.
 */
const maxRetriesPerRequest = 3

/** Milliseconds until the next attempt to reconnect. There is always one. */
export function retryStrategy(attempt: number): number {
  return Math.min(50 * attempt, 1_000)
}

/**
 * A connection over which nothing comes for so long, though something is waited for, is dead: it is made anew. A network that drops everything ends none. And of a
 * sentinel that does not answer, the client goes on to the next.
 */
function limitsOf(timeoutMs: number): Pick<RedisOptions, 'socketTimeout' | 'sentinelCommandTimeout'> {
  // A server that takes longer than a call waits is not dead yet.
  return { socketTimeout: 2 * timeoutMs, sentinelCommandTimeout: timeoutMs / 5 }
}

export function isCluster(client: RedisClient): client is Cluster {
  return client.isCluster
}

/**
 * Connects: where a client of the user's is given, like it, over a connection of the store's own. Commands of the user's that block (BLPOP),
 * its subscriptions and its options then change nothing for the lease. @throws StoreError
 */
export async function connect({ source, timeoutMs }: ResolvedOptions): Promise<OpenClient> {
  const client = await makeClient(source, timeoutMs)
  let lastError: unknown
  let selectError: StoreError | undefined
  client.on('error', (error: unknown) => {
    if (!isDecisive(lastError)) lastError = error
    // ioredis goes on with database 0.
    if (isOfSelect(error)) selectError ??= databaseError(client, error)
  })
  try {
    await within(client.connect(), timeoutMs, `can't reach redis at ${serverOfClient(client)}`, questionOf(client))
    if (selectError !== undefined) throw selectError
  } catch (error) {
    if (source.type === 'cluster' && isCluster(client) && speaksTls(client))
      lastError = (await refusalByNode(client, source.nodes[0]!)) ?? lastError
    client.disconnect()
    throw selectError ?? cutOff(client, lastError) ?? storeError(lastError ?? error, undefined, serverOfClient(client))
  }
  return { client, close: () => quit(client) }
}

async function makeClient(source: ResolvedOptions['source'], timeoutMs: number): Promise<RedisClient> {
  if (source.type === 'client') return clientLike(source.client, timeoutMs)
  const { Cluster: ClusterClient, Redis: RedisClientClass } = await load()
  const options: ClientOptions = {
    maxRetriesPerRequest,
    retryStrategy,
    connectTimeout: timeoutMs,
    ...limitsOf(timeoutMs),
    ...source.options,
    ...ownOptions,
  }
  return source.type === 'cluster'
    ? makeCluster(ClusterClient, source.nodes, options)
    : makeServer(RedisClientClass, source.url, { ...options, lazyConnect: true })
}

/** A client for the same server and user, in the same database, that is not connected yet. */
function clientLike(client: RedisClient, timeoutMs: number): RedisClient {
  const options = {
    ...limitsOf(timeoutMs),
    ...ownOptions,
    maxRetriesPerRequest,
    retryStrategy,
    enableOfflineQueue: true,
  }
  if (isCluster(client))
    return client.duplicate([], {
      enableAutoPipelining: false,
      enableOfflineQueue: true,
      lazyConnect: true,
      clusterRetryStrategy: retryStrategy,
      redisOptions: { ...client.options.redisOptions, ...options },
    })
  return client.duplicate({ ...options, lazyConnect: true, db: client.condition?.select ?? client.options.db ?? 0 })
}

/** What follows a wrong password, or a certificate that is refused, says only that there is no connection. */
function isDecisive(error: unknown): boolean {
  return isError(error) && (error.message.startsWith('WRONGPASS') || refusedTls(error, undefined) !== undefined)
}

function speaksTls(client: RedisClient): boolean {
  return (isCluster(client) ? client.options.redisOptions?.tls : client.options.tls) !== undefined
}

/** Of the connections by which a cluster's client asks for the slots it says only that they are closed: one more says by which certificate. */
async function refusalByNode({ options }: Cluster, node: ClusterNode): Promise<unknown> {
  const { Redis: RedisClientClass } = await load()
  const given: ClientOptions = { ...options.redisOptions, ...ownOptions, lazyConnect: true, retryStrategy: () => null }
  const one =
    typeof node === 'string'
      ? makeServer(RedisClientClass, node, given)
      : makeServer(RedisClientClass, undefined, { ...given, ...placeOf(node) })
  let refusal: unknown
  one.on('error', (error: unknown) => {
    if (isDecisive(error)) refusal = error
  })
  await one.connect().catch(() => {})
  one.disconnect()
  return refusal
}

function placeOf(node: Exclude<ClusterNode, string>): Pick<RedisOptions, 'host' | 'port'> {
  if (typeof node === 'number') return { port: node }
  return { host: node.host ?? 'localhost', port: node.port ?? 6379 }
}

/** What to look at where nothing answers. */
function questionOf(client: RedisClient): string {
  return speaksTls(client) ? 'is the server running, and does it speak TLS there?' : 'is the server running?'
}

/** A server that wants TLS ends a connection without it, and says nothing. */
function cutOff(client: RedisClient, error: unknown): StoreError | undefined {
  if (!isError(error) || !('code' in error) || error.code !== 'ECONNRESET' || speaksTls(client)) return undefined
  const message = `${serverOfClient(client)} has ended the connection (${error.message}); is it a Redis server, and does it want TLS (rediss://)?`
  return new StoreError(storeName, message, true, { cause: error })
}

function isOfSelect(error: unknown): error is Error {
  if (!isError(error) || error.name !== 'ReplyError' || !('command' in error)) return false
  return (
    (error.command as { readonly name?: unknown } | undefined)?.name === 'select' && !/^NOAUTH\b/.test(error.message)
  )
}

function databaseError(client: RedisClient, cause: Error): StoreError {
  const database = isCluster(client) ? '' : String(client.options.db)
  return new StoreError(
    storeName,
    `can't use database ${database} of ${serverOfClient(client)} (${cause.message}); servers have databases 0 to 15 unless their configuration says otherwise`,
    false,
    { cause },
  )
}

/** Both packages, so that where both are missing one error names both. @throws StoreError */
export async function loadPackages(): Promise<Packer> {
  const [driver, packer] = await Promise.allSettled([import('ioredis'), loadPacker()])
  if (packer.status === 'fulfilled') return packer.value
  if (driver.status === 'rejected' && isMissing(driver.reason, 'ioredis') && isMissing(packer.reason.cause, 'msgpackr'))
    throw new StoreError(storeName, 'it needs the packages ioredis and msgpackr: npm install ioredis msgpackr', false, {
      cause: driver.reason,
    })
  throw packer.reason
}

function load(): Promise<{ readonly Redis: typeof Redis; readonly Cluster: typeof Cluster }> {
  return loadPackage(storeName, 'ioredis', () => import('ioredis'))
}

function makeServer(Client: typeof Redis, url: string | undefined, options: ClientOptions): Redis {
  return url === undefined ? new Client(options) : new Client(url, options)
}

function makeCluster(Client: typeof Cluster, nodes: readonly ClusterNode[], options: ClientOptions): Cluster {
  // What the first URL says of user, password and TLS holds for the nodes that are found as well.
  const [first] = nodes
  const url = typeof first === 'string' && URL.canParse(first) ? new URL(first) : undefined
  const ofUrl: RedisOptions = {
    ...(url?.username ? { username: decodeURIComponent(url.username) } : {}),
    ...(url?.password ? { password: decodeURIComponent(url.password) } : {}),
    ...(url?.protocol === 'rediss:' ? { tls: {} } : {}),
  }
  return new Client([...nodes], {
    lazyConnect: true,
    clusterRetryStrategy: retryStrategy,
    redisOptions: { ...ofUrl, ...options },
  })
}

/** Lets commands that were sent end, and the connection with them; without patience for a server that is away. */
async function quit(client: RedisClient): Promise<void> {
  try {
    await within(client.quit(), 1_000, 'closing')
  } catch {
    client.disconnect()
  }
}

async function within<Result>(
  result: Promise<Result>,
  ms: number,
  what: string,
  question = 'is the server running?',
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: no answer within ${ms} ms; ${question}`)), ms)
  })
  try {
    return await Promise.race([result, late])
  } finally {
    clearTimeout(timer)
  }
}
