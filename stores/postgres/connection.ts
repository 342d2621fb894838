import { hash } from 'node:crypto'
import type pg from 'pg'
import type { Client, ClientBase, Pool, QueryConfig } from 'pg'
import { describeThrown, OptionError, StoreError } from '../../src/core/errors.ts'
import type { Row } from '../sql/cells.ts'
import type { Query } from '../sql/dialect.ts'
import { loadPackage } from '../sql/load-package.ts'
import { serverOf } from '../sql/options.ts'
import { postgresError, storeName } from './errors.ts'
import type { PostgresPlace } from './options.ts'

const connectTimeoutMs = 10_000
const noTransaction = '25P01'

const oids = { bool: 16, bytea: 17, int8: 20, int2: 21, int4: 23, float8: 701 }

/** How cells are read, whatever the user has told the driver: JSON stays text. */
const types = {
  getTypeParser(oid: number, format?: string): (cell: string) => unknown {
    if (format === 'binary') return (cell) => cell
    if (oid === oids.bytea) return (cell) => Buffer.from(cell.slice(2), 'hex')
    if (oid === oids.bool) return (cell) => cell === 't'
    if (oid === oids.int8 || oid === oids.int4 || oid === oids.int2 || oid === oids.float8) return Number
    return (cell) => cell
  },
}

/** Connections to one PostgreSQL: a pool of its own, or the user's. What fails throws StoreError. */
export class PostgresConnection {
  readonly #place: PostgresPlace
  readonly #names = new Map<string, string>()
  readonly #running = new Set<Promise<unknown>>()
  #pool: Pool | undefined

  constructor(place: PostgresPlace) {
    this.#place = place
  }

  /** Loads the driver and makes the pool; nothing is connected yet. Twice is fine. */
  async open(): Promise<void> {
    if (this.#pool !== undefined) return
    const { url, pool, max } = this.#place
    const made =
      pool ??
      new (await loadDriver()).Pool({
        connectionString: url,
        max,
        connectionTimeoutMillis: connectTimeoutMs,
        keepAlive: true,
      })
    if (this.#pool !== undefined) return
    // An idle connection that dies tells the pool, which drops it; without a listener it would end the process.
    made.on('error', ignore)
    this.#pool = made
  }

  /** Closes the pool, unless it is the user's, once what is under way has ended. */
  async close(): Promise<void> {
    const pool = this.#pool
    this.#pool = undefined
    if (pool === undefined) return
    // A pool that ends forgets the calls that wait for a connection.
    await Promise.allSettled(this.#running)
    if (this.#place.pool === undefined) await pool.end()
    else pool.removeListener('error', ignore)
  }

  /** Runs a statement, on the client if one is given. It is planned each time, for tables as large as they are by then. */
  async query({ text, parameters }: Query, client?: ClientBase): Promise<readonly Row[]> {
    return this.#run({ text, values: [...parameters] }, client ?? this.#required())
  }

  /**
   * Makes sure that the caller has begun a transaction on its client. What the driver has heard last is enough where it says so; else
   * the server is asked, since a `begin` may be under way.
   * @throws OptionError
   */
  async requireTransaction(client: ClientBase): Promise<void> {
    const { getTransactionStatus } = client as Partial<Client>
    if (getTransactionStatus?.call(client as Client) === 'T') return
    try {
      await client.query('savepoint docket; release savepoint docket')
    } catch (thrown) {
      if (!(thrown instanceof Error) || !('code' in thrown) || thrown.code !== noTransaction)
        throw postgresError(thrown, this.server)
      throw new OptionError(
        `${storeName} store: no transaction has been begun on the client that was given as one; run begin on it first (${describeThrown(thrown)})`,
      )
    }
  }

  /** Where the own pool connects to; a pool of the user's is told by what fails. */
  get server(): string | undefined {
    const { url } = this.#place
    return url === undefined ? undefined : serverOf(url, 5432)
  }

  /**
   * Runs a statement that a connection prepares once. Its plan is kept while tables grow, perhaps from nothing: it must be written so
   * that no other plan than the one for large tables comes into question.
   */
  async queryPrepared({ text, parameters }: Query): Promise<readonly Row[]> {
    return this.#run({ text, values: [...parameters], name: this.#nameOf(text) }, this.#required())
  }

  async #run(config: QueryConfig, runner: Pick<ClientBase, 'query'> | Pool): Promise<readonly Row[]> {
    const running = runner.query({ ...config, types })
    this.#running.add(running)
    try {
      return (await running).rows as readonly Row[]
    } catch (thrown) {
      throw postgresError(thrown, this.server)
    } finally {
      this.#running.delete(running)
    }
  }

  /** Lends one connection of the pool; one on which something failed is thrown away. */
  async withClient<T>(work: (client: ClientBase) => Promise<T>): Promise<T> {
    let broken: Error | undefined
    try {
      const client = await this.#required().connect()
      client.on('error', ignore)
      try {
        return await work(client)
      } catch (thrown) {
        broken = thrown instanceof Error ? thrown : new Error('not an error', { cause: thrown })
        throw thrown
      } finally {
        client.removeListener('error', ignore)
        client.release(broken)
      }
    } catch (thrown) {
      throw postgresError(thrown, this.server)
    }
  }

  /** Makes a client apart from the pool, which is not connected yet. */
  async createClient(): Promise<Client> {
    const { url, pool } = this.#place
    const { Client } = await loadDriver()
    const limits = { connectionTimeoutMillis: connectTimeoutMs, keepAlive: true }
    return new Client(pool === undefined ? { connectionString: url, ...limits } : { ...settingsOf(pool), ...limits })
  }

  #required(): Pool {
    if (this.#pool === undefined) throw new StoreError(storeName, 'it is closed', false)
    return this.#pool
  }

  #nameOf(text: string): string {
    const kept = this.#names.get(text)
    if (kept !== undefined) return kept
    const name = `docket_${hash('sha256', text).slice(0, 32)}`
    this.#names.set(text, name)
    return name
  }
}

function ignore(): void {}

/** What a pool connects with. Its password is hidden from enumeration. */
function settingsOf(pool: Pool): object {
  const { options } = pool
  return { ...options, password: options.password }
}

async function loadDriver(): Promise<typeof pg> {
  const driver = await loadPackage(storeName, 'pg', () => import('pg'))
  // It is a CommonJS package, whose names Node may not see.
  return (driver.default as typeof driver | undefined) ?? driver
}
