import { StoreError } from '../../src/core/errors.ts'
import { createMigrations } from '../sql/migrations.ts'
import type { Migrations } from '../sql/migrations.ts'
import type { Migration, MigrationDatabase, RecordedMigration } from '../sql/migration.ts'
import { fromSqlTime } from '../sql/times.ts'
import { MysqlConnection } from './connection.ts'
import { mysqlDialect } from './dialect.ts'
import { isMissingTable, storeName } from './errors.ts'
import { literal } from './literals.ts'
import { mysqlOptions } from './options.ts'
import type { MysqlMigrationOptions } from './options.ts'
import type { MysqlSession } from './session.ts'
import { splitStatements } from './statements.ts'
import { tablesMigration } from './tables-migration.ts'
import { columnMigration } from './column-migration.ts'

const patienceSeconds = 60

/** Docket's own migrations. */
export function mysqlOwnMigrations(prefix: string): readonly Migration[] {
  return [
    tablesMigration(prefix),
    columnMigration({
      version: 2,
      name: 'deadlines',
      table: `${prefix}executions`,
      column: 'deadline',
      type: 'datetime(3)',
      key: 'docket_deadline (status, deadline)',
    }),
    // By which lock an owner's process is seen.
    columnMigration({
      version: 3,
      name: 'sessions',
      table: `${prefix}owners`,
      column: 'session_lock',
      type: 'varchar(255) character set utf8mb4',
    }),
    // What its process says of itself.
    columnMigration({
      version: 4,
      name: 'workers',
      table: `${prefix}owners`,
      column: 'worker',
      type: 'longtext character set utf8mb4',
    }),
    // Of the call that wrote to an execution last, in its epoch.
    columnMigration({
      version: 5,
      name: 'numbers of calls',
      table: `${prefix}executions`,
      column: 'last_sequence',
      type: 'bigint default 0 not null',
    }),
  ]
}

/** The migrations of a MySQL or MariaDB database. @throws OptionError */
export function mysqlMigrations(options: string | MysqlMigrationOptions): Migrations {
  const { place, directories } = mysqlOptions.ofMigrations(options)
  const database = mysqlMigrationDatabase(new MysqlConnection(place), place.prefix)
  return createMigrations(database, mysqlOwnMigrations(place.prefix), directories)
}

/**
 * Runs migrations under a lock that ends with its connection. There is no transaction: each statement that changes tables commits. So a
 * migration is recorded once all of it has happened, and one that was interrupted is run again from its beginning.
 */
export function mysqlMigrationDatabase(connection: MysqlConnection, prefix: string): MigrationDatabase {
  const table = mysqlDialect(prefix).table('migrations')
  const recorded = async (session: MysqlSession): Promise<readonly RecordedMigration[]> => {
    try {
      const read = `select version, name, cast(applied_at as char) as applied_at from ${table} order by version`
      return (await session.all(read)).map((row) => ({
        version: row['version'] as number,
        name: row['name'] as string,
        appliedAt: new Date(fromSqlTime(row['applied_at'])),
      }))
    } catch (thrown) {
      if (isMissingTable(thrown)) return []
      throw thrown
    }
  }
  // The lock is one of the whole server, and its name is short.
  const lock = `concat('docket ', left(sha2(concat(database(), ' ', '${prefix}'), 256), 40))`
  return {
    store: storeName,
    async recorded() {
      await connection.open()
      return connection.withSessionApart(recorded, patienceSeconds * 250)
    },
    async migrate(plan) {
      await connection.open()
      return connection.withSessionAlone(async (session) => {
        await takeLock(session, lock)
        try {
          await session.run(
            `create table if not exists ${table} (version bigint primary key, name longtext not null, applied_at datetime(3) not null)
              engine = innodb default character set utf8mb4`,
          )
          const moves = plan(await recorded(session))
          for (const { direction, migration } of moves) {
            for (const statement of migration[direction].flatMap(splitStatements)) await session.all(statement)
            const { version, name } = migration
            if (direction === 'down') await session.run(`delete from ${table} where version = ${version}`)
            else
              await session.run(
                `insert into ${table} (version, name, applied_at) values (${version}, ${literal(name)}, utc_timestamp(3))`,
              )
          }
          return moves
        } finally {
          // A connection that has broken has let go of it.
          await session.all(`select release_lock(${lock})`).catch(() => {})
        }
      })
    },
    close: () => connection.close(),
  }
}

async function takeLock(session: MysqlSession, lock: string): Promise<void> {
  const [row] = await session.all(`select get_lock(${lock}, ${patienceSeconds}) as is_mine`)
  if (row!['is_mine'] !== 1)
    throw new StoreError(
      storeName,
      `another process has been migrating its tables for ${patienceSeconds} seconds; try again when it has finished`,
      true,
    )
}
