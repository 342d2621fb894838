import { EventEmitter, once } from 'node:events'
import { Duplex } from 'node:stream'
import type * as driver from 'mysql2/promise'
import type { Connection, Pool, PoolConnection, ResultSetHeader } from 'mysql2/promise'
import { OptionError, StoreError } from '../../src/core/errors.ts'
import { isRecord } from '../../src/core/is-record.ts'
import type { Row } from '../sql/cells.ts'
import type { Query } from '../sql/dialect.ts'
import { openingError } from '../sql/driver-error.ts'
import { Lender } from '../sql/lender.ts'
import { loadPackage } from '../sql/load-package.ts'
import { serverOf } from '../sql/options.ts'
import { OwnConnection } from '../sql/own-connection.ts'
import { within } from '../sql/within.ts'
import { isAnswer, isConflict, mysqlError, storeName } from './errors.ts'
import { textOf } from './literals.ts'
import type { MysqlPlace } from './options.ts'
import { MysqlSession } from './session.ts'
import type { SessionSettings } from './session.ts'

const connectTimeoutMs = 10_000
/** The system looks so long after a host's last word whether that is still there, and gives it ten seconds; by default after two hours. */
const keepAliveDelayMs = 10_000
/** How long a call waits for a connection of the pool. */
const waitMs = 10_000
const checkMs = 500
const closeGraceMs = 1_000
const maxTries = 5

// Of the status that each answer has.
const inTransaction = 1
const autocommit = 2

const readCommitted = 'set transaction isolation level read committed'
const setUp = [
  'set session transaction isolation level read committed',
  `set session time_zone = '+00:00', innodb_lock_wait_timeout = 15,
    sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO'`,
]
// Of a client that is gone without a word, a server keeps what it has locked for as long as it waits for the next statement: eight hours by default.
const mariaDbSetUp = 'set session idle_transaction_timeout = 20'
// MySQL has no such setting for transactions alone, and none for how long a single statement waits for locks.
const mysqlSetUp = 'set session innodb_lock_wait_timeout = 1, wait_timeout = 300'

/** Connections to one MySQL or MariaDB: a pool of its own, or the user's, and one connection apart from it. What fails throws StoreError. */
export class MysqlConnection {
  readonly #place: MysqlPlace
  /** By the driver's connections, which live longer than what the pool gives for them. */
  readonly #settings = new WeakMap<object, SessionSettings>()
  readonly #own: OwnConnection<Connection>
  /** Connections of the own pool. */
  readonly #open = new Set<Connection>()
  #pool: Pool | undefined
  #lender: Lender<PoolConnection> | undefined

  constructor(place: MysqlPlace) {
    this.#place = place
    this.#own = new OwnConnection({
      connect: (onLost) => this.#connectApart(onLost),
      end: endOf,
      abandon: cutOff,
      isGoodAfter: isAnswer,
    })
  }

  /** How many connections the pool may have; undefined for one that doesn't show it. */
  get max(): number | undefined {
    const { pool, max } = this.#place
    return pool === undefined ? max : limitOf(pool)
  }

  /** Loads the driver and makes the pool; nothing is connected yet. Twice is fine. */
  async open(): Promise<void> {
    if (this.#pool !== undefined) return
    const { createPool } = await loadDriver()
    const { pool, max } = this.#place
    const made = pool ?? createPool({ ...this.#urlOptions(), connectionLimit: max })
    this.#pool ??= made
    if (pool === undefined) made.on('connection', (client) => this.#watch(client as unknown as Connection))
    this.#lender ??= new Lender<PoolConnection>(
      storeName,
      { connect: () => made.getConnection(), giveBack, socketOf, max: this.max, server: this.#server },
      waitMs,
    )
    if (pool !== undefined) await this.#checkPool(this.#lender)
  }

  /** Refuses a pool whose connections can't be used; one that has none to spare is checked by whoever gets one. */
  async #checkPool(lender: Lender<PoolConnection>): Promise<void> {
    try {
      await lender.lend((client) => this.#sessionOf(client, 'pool'), isAnswer, checkMs)
    } catch (thrown) {
      const error = openingError(mysqlError(thrown))
      if (!(error instanceof StoreError && error.isTransient)) throw error
    }
  }

  /** Closes the pool, unless it is the user's, once what is under way has ended or has had its time. */
  async close(): Promise<void> {
    const pool = this.#pool
    this.#pool = undefined
    await this.#own.close()
    if (pool === undefined) return
    await this.#lender!.close(closeGraceMs)
    if (this.#place.pool !== undefined) return
    const ended = pool.end().then(() => Promise.all([...this.#open].map(untilClosed)))
    // A server that does not answer does not say goodbye either.
    await within(ended, closeGraceMs, () => new Error('the server does not answer')).catch(() => {
      for (const client of this.#open) cutOff(client)
    })
  }

  /** Runs a query on some connection. */
  query(query: Query): Promise<readonly Row[]> {
    return this.withSession((session) => session.all(textOf(query)))
  }

  /** Lends a connection; one that is broken is thrown away. */
  async withSession<T>(work: (session: MysqlSession) => Promise<T>): Promise<T> {
    try {
      return await this.#required().lend(async (client) => work(await this.#sessionOf(client, this.#kind)), isAnswer)
    } catch (thrown) {
      throw mysqlError(thrown, this.#server)
    }
  }

  /**
   * Works on the connection apart from the pool: behind nothing that the user or Docket itself asks of the pool. Where that one can't be
   * had (the server has no room for it, or a pool doesn't show how it connects), over the pool.
   */
  async withSessionApart<T>(
    work: (session: MysqlSession, isApart: boolean) => Promise<T>,
    limitMs: number,
  ): Promise<T> {
    let isLate = false
    let hasBegun = false
    try {
      return await this.#own.use(
        async (client) => {
          const session = await this.#sessionOf(client, 'own')
          hasBegun = true
          return work(session, true)
        },
        limitMs,
        () => {
          isLate = true
          return new StoreError(storeName, `no answer within ${limitMs} ms`, true)
        },
      )
    } catch (thrown) {
      if (isLate || hasBegun) throw mysqlError(thrown, this.#server)
      return this.withSession((session) => work(session, false))
    }
  }

  /** The same, and never over the pool. */
  async withSessionOwn<T>(work: (session: MysqlSession) => Promise<T>, limitMs: number): Promise<T> {
    const late = (): Error => new StoreError(storeName, `no answer within ${limitMs} ms`, true)
    try {
      return await this.#own.use(async (client) => work(await this.#sessionOf(client, 'own')), limitMs, late)
    } catch (thrown) {
      throw mysqlError(thrown, this.#server)
    }
  }

  /** A connection of its own for a piece of work of any length; where there is none to be had, one of the pool. */
  async withSessionAlone<T>(work: (session: MysqlSession) => Promise<T>): Promise<T> {
    let client: Connection
    try {
      client = await this.#connectApart(ignore)
    } catch {
      return this.withSession(work)
    }
    try {
      return await work(await this.#sessionOf(client, 'own'))
    } catch (thrown) {
      throw mysqlError(thrown, this.#server)
    } finally {
      within(endOf(client), closeGraceMs, () => new Error('the server does not answer')).catch(() => cutOff(client))
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
    if (this.#place.pool !== undefined) await session.run(readCommitted)
    return session.inTransaction(work)
  }

  /** Works in the transaction that a caller has begun. */
  async within<T>(client: Connection, work: (session: MysqlSession) => Promise<T>): Promise<T> {
    try {
      await requireTransaction(client)
      return await work(await this.#sessionOf(client, 'transaction'))
    } catch (thrown) {
      throw mysqlError(thrown, this.#server)
    }
  }

  #watch(client: Connection): void {
    this.#open.add(client)
    client.on('end' as 'error', () => void this.#open.delete(client))
    client.on('error', () => void this.#open.delete(client))
  }

  get #kind(): ConnectionKind {
    return this.#place.pool === undefined ? 'own' : 'pool'
  }

  async #sessionOf(client: Connection, kind: ConnectionKind): Promise<MysqlSession> {
    const inner = (client as { readonly connection?: object }).connection ?? client
    const known = this.#settings.get(inner)
    if (known !== undefined) return new MysqlSession(client, known)
    const session = new MysqlSession(client, { maxPacket: Number.POSITIVE_INFINITY, isDirty: false, isMariaDb: false })
    guard(inner)
    if (kind === 'own') for (const statement of setUp) await session.run(statement)
    const [row] = await session.all(`select @@max_allowed_packet as packet, @@character_set_client as charset,
      find_in_set('NO_BACKSLASH_ESCAPES', @@sql_mode) as isUnescaped, @@autocommit as isAutocommit, @@version as version`)
    requireUsable(row!, kind)
    const isDirty = kind === 'pool' && (await readsUncommitted(session))
    const isMariaDb = String(row!['version']).includes('MariaDB')
    if (kind === 'own') await session.run(isMariaDb ? mariaDbSetUp : mysqlSetUp)
    const settings = { maxPacket: row!['packet'] as number, isDirty, isMariaDb }
    // A caller's connection may have another level in its next transaction.
    if (kind !== 'transaction') this.#settings.set(inner, settings)
    return new MysqlSession(client, settings)
  }

  #urlOptions(): driver.ConnectionOptions {
    return {
      uri: this.#place.url!.replace(/^mariadb:/, 'mysql:'),
      charset: 'utf8mb4',
      timezone: 'Z',
      connectTimeout: connectTimeoutMs,
      enableKeepAlive: true,
      keepAliveInitialDelay: keepAliveDelayMs,
    }
  }

  async #connectApart(onLost: () => void): Promise<Connection> {
    const { createConnection } = await loadDriver()
    const { pool } = this.#place
    const options = pool === undefined ? this.#urlOptions() : settingsOf(pool)
    if (options === undefined)
      throw new StoreError(
        storeName,
        `the options of the pool, with which another connection would be made, can't be read; give the store a url instead`,
        false,
      )
    const client = await createConnection(options)
    const lose = (): void => {
      cutOff(client)
      onLost()
    }
    client.on('error', lose)
    client.on('end' as 'error', onLost)
    return client
  }

  /** Where the own pool connects to; of the user's, the driver's error says it. */
  get #server(): string | undefined {
    const { url } = this.#place
    return url === undefined ? undefined : serverOf(url, 3306)
  }

  #required(): Lender<PoolConnection> {
    if (this.#pool === undefined) throw new StoreError(storeName, 'it is closed', false)
    return this.#lender!
  }
}

/**
 * Each answer says how the connection is: not in a transaction, though statements are committed by themselves. MySQL has no other
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

function requireUsable({ charset, isUnescaped, isAutocommit }: Row, kind: ConnectionKind): void {
  if (charset !== 'utf8mb4')
    throw new StoreError(
      storeName,
      `the connection's character set is ${String(charset)}, which does not have every character; give the pool charset: 'utf8mb4'`,
      false,
    )
  if (isUnescaped !== 0)
    throw new StoreError(
      storeName,
      `the connection's sql_mode has NO_BACKSLASH_ESCAPES, with which the strings that the driver escapes are not safe; remove it`,
      false,
    )
  if (kind !== 'transaction' && isAutocommit !== 1)
    throw new StoreError(
      storeName,
      'the connections of the pool have autocommit off, so nothing would be written; leave it on, and begin transactions where you need them',
      false,
    )
}

/** Whose connection it is: the store's, one of the user's pool, or one on which the caller has begun a transaction. */
type ConnectionKind = 'own' | 'pool' | 'transaction'

/** Whether single statements read what others have not committed. */
async function readsUncommitted(session: MysqlSession): Promise<boolean> {
  // MySQL and MariaDB have different names for it.
  const rows = await session.all(`show variables where variable_name in ('transaction_isolation', 'tx_isolation')`)
  return rows.some((row) => Object.values(row).includes('READ-UNCOMMITTED'))
}

/** What the driver keeps of a pool's options, or undefined: it has no other name for them. */
function configOf(pool: Pool): Readonly<Record<string, unknown>> | undefined {
  const inner: unknown = (pool as { readonly pool?: unknown }).pool
  return isRecord(inner) && isRecord(inner['config']) ? inner['config'] : undefined
}

function limitOf(pool: Pool): number | undefined {
  const limit = configOf(pool)?.['connectionLimit']
  return typeof limit === 'number' ? limit : undefined
}

// They stand among a pool's options, and are none.
const madeOfOptions = new Set(['clientFlags', 'maxPacketSize', 'pool'])

/** What a pool connects with. */
function settingsOf(pool: Pool): driver.ConnectionOptions | undefined {
  const config = configOf(pool)?.['connectionConfig']
  if (!isRecord(config)) return undefined
  return Object.fromEntries(
    Object.entries(config).filter(([name, value]) => value !== undefined && !madeOfOptions.has(name)),
  )
}

/** Ends a connection at once. The driver itself waits until the server has closed its half. */
function cutOff(client: Connection): void {
  client.destroy()
  const socket = socketOf(client)
  if (socket instanceof Duplex) socket.destroy()
}

/** What a client is connected by. */
function socketOf(client: Connection): unknown {
  const inner: unknown = (client as { readonly connection?: unknown }).connection ?? client
  return isRecord(inner) ? inner['stream'] : undefined
}

/** Says goodbye, which is all that the driver waits for, and waits until the server has done so too: one that does not answer keeps the process alive. */
async function endOf(client: Connection): Promise<void> {
  await client.end()
  await untilClosed(client)
}

async function untilClosed(client: Connection): Promise<void> {
  const socket = socketOf(client)
  if (socket instanceof Duplex && !socket.destroyed) await once(socket, 'close')
}

function giveBack(client: PoolConnection, isGood: boolean): void {
  if (isGood) client.release()
  else cutOff(client)
}

/** Connections that have the listener; several stores may share a user's pool. */
const guarded = new WeakSet<object>()

/** A connection that dies while no query runs emits an error; without a listener that would end the process. */
function guard(client: object): void {
  if (guarded.has(client) || !(client instanceof EventEmitter)) return
  guarded.add(client)
  client.on('error', ignore)
}

function ignore(): void {}

function loadDriver(): Promise<Pick<typeof driver, 'createPool' | 'createConnection'>> {
  return loadPackage(storeName, 'mysql2', () => import('mysql2/promise'))
}
