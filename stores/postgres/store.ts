import type { ClientBase } from 'pg'
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
  StoreHint,
} from '../../src/core/contracts/store.ts'
import { StoreLife } from '../sql/life.ts'
import { prepareTables } from '../sql/open-database.ts'
import { SqlReader } from '../sql/reader.ts'
import { PostgresAcquirer } from './acquire.ts'
import { PostgresClaims } from './claims.ts'
import { PostgresCommitter } from './commit.ts'
import { PostgresConnection } from './connection.ts'
import { PostgresCreator } from './create.ts'
import { PostgresDeletion } from './deletion.ts'
import { postgresDialect } from './dialect.ts'
import { storeName } from './errors.ts'
import { channelOf } from './hints.ts'
import { PostgresListener } from './listener.ts'
import { PostgresMailbox } from './mailbox.ts'
import { postgresMigrationDatabase, postgresOwnMigrations } from './migrations.ts'
import { PostgresTeller } from './teller.ts'
import { storeOptions } from './options.ts'
import type { PostgresPlace, PostgresStoreOptions } from './options.ts'
import { PostgresOwners } from './owners.ts'
import { PostgresResults } from './results.ts'

/**
 * A store in PostgreSQL, with the package `pg`: for any number of processes on any number of machines.
 * @throws OptionError
 */
export function postgresStore(options: string | PostgresStoreOptions): Store {
  const { place, migrate } = storeOptions(options)
  return new PostgresStore(place, migrate)
}

class PostgresStore implements Store {
  readonly name = storeName
  readonly capabilities: StoreCapabilities = { transactions: true, isShared: true }
  readonly #life = new StoreLife(storeName)
  readonly #schema: string
  readonly #mayMigrate: boolean
  readonly #connection: PostgresConnection
  readonly #owners: PostgresOwners
  readonly #creator: PostgresCreator
  readonly #committer: PostgresCommitter
  readonly #acquirer: PostgresAcquirer
  readonly #mailbox: PostgresMailbox
  readonly #deletion: PostgresDeletion
  readonly #results: PostgresResults
  readonly #claims: PostgresClaims
  readonly #reader: SqlReader
  readonly #teller: PostgresTeller
  readonly #listener: PostgresListener

  constructor(place: PostgresPlace, mayMigrate: boolean) {
    const { schema } = place
    const connection = new PostgresConnection(place)
    const dialect = postgresDialect(schema)
    const channel = channelOf(schema)
    this.#schema = schema
    this.#mayMigrate = mayMigrate
    this.#connection = connection
    this.#owners = new PostgresOwners(connection, dialect)
    this.#teller = new PostgresTeller(connection, channel)
    this.#creator = new PostgresCreator(connection, dialect, this.#teller)
    this.#committer = new PostgresCommitter(connection, dialect, this.#teller)
    this.#acquirer = new PostgresAcquirer(connection, dialect)
    this.#mailbox = new PostgresMailbox(connection, dialect, this.#teller)
    this.#deletion = new PostgresDeletion(connection, dialect)
    this.#results = new PostgresResults(connection, dialect, this.#teller)
    this.#claims = new PostgresClaims(connection, dialect, schema)
    this.#reader = new SqlReader(dialect, (query) => connection.query(query))
    this.#listener = new PostgresListener(connection, channel)
  }

  async open(): Promise<void> {
    this.#life.requireUnclosed()
    await this.#connection.open()
    const database = postgresMigrationDatabase(this.#connection, this.#schema)
    await prepareTables(database, postgresOwnMigrations(this.#schema), this.#mayMigrate)
    this.#life.opened()
  }

  async close(): Promise<void> {
    this.#life.closed()
    await this.#listener.close()
    await this.#teller.close()
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
    if (transaction !== undefined && !isClient(transaction))
      throw new OptionError(`${storeName} store: a transaction must be a client of pg on which one has been begun`)
    if (transaction !== undefined) await this.#connection.requireTransaction(transaction)
    return this.#creator.create(executions, transaction)
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
    return this.#reader.readMail(owner, limit)
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

  async subscribe(listener: (hint: StoreHint) => void): Promise<() => Promise<void>> {
    this.#life.requireOpen()
    return this.#listener.add(listener)
  }
}

/** A pool has connections of its own for each query, so no transaction. */
function isClient(value: unknown): value is ClientBase {
  return isRecord(value) && typeof value['query'] === 'function' && !('totalCount' in value)
}
