import type { PostgresConnectionOptions } from 'bullmq'
import type { Socket } from 'node:net'
import type { Pool, PoolClient } from 'pg'
import { EngineError } from '../../core/engine-error.ts'
import { isError } from '../../core/thrown.ts'
import { queueOptions, workerOptions } from './backend.ts'
import type { Backend, Settings, WakeQueue, WakeWorker, WorkerRequest } from './backend.ts'
import { engineError } from './errors.ts'
import { loadForPostgres } from './load-packages.ts'
import { engineName } from './name.ts'
import { within } from './within.ts'

/** Where the PostgreSQL is. */
export interface PostgresSource {
  readonly type: 'postgres'
  readonly url: string | undefined
  readonly pool: Pool | undefined
  readonly max: number
}

type Packages = Awaited<ReturnType<typeof loadForPostgres>>

/** Beside one for each worker, which listens: for putting jobs in, and for what workers ask. */
const sharedConnections = 2

/** Where BullMQ looks for its tables, whatever a pool is set to. */
export const schema = 'bullmq'

/** A statement of BullMQ's that has no answer for so long was sent over a connection that is dead. */
const queryTimeoutMs = 20_000

/** How many workers listen over connections of a pool, whoever made it. */
const listening = new WeakMap<Pool, number>()

/** Connects to PostgreSQL, and makes sure that BullMQ's tables are there. @throws EngineError */
export async function openPostgres(source: PostgresSource, settings: Settings, timeoutMs: number): Promise<Backend> {
  const packages = await loadForPostgres()
  const own = source.pool === undefined ? ownPool(packages, source, timeoutMs, queryTimeoutMs) : undefined
  const pool = source.pool ?? own!.pool
  const end = async (): Promise<void> => own?.end()
  try {
    await within(timeoutMs, checkTables(packages, pool, source))
  } catch (error) {
    void end()
    throw engineError(error, 'PostgreSQL can’t be used')
  }
  return new PostgresBackend(packages, pool, { ...settings, timeoutMs }, end)
}

/** A pool whose connections find BullMQ's tables: BullMQ itself makes one only where `require` is, which a bundle may not have. */
export function ownPool(
  { pg }: Packages,
  { url, max }: Pick<PostgresSource, 'url' | 'max'>,
  timeoutMs: number,
  queryTimeoutMs = 0,
): { readonly pool: Pool; end(): Promise<void> } {
  const clients = new Set<PoolClient>()
  const pool = new pg.Pool({
    connectionString: url,
    max,
    options: `-c search_path=${schema}`,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: queryTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  })
  // An idle connection that dies emits an error to the pool, which drops it; without listeners it would end the process.
  pool.on('error', ignore)
  pool.on('connect', (client: PoolClient) => {
    clients.add(client)
    client.on('error', ignore)
  })
  pool.on('remove', (client) => void clients.delete(client))
  return {
    pool,
    async end() {
      await within(timeoutMs, pool.end()).catch(ignore)
      // The pool waits for none that it has let go of, and a server that does not answer ends none.
      for (const client of clients) abandon(client)
    },
  }
}

function abandon(client: PoolClient): void {
  const { connection } = client as PoolClient & { readonly connection?: { readonly stream?: Partial<Socket> } }
  connection?.stream?.destroy?.()
}

/** @throws EngineError */
async function checkTables({ bullmq }: Packages, pool: Pool, { url }: PostgresSource): Promise<void> {
  const client = await pool.connect()
  try {
    await bullmq.assertSchemaCompatibility(client, schema)
    const { rows } = await client.query<{ found: string | null }>(`select to_regclass('job')::text as found`)
    if (rows[0]?.found === null)
      throw new EngineError(
        engineName,
        `the pool's connections don't find the tables in schema "${schema}": make it with options: '-c search_path=${schema}'`,
        false,
      )
  } catch (error) {
    if (isError(error) && error.name === 'SchemaMigrationRequiredError')
      throw new EngineError(
        engineName,
        `the database has no tables of BullMQ in schema "${schema}": run migrate(${url === undefined ? 'pool' : 'url'}) of docket/engines/bullmq once, when you deploy, or docket migrate --yes --engine postgres://…`,
        false,
        { cause: error },
      )
    throw error
  } finally {
    client.release()
  }
}

class PostgresBackend implements Backend {
  readonly isReachable = true
  readonly #packages: Packages
  readonly #pool: Pool
  readonly #settings: Settings & { readonly timeoutMs: number }
  readonly #end: () => Promise<void>

  constructor(
    packages: Packages,
    pool: Pool,
    settings: Settings & { readonly timeoutMs: number },
    end: () => Promise<void>,
  ) {
    this.#packages = packages
    this.#pool = pool
    this.#settings = settings
    this.#end = end
  }

  async queue(name: string, onError: (error: unknown) => void): Promise<WakeQueue> {
    const { Queue, createPostgresBackend } = this.#packages.bullmq
    await this.#requireServer()
    expectListener(this.#pool)
    const queue = new Queue(name, { connection: this.#connection, ...queueOptions }, createPostgresBackend)
    queue.on('error', onError)
    return (await this.#ready(queue)) as WakeQueue
  }

  async worker({ queue, slots, processor, onError }: WorkerRequest): Promise<WakeWorker> {
    const { Worker, createPostgresBackend } = this.#packages.bullmq
    const count = (listening.get(this.#pool) ?? 0) + 1
    const { max } = this.#pool.options
    if (count + sharedConnections > max)
      throw new EngineError(
        engineName,
        `its pool has ${max} connections, and ${count} workers need ${count + sharedConnections} at least: each listens over one of its own, and ${sharedConnections} are for all others; make it larger (max)`,
        false,
      )
    listening.set(this.#pool, count)
    let hasLeft = false
    const leave = (): void => {
      if (!hasLeft) listening.set(this.#pool, (listening.get(this.#pool) ?? 1) - 1)
      hasLeft = true
    }
    try {
      await this.#requireServer()
      expectListener(this.#pool)
      const options = { connection: this.#connection, ...workerOptions(this.#settings, slots) }
      const worker = new Worker(queue, processor, options, createPostgresBackend)
      worker.on('error', onError)
      worker.on('closed', leave)
      return await this.#ready(worker)
    } catch (error) {
      leave()
      throw engineError(error, 'PostgreSQL can’t be used')
    }
  }

  close(): Promise<void> {
    return this.#end()
  }

  /** The types of BullMQ don't know the pool's own as the same. */
  get #connection(): PostgresConnectionOptions {
    return this.#pool as unknown as PostgresConnectionOptions
  }

  /** BullMQ keeps the failure of its first look at the server for ever: what has failed at it is made anew by whoever tries again. */
  async #ready<Made extends { waitUntilReady(): Promise<void>; close(): Promise<void> }>(made: Made): Promise<Made> {
    try {
      await within(this.#settings.timeoutMs, made.waitUntilReady())
      return made
    } catch (error) {
      made.close().catch(ignore)
      throw error
    }
  }

  /** Before anything is made that listens: that would have to be closed again. */
  async #requireServer(): Promise<void> {
    await this.#pool.query('select 1')
  }
}

/** Every queue and worker of BullMQ listens to errors of the pool: from the eleventh on, Node would take that for a leak. */
function expectListener(pool: Pool): void {
  const most = pool.getMaxListeners()
  if (most > 0) pool.setMaxListeners(most + 1)
}

function ignore(): void {}
