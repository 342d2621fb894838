import type { Cluster, Redis, RedisOptions } from 'ioredis'
import type { Pool } from 'pg'
import { checkOptions, describe, isWholeFromOne } from '../../core/check-options.ts'
import type { Problem } from '../../core/check-options.ts'
import { durationHint, durationMs } from '../../core/duration.ts'
import type { Duration } from '../../core/duration.ts'
import { OptionError } from '../../core/errors.ts'
import { isRecord } from '../../core/is-record.ts'
import { isSocketPath, parseServerUrl } from '../../core/server-address.ts'
import type { BullmqEngineOptions } from './bullmq-engine-options.ts'
import type { PostgresSource } from './postgres-backend.ts'
import type { RedisSource } from './redis-backend.ts'

/** Options that were checked. */
export interface ResolvedOptions {
  readonly source: RedisSource | PostgresSource
  readonly prefix: string
  readonly lockMs: number
  readonly stallMs: number
  readonly timeoutMs: number
}

const defaultMax = 10
const optionNames = ['connection', 'cluster', 'pool', 'prefix', 'max', 'lock', 'stalled', 'timeout']

/** @throws OptionError with all problems */
export function resolveOptions(options: BullmqEngineOptions): ResolvedOptions {
  if ((options as unknown) === undefined)
    throw new OptionError(
      `bullmqEngine: got undefined: say where Redis or PostgreSQL is, as { connection: 'redis://…' }`,
    )
  checkOptions('bullmqEngine', options, optionNames, problemsOf)
  const { prefix = 'docket', lock = '5s', stalled = '5s', timeout = '2s' } = options
  return {
    source: sourceOf(options),
    prefix,
    lockMs: durationMs(lock)!,
    stallMs: durationMs(stalled)!,
    timeoutMs: durationMs(timeout)!,
  }
}

/** @throws OptionError */
export function checkMigrate(connection: unknown): asserts connection is string | Pool {
  if (isPostgresUrl(connection) || isPool(connection)) return
  const given = shownConnection(connection)
  throw new OptionError(`migrate: give a URL like postgres://host/database, or a pool of pg, not ${given}`)
}

function problemsOf(options: Readonly<Record<string, unknown>>): readonly Problem[] {
  const { connection, cluster, pool, prefix, max } = options
  const given = [connection, cluster, pool].filter((one) => one !== undefined)
  return [
    given.length === 0 && "say where Redis or PostgreSQL is: connection: 'redis://host:6379', cluster or pool",
    given.length > 1 && 'give one of connection, cluster and pool',
    connection !== undefined && problemOfConnection(connection),
    cluster !== undefined &&
      !(Array.isArray(cluster) && cluster.length > 0) &&
      'cluster must be a list of at least one node',
    pool !== undefined && !isPool(pool) && 'pool must be a Pool of pg',
    prefix !== undefined &&
      !(typeof prefix === 'string' && /^[\w.-]{1,40}$/.test(prefix)) &&
      `prefix must be 1 to 40 letters, digits, dots, hyphens or underscores, not ${describe(prefix)}`,
    max !== undefined &&
      !(isWholeFromOne(max) && (max as number) >= 3) &&
      `max must be a whole number of at least 3, not ${describe(max)}`,
    max !== undefined &&
      !isPostgresUrl(connection) &&
      given.length === 1 &&
      'max is for the pool that is made for a PostgreSQL URL; a pool of your own has max',
    ...(['lock', 'stalled'] as const).map(
      (name) =>
        options[name] !== undefined &&
        !((durationMs(options[name] as Duration) ?? 0) >= 500) &&
        `${name} ${describe(options[name])} is not a duration of at least 500 ms; ${durationHint}`,
    ),
    options['timeout'] !== undefined &&
      !((durationMs(options['timeout'] as Duration) ?? 0) > 0) &&
      `timeout ${describe(options['timeout'])} is not a duration longer than 0; ${durationHint}`,
  ]
}

function problemOfConnection(connection: unknown): Problem {
  if (typeof connection === 'string')
    return (
      !isPostgresUrl(connection) &&
      !isRedisUrl(connection) &&
      `connection must look like redis://host:6379, rediss://… or postgres://host/database, not ${shownConnection(connection)}`
    )
  if (!isRecord(connection))
    return `connection must be a URL, a client of ioredis or its options, not ${describe(connection)}`
  if (isPool(connection)) return 'give a pool of pg as pool'
  const options = isRedisClient(connection) ? optionsOfClient(connection) : connection
  return (
    typeof options['keyPrefix'] === 'string' &&
    options['keyPrefix'] !== '' &&
    'ioredis’s keyPrefix does not work with BullMQ; leave it out, and use prefix'
  )
}

function optionsOfClient(client: Record<string, unknown>): Record<string, unknown> {
  const options = isRecord(client['options']) ? client['options'] : {}
  return { ...(isRecord(options['redisOptions']) ? options['redisOptions'] : {}), ...options }
}

function sourceOf(options: BullmqEngineOptions): ResolvedOptions['source'] {
  const { connection, cluster, pool, max = defaultMax } = options
  if (isPool(pool)) return { type: 'postgres', url: undefined, pool, max }
  if (cluster !== undefined) return { type: 'cluster', nodes: cluster, options: {} }
  if (typeof connection === 'string')
    return isPostgresUrl(connection)
      ? { type: 'postgres', url: connection, pool: undefined, max }
      : { type: 'server', url: connection, options: {} }
  return isRedisClient(connection)
    ? { type: 'client', client: connection as unknown as Redis | Cluster }
    : { type: 'server', url: undefined, options: connection as RedisOptions }
}

function isRedisClient(value: unknown): value is Record<string, unknown> {
  return isRecord(value) && typeof value['callBuffer'] === 'function' && typeof value['duplicate'] === 'function'
}

function isPool(value: unknown): value is Pool {
  return (
    isRecord(value) &&
    typeof value['connect'] === 'function' &&
    typeof value['query'] === 'function' &&
    typeof value['end'] === 'function' &&
    isRecord(value['options'])
  )
}

/** The host may be among the parameters, as the path of a socket. */
function isPostgresUrl(value: unknown): value is string {
  return typeof value === 'string' && /^postgres(?:ql)?:\/\//i.test(value) && parseServerUrl(value) !== null
}

/** A path is that of a socket. */
function isRedisUrl(value: string): boolean {
  return isSocketPath(value) || (/^rediss?:\/\//.test(value) && URL.canParse(value))
}

/** Without what may be a password. */
function shownConnection(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 120).replace(/\/\/.*@/s, '//***@')) : describe(value)
}
