import { createMigrations } from '../sql/migrations.ts'
import type { Migrations } from '../sql/migrations.ts'
import { mayBeOverdue } from '../sql/tables.ts'
import { firstMigration } from '../sql/first-migration.ts'
import type { SqlTypes } from '../sql/first-migration.ts'
import type { Migration, MigrationDatabase, RecordedMigration } from '../sql/migration.ts'
import { toSqlTime, fromSqlTime } from '../sql/times.ts'
import { SqliteConnection } from './connection.ts'
import { sqliteError, storeName } from './errors.ts'
import { migrationOptions } from './options.ts'
import type { SqliteMigrationOptions } from './options.ts'

// JSON columns have no check: SQLite's json_valid refuses documents that are nested more than 1,000 deep, which are values all the same.
const types: SqlTypes = {
  key: 'text',
  name: 'text',
  word: 'text',
  integer: 'integer',
  number: 'real',
  time: 'text',
  json: 'text',
  bytes: 'blob',
  tableEnd: () => ' strict',
  table: (name) => `docket_${name}`,
  index: ({ name, table, columns, where }) =>
    `create index ${name} on docket_${table} (${columns.join(', ')})${where === undefined ? '' : ` where ${where}`}`,
}

const first = firstMigration(types)

/** Docket's own migrations. */
export const sqliteOwnMigrations: readonly Migration[] = [
  {
    version: 1,
    name: 'tables',
    up: [...first.up, 'create table docket_counters (name text not null primary key, value integer not null) strict'],
    down: ['drop table docket_counters', ...first.down],
  },
  {
    version: 2,
    name: 'deadlines',
    up: [
      'alter table docket_executions add column deadline text',
      `create index docket_executions_deadline on docket_executions (deadline) where ${mayBeOverdue}`,
    ],
    down: ['drop index docket_executions_deadline', 'alter table docket_executions drop column deadline'],
  },
  {
    version: 3,
    name: 'leases by the machine',
    up: [
      'alter table docket_owners add column lease_seen real default 0 not null',
      'alter table docket_owners add column lease_until real default 0 not null',
    ],
    down: ['alter table docket_owners drop column lease_until', 'alter table docket_owners drop column lease_seen'],
  },
  {
    version: 4,
    name: 'workers',
    up: ['alter table docket_owners add column worker text'],
    down: ['alter table docket_owners drop column worker'],
  },
  {
    version: 5,
    name: 'numbers of calls',
    up: ['alter table docket_executions add column last_sequence integer default 0 not null'],
    down: ['alter table docket_executions drop column last_sequence'],
  },
]

/** The migrations of a SQLite database. @throws OptionError */
export function sqliteMigrations(options: string | SqliteMigrationOptions): Migrations {
  const { place, directories } = migrationOptions(options)
  return createMigrations(sqliteMigrationDatabase(new SqliteConnection(place)), sqliteOwnMigrations, directories)
}

/** Runs migrations in one transaction that excludes every other one. */
export function sqliteMigrationDatabase(database: SqliteConnection): MigrationDatabase {
  const recorded = (): readonly RecordedMigration[] => {
    const table = database.first(`select 1 from sqlite_master where type = 'table' and name = 'docket_migrations'`)
    if (table === undefined) return []
    return database.all('select version, name, applied_at from docket_migrations order by version').map((row) => ({
      version: row['version'] as number,
      name: row['name'] as string,
      appliedAt: new Date(fromSqlTime(row['applied_at'])),
    }))
  }
  return {
    store: storeName,
    async recorded() {
      await database.open()
      try {
        return recorded()
      } catch (thrown) {
        throw sqliteError(thrown)
      }
    },
    async migrate(plan) {
      await database.open()
      await database.useLog()
      return database.transaction(() => {
        database.exec(
          'create table if not exists docket_migrations (version integer primary key, name text not null, applied_at text not null) strict',
        )
        const moves = plan(recorded())
        for (const { direction, migration } of moves) {
          for (const statement of migration[direction]) database.exec(statement)
          if (direction === 'down') database.run('delete from docket_migrations where version = ?', migration.version)
          else
            database.run(
              'insert into docket_migrations (version, name, applied_at) values (?, ?, ?)',
              migration.version,
              migration.name,
              toSqlTime(Date.now()),
            )
        }
        return moves
      }, 'exclusive')
    },
    async close() {
      database.close()
    },
  }
}
