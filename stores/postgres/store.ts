import type { Store } from '../../src/core/contracts/store.ts'
import { SqlOutbox } from '../sql/outbox.ts'
import { SqlReader } from '../sql/reader.ts'
import { SqlSessions } from '../sql/sessions.ts'
import { SqlStore } from '../sql/sql-store.ts'
import { PostgresAcquirer } from './acquirer.ts'
import { postgresActs } from './acts.ts'
import { PostgresClaims } from './claims.ts'
import { PostgresCommitter } from './committer.ts'
import { PostgresConnection } from './connection.ts'
import { PostgresCreator } from './creator.ts'
import { PostgresDeletion } from './deletion.ts'
import { postgresDialect, postgresLimits } from './dialect.ts'
import { storeName } from './errors.ts'
import { postgresEvents } from './events.ts'
import { PostgresHints } from './hints.ts'
import { PostgresMailbox } from './mailbox.ts'
import { postgresMigrationDatabase, postgresOwnMigrations } from './migrations.ts'
import { postgresOptions } from './options.ts'
import type { PostgresStoreOptions } from './options.ts'
import { PostgresOwners } from './owners.ts'
import { postgresQueues } from './queues.ts'
import { PostgresResults } from './results.ts'
import { postgresSchedules } from './schedules.ts'
import { postgresSharedStates } from './shared-states.ts'
import { PostgresSessionLocks } from './session-locks.ts'

/**
 * A store in PostgreSQL, with the package `pg`: for any number of processes on any number of machines.
 * @throws OptionError
 */
export function postgresStore(options: string | PostgresStoreOptions): Store {
  const { place, migrate, watchesSessions } = postgresOptions.ofStore(options)
  const { schema } = place
  const connection = new PostgresConnection(place)
  const dialect = postgresDialect(schema)
  const hints = new PostgresHints(connection, schema)
  const locks = new PostgresSessionLocks(connection, dialect, schema)
  const sessions = watchesSessions ? new SqlSessions(locks) : undefined
  const reader = new SqlReader(
    dialect,
    (query) => connection.query(query),
    (query) => connection.queryPrepared(query),
  )
  return new SqlStore({
    name: storeName,
    capabilities: { transactions: true, isShared: true, isServer: true },
    limits: postgresLimits,
    connection,
    tables: {
      database: postgresMigrationDatabase(connection, schema),
      migrations: postgresOwnMigrations(schema),
      mayMigrate: migrate,
    },
    owners: new PostgresOwners(connection, dialect, sessions && { sessions, locks }, hints),
    creator: new PostgresCreator(connection, dialect, hints.sender),
    committer: new PostgresCommitter(connection, dialect, hints.sender),
    acquirer: new PostgresAcquirer(connection, dialect),
    mailbox: new PostgresMailbox(connection, dialect, hints.sender, reader),
    outbox: new SqlOutbox(
      dialect,
      (query) => connection.query(query),
      (query) => connection.query(query),
    ),
    acts: postgresActs(connection, dialect),
    deletion: new PostgresDeletion(connection, dialect),
    events: postgresEvents(connection, dialect, hints.sender),
    schedules: postgresSchedules(connection, dialect, hints.sender),
    shared: postgresSharedStates(connection, dialect, hints.sender),
    queues: postgresQueues(connection, dialect, hints.sender),
    results: new PostgresResults(connection, dialect, hints.sender),
    claims: new PostgresClaims(connection, dialect, schema),
    reader,
    sessions,
    hints,
    diagnose: async () => (await import('./diagnosis.ts')).diagnosePostgres(connection, schema),
  })
}
