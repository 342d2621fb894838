import type { Store } from '../../src/core/contracts/store.ts'
import { generousLimits } from '../../src/core/contracts/store-limits.ts'
import { SqlOutbox } from '../sql/outbox.ts'
import { SqlReader } from '../sql/reader.ts'
import { SqlSessions } from '../sql/sessions.ts'
import { SqlStore } from '../sql/sql-store.ts'
import { MysqlAcquirer } from './acquirer.ts'
import { mysqlActs } from './acts.ts'
import { MysqlClaims } from './claims.ts'
import { MysqlCommitter } from './committer.ts'
import { MysqlConnection } from './connection.ts'
import { MysqlCreator } from './creator.ts'
import { MysqlDeletion } from './deletion.ts'
import { mysqlDialect } from './dialect.ts'
import { textOf } from './literals.ts'
import { storeName } from './errors.ts'
import { mysqlEvents } from './events.ts'
import { MysqlMailbox } from './mailbox.ts'
import { mysqlMigrationDatabase, mysqlOwnMigrations } from './migrations.ts'
import { mysqlOptions } from './options.ts'
import type { MysqlStoreOptions } from './options.ts'
import { MysqlOwners } from './owners.ts'
import { mysqlQueues } from './queues.ts'
import { MysqlResults } from './results.ts'
import { mysqlSchedules } from './schedules.ts'
import { mysqlSharedStates } from './shared-states.ts'
import { MysqlSessionLocks } from './session-locks.ts'

/**
 * A store in MySQL (from 8.0.17 on) or MariaDB (from 10.6 on), with the package `mysql2`: for any number of processes on any number of
 * machines. It can't notify others of what happened, so they poll.
 * @throws OptionError
 */
export function mysqlStore(options: string | MysqlStoreOptions): Store {
  const { place, migrate, watchesSessions } = mysqlOptions.ofStore(options)
  const { prefix } = place
  const connection = new MysqlConnection(place)
  const dialect = mysqlDialect(prefix)
  const counters = `\`${prefix}counters\``
  const locks = new MysqlSessionLocks(connection, dialect)
  const sessions = watchesSessions ? new SqlSessions(locks) : undefined
  const owners = new MysqlOwners(connection, dialect, sessions && { sessions, locks })
  const reader = new SqlReader(dialect, (query) => connection.query(query))
  return new SqlStore({
    name: storeName,
    capabilities: { transactions: true, isShared: true, isServer: true },
    limits: generousLimits,
    connection,
    tables: {
      database: mysqlMigrationDatabase(connection, prefix),
      migrations: mysqlOwnMigrations(prefix),
      mayMigrate: migrate,
    },
    owners,
    creator: new MysqlCreator(connection, dialect),
    committer: new MysqlCommitter(connection, dialect),
    acquirer: new MysqlAcquirer(connection, owners, dialect),
    mailbox: new MysqlMailbox(connection, dialect, reader),
    outbox: new SqlOutbox(
      dialect,
      (query) => connection.query(query),
      (query) => connection.transaction((session) => session.run(textOf(query))),
    ),
    acts: mysqlActs(connection, dialect),
    deletion: new MysqlDeletion(connection, owners, dialect),
    events: mysqlEvents(connection, dialect),
    schedules: mysqlSchedules(connection, dialect),
    shared: mysqlSharedStates(connection, dialect),
    queues: mysqlQueues(connection, dialect),
    results: new MysqlResults(connection, dialect, counters),
    claims: new MysqlClaims(connection, dialect, counters),
    reader,
    sessions,
    diagnose: async () => (await import('./diagnosis.ts')).diagnoseMysql(connection),
  })
}
