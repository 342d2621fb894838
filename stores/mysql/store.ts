import type { Connection as CallbackConnection } from 'mysql2'
import type { Connection } from 'mysql2/promise'
import { OptionError } from '../../src/core/errors.ts'
import { isRecord } from '../../src/core/is-record.ts'
import type {
  AcquiredExecution,
  AcquireRequest,
  ExecutionCommit,
  ExecutionQuery,
  ExecutionRecord,
  Message,
  NewExecution,
  NewMessage,
  ResultClaim,
  ResultCommit,
  ResultState,
  StepPage,
  Store,
  StoreCapabilities,
} from '../../src/core/contracts/store.ts'
import { StoreLife } from '../sql/life.ts'
import { prepareTables } from '../sql/open-database.ts'
import { SqlReader } from '../sql/reader.ts'
import { MysqlAcquirer } from './acquire.ts'
import { MysqlClaims } from './claims.ts'
import { MysqlCommitter } from './commit.ts'
import { MysqlConnection } from './connection.ts'
import { MysqlCreator } from './create.ts'
import { MysqlDeletion } from './deletion.ts'
import { mysqlDialect } from './dialect.ts'
import { storeName } from './errors.ts'
import { MysqlMailbox } from './mailbox.ts'
import { mysqlMigrationDatabase, mysqlOwnMigrations } from './migrations.ts'
import { storeOptions } from './options.ts'
import type { MysqlPlace, MysqlStoreOptions } from './options.ts'
import { MysqlOwners } from './owners.ts'
import { MysqlResults } from './results.ts'

/**
 * A store in MySQL (from 8.0.17 on) or MariaDB (from 10.6 on), with the package `mysql2`: for any number of processes on any number of
 * machines. It can't tell others what happened, so they poll.
 * @throws OptionError
 */
export function mysqlStore(options: string | MysqlStoreOptions): Store {
  const { place, migrate } = storeOptions(options)
  return new MysqlStore(place, migrate)
}

class MysqlStore implements Store {
  readonly name = storeName
  readonly capabilities: StoreCapabilities = { transactions: true, isShared: true }
  readonly #life = new StoreLife(storeName)
  readonly #prefix: string
  readonly #mayMigrate: boolean
  readonly #connection: MysqlConnection
  readonly #owners: MysqlOwners
  readonly #creator: MysqlCreator
  readonly #committer: MysqlCommitter
  readonly #acquirer: MysqlAcquirer
  readonly #mailbox: MysqlMailbox
  readonly #deletion: MysqlDeletion
  readonly #results: MysqlResults
  readonly #claims: MysqlClaims
  readonly #reader: SqlReader

  constructor(place: MysqlPlace, mayMigrate: boolean) {
    const { prefix } = place
    const connection = new MysqlConnection(place)
    const dialect = mysqlDialect(prefix)
    const counters = `\`${prefix}counters\``
    this.#prefix = prefix
    this.#mayMigrate = mayMigrate
    this.#connection = connection
    this.#owners = new MysqlOwners(connection, dialect)
    this.#creator = new MysqlCreator(connection, dialect)
    this.#committer = new MysqlCommitter(connection, dialect)
    this.#acquirer = new MysqlAcquirer(connection, this.#owners, dialect)
    this.#mailbox = new MysqlMailbox(connection, dialect)
    this.#deletion = new MysqlDeletion(connection, this.#owners, dialect)
    this.#results = new MysqlResults(connection, dialect, counters)
    this.#claims = new MysqlClaims(connection, dialect, counters)
    this.#reader = new SqlReader(dialect, (query) => connection.query(query))
  }

  async open(): Promise<void> {
    this.#life.requireUnclosed()
    await this.#connection.open()
    const database = mysqlMigrationDatabase(this.#connection, this.#prefix)
    await prepareTables(database, mysqlOwnMigrations(this.#prefix), this.#mayMigrate)
    this.#life.opened()
  }

  async close(): Promise<void> {
    this.#life.closed()
    await this.#connection.close()
  }

  async renewOwner(owner: string, leaseMs: number): Promise<boolean> {
    this.#life.requireOpen()
    return this.#owners.renew(owner, leaseMs)
  }

  async endOwner(owner: string): Promise<void> {
    this.#life.requireOpen()
    await this.#owners.end(owner)
  }

  async create(
    executions: readonly NewExecution[],
    transaction?: unknown,
  ): Promise<readonly (ExecutionRecord | undefined)[]> {
    this.#life.requireOpen()
    return this.#creator.create(executions, transaction === undefined ? undefined : connectionOf(transaction))
  }

  async commit(commits: readonly ExecutionCommit[]): Promise<readonly boolean[]> {
    this.#life.requireOpen()
    return this.#committer.commit(commits)
  }

  async acquire(request: AcquireRequest): Promise<readonly AcquiredExecution[]> {
    this.#life.requireOpen()
    return this.#acquirer.acquire(request)
  }

  async get(ids: readonly string[]): Promise<readonly (ExecutionRecord | undefined)[]> {
    this.#life.requireOpen()
    return this.#reader.get(ids)
  }

  async list(query: ExecutionQuery): Promise<readonly ExecutionRecord[]> {
    this.#life.requireOpen()
    return this.#reader.list(query)
  }

  async readSteps(ids: readonly string[], next?: string): Promise<StepPage> {
    this.#life.requireOpen()
    return this.#reader.readSteps(ids, next)
  }

  async delete(executions: readonly Pick<ExecutionCommit, 'id' | 'owner' | 'epoch'>[]): Promise<readonly boolean[]> {
    this.#life.requireOpen()
    return this.#deletion.delete(executions)
  }

  async purge(filter: Parameters<Store['purge']>[0]): Promise<number> {
    this.#life.requireOpen()
    return this.#deletion.purge(filter)
  }

  async post(messages: readonly NewMessage[]): Promise<readonly boolean[]> {
    this.#life.requireOpen()
    return this.#mailbox.post(messages)
  }

  async readMail(owner: string, limit: number): Promise<readonly Message[]> {
    this.#life.requireOpen()
    return this.#mailbox.readMail(owner, limit)
  }

  async getResults(keys: readonly string[]): Promise<readonly (ResultState | undefined)[]> {
    this.#life.requireOpen()
    return this.#reader.getResults(keys)
  }

  async claimResults(claims: readonly ResultClaim[]): Promise<readonly ResultState[]> {
    this.#life.requireOpen()
    return this.#claims.claim(claims)
  }

  async commitResults(commits: readonly ResultCommit[]): Promise<readonly boolean[]> {
    this.#life.requireOpen()
    return this.#results.commit(commits)
  }

  async purgeResults(limit: number): Promise<number> {
    this.#life.requireOpen()
    return this.#results.purge(limit)
  }
}

/** A pool has connections of its own for each query, so no transaction. @throws OptionError */
function connectionOf(given: unknown): Connection {
  if (!isRecord(given) || typeof given['query'] !== 'function' || 'getConnection' in given)
    throw new OptionError(
      `${storeName} store: a transaction must be a connection of mysql2 on which one has been begun`,
    )
  const client = given as unknown as Connection | CallbackConnection
  return 'promise' in client && typeof client.promise === 'function' ? client.promise() : (client as Connection)
}
