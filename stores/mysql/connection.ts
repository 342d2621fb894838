import { EventEmitter } from 'node:events'
import type * as driver from 'mysql2/promise'
import type { Connection, Pool, PoolConnection, ResultSetHeader } from 'mysql2/promise'
import { OptionError, StoreError } from '../../src/core/errors.ts'
import type { Row } from '../sql/cells.ts'
import type { Query } from '../sql/dialect.ts'
import { loadPackage } from '../sql/load-package.ts'
import { serverOf } from '../sql/options.ts'
import { isAnswer, isConflict, mysqlError, storeName } from './errors.ts'
import { textOf } from './literals.ts'
import type { MysqlPlace } from './options.ts'
import { MysqlSession } from './session.ts'

const connectTimeoutMs = 10_000
const maxTries = 5

// Of the status that each answer has.
const inTransaction = 1
const autocommit = 2

const setUp = [
  'set session transaction isolation level read committed',
  `set session time_zone = '+00:00', innodb_lock_wait_timeout = 15,
    sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO'`,
]

/** Connections to one MySQL or MariaDB: a pool of its own, or the user's. What fails throws StoreError. */
export class MysqlConnection {
  readonly #place: MysqlPlace
  /** By the driver's connections, which live longer than what the pool gives for them. */
  readonly #maxPackets = new WeakMap<object, number>()
  #pool: Pool | undefined

  constructor(place: MysqlPlace) {
    this.#place = place
  }

  /** Loads the driver and makes the pool; nothing is connected yet. Twice is fine. */
  async open(): Promise<void> {
    if (this.#pool !== undefined) return
    const { url, pool, max } = this.#place
    this.#pool = pool
    if (pool !== undefined) return
    const { createPool } = await loadDriver()
    this.#pool ??= createPool({
      uri: url!.replace(/^mariadb:/, 'mysql:'),
      connectionLimit: max,
      charset: 'utf8mb4',
      timezone: 'Z',
      connectTimeout: connectTimeoutMs,
      enableKeepAlive: true,
    })
  }

  /** Closes the pool, unless it is the user's. */
  async close(): Promise<void> {
    const pool = this.#pool
    this.#pool = undefined
    if (pool === undefined || this.#place.pool !== undefined) return
    try {
      await pool.end()
    } catch (thrown) {
      throw mysqlError(thrown, this.#server)
    }
  }

  /** Runs a query on some connection. */
  query(query: Query): Promise<readonly Row[]> {
    return this.withSession((session) => session.all(textOf(query)))
  }

  /** Lends a connection; one that is broken is thrown away. */
  async withSession<T>(work: (session: MysqlSession) => Promise<T>): Promise<T> {
    try {
      const client = await this.#required().getConnection()
      let isGood = false
      try {
        const made = await work(await this.#sessionOf(client))
        isGood = true
        return made
      } catch (thrown) {
        isGood = isAnswer(thrown)
        throw thrown
      } finally {
        giveBack(client, isGood)
      }
    } catch (thrown) {
      throw mysqlError(thrown, this.#server)
    }
  }

  /** All of it or nothing. What lost a conflict with another transaction is done again. */
  async transaction<T>(work: (session: MysqlSession) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++)
      try {
        return await this.withSession((session) => this.#transact(session, work))
      } catch (thrown) {
        if (tries === maxTries || !(thrown instanceof StoreError) || !isConflict(thrown.cause)) throw thrown
      }
  }

  async #transact<T>(session: MysqlSession, work: (session: MysqlSession) => Promise<T>): Promise<T> {
    // The user's connections keep their own level for their own work.
    if (this.#place.pool !== undefined) await session.run('set transaction isolation level read committed')
    await session.run('start transaction')
    try {
      const made = await work(session)
      await session.run('commit')
      return made
    } catch (thrown) {
      try {
        await session.run('rollback')
      } catch (cause) {
        // Not known to be rolled back: the connection must not be used again.
        throw isAnswer(thrown) ? cause : thrown
      }
      throw thrown
    }
  }

  /** Works in the transaction that a caller has begun. */
  async within<T>(client: Connection, work: (session: MysqlSession) => Promise<T>): Promise<T> {
    try {
      await requireTransaction(client)
      return await work(await this.#sessionOf(client, true))
    } catch (thrown) {
      throw mysqlError(thrown, this.#server)
    }
  }

  async #sessionOf(client: Connection, isCallers = this.#place.pool !== undefined): Promise<MysqlSession> {
    const inner = (client as { readonly connection?: object }).connection ?? client
    const known = this.#maxPackets.get(inner)
    if (known !== undefined) return new MysqlSession(client, known)
    const session = new MysqlSession(client, Number.POSITIVE_INFINITY)
    guard(inner)
    if (!isCallers) for (const statement of setUp) await session.run(statement)
    const [row] = await session.all(`select @@max_allowed_packet as packet, @@character_set_client as charset,
      find_in_set('NO_BACKSLASH_ESCAPES', @@sql_mode) as isUnescaped`)
    requireUsable(row!)
    const maxPacket = row!['packet'] as number
    this.#maxPackets.set(inner, maxPacket)
    return new MysqlSession(client, maxPacket)
  }

  /** Where the own pool connects to; a pool of the user's is told by what fails. */
  get #server(): string | undefined {
    const { url } = this.#place
    return url === undefined ? undefined : serverOf(url, 3306)
  }

  #required(): Pool {
    if (this.#pool === undefined) throw new StoreError(storeName, 'it is closed', false)
    return this.#pool
  }
}

/**
 * Each answer tells how the connection is: not in a transaction, though statements are committed by themselves. MySQL has no other
 * way to ask.
 * @throws OptionError
 */
async function requireTransaction(client: Connection): Promise<void> {
  const [answer] = await client.query<ResultSetHeader>('do 0')
  const status = (answer as { readonly serverStatus?: number }).serverStatus
  if (status === undefined || (status & inTransaction) !== 0 || (status & autocommit) === 0) return
  throw new OptionError(
    `${storeName} store: no transaction has been begun on the connection that was given as one; run start transaction on it first`,
  )
}

function requireUsable({ charset, isUnescaped }: Row): void {
  if (charset !== 'utf8mb4')
    throw new StoreError(
      storeName,
      `the connection's character set is ${String(charset)}, which does not have every character; give the pool charset: 'utf8mb4'`,
      false,
    )
  if (isUnescaped !== 0)
    throw new StoreError(
      storeName,
      `the connection's sql_mode has NO_BACKSLASH_ESCAPES, with which the driver's texts are not safe; take it away`,
      false,
    )
}

function giveBack(client: PoolConnection, isGood: boolean): void {
  if (isGood) client.release()
  else client.destroy()
}

/** Connections that have the listener; several stores may share a user's pool. */
const guarded = new WeakSet<object>()

/** A connection that dies while nothing is asked of it tells of it; without a listener that would end the process. */
function guard(client: object): void {
  if (guarded.has(client) || !(client instanceof EventEmitter)) return
  guarded.add(client)
  client.on('error', ignore)
}

function ignore(): void {}

function loadDriver(): Promise<Pick<typeof driver, 'createPool'>> {
  return loadPackage(storeName, 'mysql2', () => import('mysql2/promise'))
}
