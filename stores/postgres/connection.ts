import type pg from 'pg'
import type { Client, ClientBase, Pool, PoolClient, QueryConfig } from 'pg'
import { OptionError, StoreError } from '../../src/core/errors.ts'
import { describeThrown, isError } from '../../src/core/thrown.ts'
import type { Row } from '../sql/cells.ts'
import type { Query } from '../sql/dialect.ts'
import { Lender } from '../sql/lender.ts'
import { loadPackage } from '../sql/load-package.ts'
import { serverOf } from '../sql/options.ts'
import { OwnConnection } from '../sql/own-connection.ts'
import type { Attachment } from '../sql/own-connection.ts'
import { within } from '../sql/within.ts'
import { Compiling } from './compiling.ts'
import { isAnswer, isConflict, isLostStatement, postgresError, storeName } from './errors.ts'
import { abandon, endSoon, guard, OpenClients, socketOf } from './open-clients.ts'
import type { PostgresPlace } from './options.ts'
import { StatementNames } from './statement-names.ts'

const connectTimeoutMs = 10_000
/** The system looks so long after a host's last word whether that is still there, and gives it ten seconds; by default after two hours. */
const keepAliveDelayMs = 10_000
/** How long a call waits for a connection of the pool. */
const waitMs = 10_000
const closeGraceMs = 1_000
const maxTries = 5
/** After so many prepared statements that were lost, none is prepared any more. */
const maxLost = 3
const noTransaction = '25P01'
// Of a client that is gone without a word, the server would keep what it has locked for hours.
const begin = `begin isolation level read committed; set local idle_in_transaction_session_timeout = '20s'`

const oids = { bool: 16, bytea: 17, int8: 20, int2: 21, int4: 23, float8: 701 }

/** How cells are read, whatever the user has set in the driver: JSON stays text. */
const types = {
  getTypeParser(oid: number, format?: string): (cell: string) => unknown {
    if (format === 'binary') return (cell) => cell
    if (oid === oids.bytea) return bytesOf
    if (oid === oids.bool) return (cell) => cell === 't'
    if (oid === oids.int8 || oid === oids.int4 || oid === oids.int2 || oid === oids.float8) return Number
    return (cell) => cell
  },
}

/** Bytes as the server writes them: `bytea_output` is hex, unless a user has set it otherwise. */
function bytesOf(cell: string): Buffer {
  if (cell.startsWith('\\x')) return Buffer.from(cell.slice(2), 'hex')
  const unescaped = cell.replaceAll(/\\(\\|[0-7]{3})/g, (_, code: string) =>
    code === '\\' ? '\\' : String.fromCharCode(Number.parseInt(code, 8)),
  )
  return Buffer.from(unescaped, 'latin1')
}

async function rowsOf(client: ClientBase, config: QueryConfig): Promise<readonly Row[]> {
  return (await client.query({ ...config, types })).rows as readonly Row[]
}

/** The driver would read bytes as UTF-8. @throws StoreError */
function requireText(client: object): void {
  if ('binary' in client && client.binary === true)
    throw new StoreError(
      storeName,
      'its connections have the option binary, with which values are not read as they are stored; make them without it',
      false,
    )
}

/** Connections to one PostgreSQL: a pool of its own, or the user's, and one connection apart from it. What fails throws StoreError. */
export class PostgresConnection {
  readonly #place: PostgresPlace
  readonly #names = new StatementNames()
  readonly #compiling: Compiling
  #lostStatements = 0
  readonly #own: OwnConnection<Client>
  readonly #open = new OpenClients()
  #pool: Pool | undefined
  #lender: Lender<PoolClient> | undefined

  constructor(place: PostgresPlace) {
    this.#place = place
    this.#compiling = new Compiling(place.pool === undefined)
    this.#own = new OwnConnection<Client>({
      connect: (onLost) => this.#connectApart(onLost),
      end: (client) => client.end(),
      abandon,
      isGoodAfter: isAnswer,
    })
  }

  /** How many connections the pool may have. */
  get max(): number {
    const { pool, max } = this.#place
    return (pool as Partial<Pool> | undefined)?.options?.max ?? max
  }

  /** Whether a connection of the pool that is never made keeps its place there. A pool that shows no options is not judged. */
  get connectsForever(): boolean {
    const options = (this.#place.pool as Partial<Pool> | undefined)?.options
    return options !== undefined && (options.connectionTimeoutMillis ?? 0) === 0
  }

  /** Loads the driver and makes the pool; nothing is connected yet. Twice is fine. */
  async open(): Promise<void> {
    if (this.#pool !== undefined) return
    const { url, pool, max } = this.#place
    const made = (pool as Pool | undefined) ?? (await this.#createPool(url, max))
    if (this.#pool !== undefined) return
    // An idle connection that dies emits an error to the pool, which drops it; without a listener it would end the process.
    // A pool of the user's may be something around one, which has no more than a store needs.
    const { listeners } = made as Partial<pg.Pool>
    if (listeners?.call(made, 'error').includes(ignore) !== true) made.on('error', ignore)
    this.#pool = made
    this.#lender = new Lender<PoolClient>(
      storeName,
      {
        connect: () => made.connect(),
        giveBack(client, isGood) {
          client.removeListener('error', ignore)
          client.release(!isGood)
        },
        socketOf,
        max: made.options.max,
        server: this.server,
      },
      waitMs,
    )
  }

  /** Closes the pool, unless it is the user's, once what is under way has ended or has had its time. */
  async close(): Promise<void> {
    const pool = this.#pool
    this.#pool = undefined
    await this.#own.close()
    if (pool === undefined) return
    await this.#lender!.close(closeGraceMs)
    // A server that does not answer does not say goodbye either.
    if (this.#place.pool === undefined)
      await within(pool.end(), closeGraceMs, () => new Error('the server does not answer')).catch(ignore)
    this.#open.abandonAll()
    if (this.#place.pool === undefined) return
    // The user's pool is as it was, unless nobody else listens: what this store has used may still be there, and end the process.
    if ((pool as Partial<pg.Pool>).listenerCount?.('error') !== undefined && pool.listenerCount('error') > 1)
      pool.removeListener('error', ignore)
  }

  /** Runs a statement, on the client if one is given. It is planned each time, for tables as large as they are by then. */
  async query({ text, parameters }: Query, client?: ClientBase): Promise<readonly Row[]> {
    const config = { text, values: [...parameters] }
    if (client === undefined) return this.#run(config)
    guard(client)
    try {
      return await rowsOf(client, config)
    } catch (thrown) {
      throw postgresError(thrown, this.server)
    }
  }

  /**
   * Makes sure that the caller has begun a transaction on its client. What the driver has heard last is enough where it says so; else
   * the server answers, since a `begin` may be under way.
   * @throws OptionError
   */
  async requireTransaction(client: ClientBase): Promise<void> {
    const { getTransactionStatus } = client as Partial<Client>
    if (getTransactionStatus?.call(client as Client) === 'T') return
    guard(client)
    try {
      await client.query('savepoint docket; release savepoint docket')
    } catch (thrown) {
      if (!isError(thrown) || !('code' in thrown) || thrown.code !== noTransaction)
        throw postgresError(thrown, this.server)
      throw new OptionError(
        `${storeName} store: no transaction has been begun on the client that was given as one; run begin on it first (${describeThrown(thrown)})`,
      )
    }
  }

  /** Where the own pool connects to; of the user's, the driver's error says it. */
  get server(): string | undefined {
    const { url } = this.#place
    return url === undefined ? undefined : serverOf(url, 5432)
  }

  /**
   * Runs a statement that a connection prepares once. Its plan is kept while tables grow, perhaps from nothing: it must be written so
   * that no other plan than the one for large tables comes into question. A pooler may have forgotten it, or have given the name to
   * another connection: then nothing was done, and it is sent as it is.
   */
  async queryPrepared({ text, parameters }: Query): Promise<readonly Row[]> {
    return this.#runNamed({ text, values: [...parameters] }, this.#names.of(text))
  }

  /**
   * The same, for a look at all that there is: it takes longer to plan than to run, and may have several plans, so it is planned anew from time to time; and it is
   * never compiled.
   */
  async queryPlanned({ text, parameters }: Query): Promise<readonly Row[]> {
    return this.#runNamed({ text, values: [...parameters] }, this.#names.present(text), true)
  }

  async #runNamed(config: QueryConfig, name: string, isLook = false): Promise<readonly Row[]> {
    if (this.#lostStatements >= maxLost) return this.#run(config, isLook)
    try {
      return await this.#run({ ...config, name }, isLook)
    } catch (error) {
      if (!(error instanceof StoreError && isLostStatement(error.cause))) throw error
      this.#lostStatements++
      return this.#run(config, isLook)
    }
  }

  /**
   * Runs a statement on the connection apart from the pool: behind nothing that the user or Docket itself asks of the pool. Where that
   * one can't be had (the server has no room for it, or this user only gets its rights in the pool), over the pool, where `elsewhere` is run.
   */
  async queryApart(
    { text, parameters }: Query,
    limitMs: number,
    elsewhere: Query = { text, parameters },
  ): Promise<readonly Row[]> {
    const config = { text, values: [...parameters] }
    let isLate = false
    try {
      return await this.#own.use(
        (client) => rowsOf(client, config),
        limitMs,
        () => {
          isLate = true
          return new StoreError(storeName, `no answer within ${limitMs} ms`, true)
        },
      )
    } catch (thrown) {
      const error = postgresError(thrown, this.server)
      if (isLate) throw error
      return this.#run({ text: elsewhere.text, values: [...elsewhere.parameters] })
    }
  }

  /** The same, and never over the pool. */
  async queryOwn({ text, parameters }: Query, limitMs: number): Promise<readonly Row[]> {
    const late = (): Error => new StoreError(storeName, `no answer within ${limitMs} ms`, true)
    try {
      return await this.#own.use((client) => rowsOf(client, { text, values: [...parameters] }), limitMs, late)
    } catch (thrown) {
      throw postgresError(thrown, this.server)
    }
  }

  /** Something that stays on the connection apart from the pool. */
  async attach(attachment: Attachment<Client>): Promise<void> {
    try {
      const late = (): Error => new StoreError(storeName, `no answer within ${connectTimeoutMs} ms`, true)
      await this.#own.attach(attachment, connectTimeoutMs, late)
    } catch (thrown) {
      throw postgresError(thrown, this.server)
    }
  }

  detach(): void {
    this.#own.detach()
  }

  /** Each statement is a transaction of its own: what lost a conflict with another one is done again. */
  async #run(config: QueryConfig, isLook = false): Promise<readonly Row[]> {
    for (let tries = 1; ; tries++)
      try {
        return await this.#runOnce(config, isLook)
      } catch (thrown) {
        if (tries === maxTries || !isConflict(thrown)) throw postgresError(thrown, this.server)
        // Not all at the same moment again.
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 2 ** tries))
      }
  }

  #runOnce(config: QueryConfig, isLook: boolean): Promise<readonly Row[]> {
    return this.#required().lend(async (client) => {
      client.on('error', ignore)
      requireText(client)
      const { name, text } = config
      const outdated = name === undefined ? undefined : this.#names.use(client, text, name)
      // It only takes room there.
      if (outdated !== undefined) await client.query(`deallocate ${outdated}`).catch(ignore)
      return this.#compiling.without(client, isLook, () => rowsOf(client, config))
    }, isAnswer)
  }

  /** Looks in the transaction that the client is in are not compiled, as those of `queryPlanned`. */
  async compileNothing(client: ClientBase): Promise<void> {
    await this.#compiling.offForTransaction(client)
  }

  /** All of it or nothing, each statement of it sees what others have committed. */
  async transaction<T>(work: (client: ClientBase) => Promise<T>): Promise<T> {
    try {
      return await this.#required().lend(async (client) => {
        client.on('error', ignore)
        requireText(client)
        await client.query(begin)
        try {
          const made = await work(client)
          await client.query('commit')
          return made
        } catch (thrown) {
          // Where it can't be rolled back, the connection is not used again.
          await client.query('rollback')
          throw thrown
        }
      }, isAnswer)
    } catch (thrown) {
      throw postgresError(thrown, this.server)
    }
  }

  /** A connection of its own for a piece of work. */
  async withClient<T>(work: (client: ClientBase) => Promise<T>): Promise<T> {
    try {
      const client = await this.#createClient()
      try {
        await client.connect()
        return await work(client)
      } finally {
        void endSoon(client)
      }
    } catch (thrown) {
      throw postgresError(thrown, this.server)
    }
  }

  async #connectApart(onLost: () => void): Promise<Client> {
    const client = await this.#createClient()
    try {
      await client.connect()
    } catch (thrown) {
      void endSoon(client)
      throw thrown
    }
    client.once('error', () => void endSoon(client))
    client.once('end', onLost)
    return client
  }

  async #createPool(url: string | undefined, max: number): Promise<Pool> {
    const { Client, Pool } = await loadDriver()
    return new Pool({
      connectionString: url,
      max,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveDelayMs,
      Client: this.#open.of(Client),
    })
  }

  /** Makes a client apart from the pool, which is not connected yet. */
  async #createClient(): Promise<Client> {
    const { url } = this.#place
    const pool = this.#place.pool as Pool | undefined
    const { Client: DriverClient } = await loadDriver()
    // A pool may have a kind of clients of its own.
    const Client = (pool?.options as { readonly Client?: typeof DriverClient } | undefined)?.Client ?? DriverClient
    const limits = {
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveDelayMs,
    }
    return this.#open.add(
      new Client(pool === undefined ? { connectionString: url, ...limits } : { ...settingsOf(pool), ...limits }),
    )
  }

  #required(): Lender<PoolClient> {
    if (this.#pool === undefined) throw new StoreError(storeName, 'it is closed', false)
    return this.#lender!
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
