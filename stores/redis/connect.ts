import type { Cluster, ClusterNode, Redis, RedisOptions } from 'ioredis'
import { StoreError } from '../../src/core/errors.ts'
import { storeError, storeName } from './errors.ts'
import { serverOfClient } from './link.ts'
import type { RedisClient } from './link.ts'
import { loadPacker } from './msgpack.ts'
import type { Packer } from './msgpack.ts'
import type { ResolvedOptions } from './options.ts'

/** The shape of replies must not hang on the protocol's version. */
type ClientOptions = RedisOptions & { readonly replyMapping: 'legacy' }

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

export function isCluster(client: RedisClient): client is Cluster {
  return client.isCluster
}

/** Connects, or takes the user's client as it is. @throws StoreError */
export async function connect({ source, timeoutMs }: ResolvedOptions): Promise<OpenClient> {
  if (source.type === 'client') {
    const { client } = source
    // A client without a listener would print each lost connection.
    client.on('error', ignore)
    return { client, close: async () => void client.off('error', ignore) }
  }
  const { Cluster: ClusterClient, Redis: RedisClientClass } = await load()
  const defaults = { maxRetriesPerRequest, retryStrategy, connectTimeout: timeoutMs }
  const options: ClientOptions = { ...defaults, ...source.options, replyMapping: 'legacy' }
  const client: RedisClient =
    source.type === 'cluster'
      ? makeCluster(ClusterClient, source.nodes, options)
      : makeServer(RedisClientClass, source.url, { ...options, lazyConnect: true })
  let lastError: unknown
  let selectError: StoreError | undefined
  client.on('error', (error: unknown) => {
    // What follows a wrong password says only that there was none.
    if (!(lastError instanceof Error && lastError.message.startsWith('WRONGPASS'))) lastError = error
    // ioredis goes on with database 0.
    if (isOfSelect(error)) selectError ??= databaseError(client, error)
  })
  try {
    await within(client.connect(), timeoutMs, `can't reach redis at ${serverOfClient(client)}`)
    if (selectError !== undefined) throw selectError
  } catch (error) {
    client.disconnect()
    throw selectError ?? storeError(lastError ?? error, undefined, serverOfClient(client))
  }
  return { client, close: () => quit(client) }
}

function ignore(): void {}

function isOfSelect(error: unknown): error is Error {
  if (!(error instanceof Error) || error.name !== 'ReplyError' || !('command' in error)) return false
  return (
    (error.command as { readonly name?: unknown } | undefined)?.name === 'select' && !/^NOAUTH\b/.test(error.message)
  )
}

function databaseError(client: RedisClient, cause: Error): StoreError {
  const database = isCluster(client) ? '' : String(client.options.db)
  return new StoreError(
    storeName,
    `can't use database ${database} of ${serverOfClient(client)} (${cause.message}); servers have 0 to 15 unless they are told otherwise`,
    false,
    { cause },
  )
}

/** Both packages, so that who has neither is told of both at once. @throws StoreError */
export async function loadPackages(): Promise<Packer> {
  const [driver, packer] = await Promise.allSettled([load(), loadPacker()])
  if (driver.status === 'rejected' && packer.status === 'rejected')
    throw new StoreError(storeName, 'it needs the packages ioredis and msgpackr: npm install ioredis msgpackr', false, {
      cause: driver.reason,
    })
  if (packer.status === 'rejected') throw packer.reason
  return packer.value
}

async function load(): Promise<{ readonly Redis: typeof Redis; readonly Cluster: typeof Cluster }> {
  try {
    return await import('ioredis')
  } catch (cause) {
    throw new StoreError(storeName, 'it needs the package ioredis: npm install ioredis', false, { cause })
  }
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

async function within<Result>(result: Promise<Result>, ms: number, what: string): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: no answer within ${ms} ms; is the server running?`)), ms)
  })
  try {
    return await Promise.race([result, late])
  } finally {
    clearTimeout(timer)
  }
}
