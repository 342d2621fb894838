import { StoreError } from '../../src/core/errors.ts'
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
import { SqliteAcquirer } from './acquire.ts'
import { SqliteDatabase } from './database.ts'
import { sqliteDialect } from './dialect.ts'
import { storeName } from './errors.ts'
import { SqliteExecutions } from './executions.ts'
import { sqliteMigrationDatabase, sqliteOwnMigrations } from './migrations.ts'
import { storeOptions } from './options.ts'
import type { SqliteStoreOptions } from './options.ts'
import { SqliteOwners } from './owners.ts'
import { SqliteResults } from './results.ts'

/**
 * A store in a SQLite file, with Node's own SQLite: for one machine, and for tests with `':memory:'`. Several processes can share a
 * file. Its calls do their work at once, on the thread that makes them.
 * @throws OptionError
 */
export function sqliteStore(options: string | SqliteStoreOptions): Store {
  return new SqliteStore(storeOptions(options))
}

class SqliteStore implements Store {
  readonly name = storeName
  readonly capabilities: StoreCapabilities
  readonly #life = new StoreLife(storeName)
  readonly #database: SqliteDatabase
  readonly #mayMigrate: boolean
  readonly #owners: SqliteOwners
  readonly #executions: SqliteExecutions
  readonly #acquirer: SqliteAcquirer
  readonly #results: SqliteResults
  readonly #reader: SqlReader

  constructor({ place, migrate, now }: ReturnType<typeof storeOptions>) {
    const dialect = sqliteDialect(now)
    const database = new SqliteDatabase(place)
    const isInFile = place.database === undefined ? place.path !== ':memory:' : hasFile(place.database)
    this.capabilities = { transactions: place.database !== undefined, isShared: isInFile }
    this.#database = database
    this.#mayMigrate = migrate
    this.#owners = new SqliteOwners(database, now)
    this.#executions = new SqliteExecutions(database, dialect, now)
    this.#acquirer = new SqliteAcquirer(database, this.#owners)
    this.#results = new SqliteResults(database, this.#owners, dialect, now)
    this.#reader = new SqlReader(dialect, (query) => database.query(query))
  }

  async open(): Promise<void> {
    this.#life.requireUnclosed()
    this.#database.open()
    await prepareTables(sqliteMigrationDatabase(this.#database), sqliteOwnMigrations, this.#mayMigrate)
    this.#life.opened()
  }

  async close(): Promise<void> {
    this.#life.closed()
    this.#database.close()
  }

  async renewOwner(owner: string, leaseMs: number): Promise<boolean> {
    this.#life.requireOpen()
    return this.#owners.renew(owner, leaseMs)
  }

  async endOwner(owner: string): Promise<void> {
    this.#life.requireOpen()
    this.#owners.end(owner)
  }

  async create(
    executions: readonly NewExecution[],
    transaction?: unknown,
  ): Promise<readonly (ExecutionRecord | undefined)[]> {
    this.#life.requireOpen()
    if (transaction !== undefined && !this.#database.isHandle(transaction))
      throw new StoreError(
        storeName,
        'a transaction must be begun on the very connection given as the option database',
        false,
      )
    return this.#executions.create(executions, transaction !== undefined)
  }

  async commit(commits: readonly ExecutionCommit[]): Promise<readonly boolean[]> {
    this.#life.requireOpen()
    return this.#executions.commit(commits)
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
    return this.#executions.delete(executions)
  }

  async purge(filter: Parameters<Store['purge']>[0]): Promise<number> {
    this.#life.requireOpen()
    return this.#executions.purge(filter)
  }

  async post(messages: readonly NewMessage[]): Promise<readonly boolean[]> {
    this.#life.requireOpen()
    return this.#executions.post(messages)
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
    return this.#results.claim(claims)
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

function hasFile(database: NonNullable<SqliteStoreOptions['database']>): boolean {
  return database.isOpen && (database.location() ?? '') !== ''
}
