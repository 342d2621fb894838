import type { Cluster, ClusterNode, Redis, RedisOptions } from 'ioredis'
import type { Duration } from '../../core/duration.ts'

/**
 * A `Pool` of `pg`, by what it is known by. Not by the type itself: that is in a package of its own, `@types/pg`, which those would need
 * who use Redis.
 */
export interface PostgresPool {
  /** Runs a statement. */
  readonly query: (...statement: never[]) => unknown
  /** Gives a client, whose owner releases it. */
  readonly connect: (...callback: never[]) => unknown
}

/** Where BullMQ keeps its jobs, and how it is used. */
export interface BullmqEngineOptions {
  /**
   * The server: a URL (`redis://…`, `rediss://…`, `postgres://…`), the path of a Redis's socket, a client of ioredis for one server, Sentinel or a cluster, or ioredis's options
   * (Sentinel, TLS, …). A client is never used itself, nor closed: the engine connects like it. @default none: give this, `cluster` or `pool`
   */
  readonly connection?: string | Redis | Cluster | RedisOptions | undefined
  /** Nodes of a Redis Cluster instead, to begin with: URLs, or host and port. The others are found by them. @default none */
  readonly cluster?: readonly ClusterNode[] | undefined
  /** A pool of `pg` instead, which the engine never ends. Its connections must find BullMQ's schema: `options: '-c search_path=bullmq'`. @default none */
  readonly pool?: PostgresPool | undefined
  /** What the names of all queues begin with in BullMQ. Engines with different ones know nothing of each other. @default 'docket' */
  readonly prefix?: string | undefined
  /**
   * How many connections the pool has that the engine makes for a PostgreSQL URL: one for each queue that a process works on, and two more, at
   * least. @default 10
   */
  readonly max?: number | undefined
  /** For how long BullMQ takes a job to be held without renewal. After that, another process gets its wake. @default '5s' */
  readonly lock?: Duration | undefined
  /** How often workers look for jobs whose lock has run out. @default '5s' */
  readonly stalled?: Duration | undefined
  /** How long to wait for an answer before a wake counts as lost. @default '2s' */
  readonly timeout?: Duration | undefined
}
