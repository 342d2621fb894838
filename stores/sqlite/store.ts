import type { Store } from '../../src/core/contracts/store.ts'
import { generousLimits } from '../../src/core/contracts/store-limits.ts'
import type { Cell } from '../sql/cells.ts'
import { SqlOutbox } from '../sql/outbox.ts'
import { SqlReader } from '../sql/reader.ts'
import { SqlStore } from '../sql/sql-store.ts'
import { SqliteAcquirer } from './acquirer.ts'
import { sqliteActs } from './acts.ts'
import { SqliteClaims } from './claims.ts'
import { SqliteCommitter } from './committer.ts'
import { SqliteConnection } from './connection.ts'
import { SqliteCreator } from './creator.ts'
import { SqliteDeletion } from './deletion.ts'
import { sqliteDialect } from './dialect.ts'
import { storeName } from './errors.ts'
import { sqliteEvents } from './events.ts'
import { sqliteQueues } from './queues.ts'
import { SqliteMailbox } from './mailbox.ts'
import { sqliteMigrationDatabase, sqliteOwnMigrations } from './migrations.ts'
import { storeOptions } from './options.ts'
import type { SqliteStoreOptions } from './options.ts'
import { SqliteOwners } from './owners.ts'
import { SqliteResults } from './results.ts'
import { sqliteSchedules } from './schedules.ts'
import { sqliteSharedStates } from './shared-states.ts'

/**
 * A store in a SQLite file, with Node's own SQLite: for one machine, and for tests with `':memory:'`. Several processes can share a
 * file. Its calls do their work at once, on the thread that makes them.
 * @throws OptionError
 */
export function sqliteStore(options: string | SqliteStoreOptions): Store {
  const { place, migrate, times } = storeOptions(options)
  const { now } = times
  const connection = new SqliteConnection(place)
  const owners = new SqliteOwners(connection, times)
  const dialect = sqliteDialect(now, owners)
  const reader = new SqlReader(dialect, (query) => connection.query(query))
  const isInFile = place.database === undefined ? place.path !== ':memory:' : hasFile(place.database)
  return new SqlStore({
    name: storeName,
    capabilities: { transactions: place.database !== undefined, isShared: isInFile },
    limits: generousLimits,
    connection,
    tables: { database: sqliteMigrationDatabase(connection), migrations: sqliteOwnMigrations, mayMigrate: migrate },
    owners,
    creator: new SqliteCreator(connection, dialect),
    committer: new SqliteCommitter(connection),
    acquirer: new SqliteAcquirer(connection, owners),
    mailbox: new SqliteMailbox(connection, reader),
    outbox: new SqlOutbox(
      dialect,
      (query) => connection.query(query),
      (query) => connection.transaction(() => connection.run(query.text, ...(query.parameters as Cell[]))),
    ),
    acts: sqliteActs(connection, dialect),
    deletion: new SqliteDeletion(connection, owners),
    events: sqliteEvents(connection, dialect),
    schedules: sqliteSchedules(connection, dialect),
    shared: sqliteSharedStates(connection, dialect),
    queues: sqliteQueues(connection, dialect),
    results: new SqliteResults(connection, owners, dialect, now),
    claims: new SqliteClaims(connection, owners, dialect, now),
    reader,
    diagnose: async () => (await import('./diagnosis.ts')).diagnoseSqlite(connection, place),
  })
}

function hasFile(database: NonNullable<SqliteStoreOptions['database']>): boolean {
  return database.isOpen && (database.location() ?? '') !== ''
}
