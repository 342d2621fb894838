import type { ClientBase } from 'pg'
import type { Migrations } from '../sql/migrations.ts'
import { createMigrations } from '../sql/migrations.ts'
import { mayBeOverdue } from '../sql/tables.ts'
import { firstMigration } from '../sql/first-migration.ts'
import type { Migration, MigrationDatabase, RecordedMigration } from '../sql/migration.ts'
import type { Row } from '../sql/cells.ts'
import type { Query } from '../sql/dialect.ts'
import { quoteIdentifier } from '../sql/names.ts'
import { PostgresConnection } from './connection.ts'
import { postgresDialect } from './dialect.ts'
import { storeName } from './errors.ts'
import { postgresOptions } from './options.ts'
import type { PostgresMigrationOptions } from './options.ts'

/** How long to wait for what is recorded. */
const patienceMs = 15_000

/** The key of the lock: any number that nobody else takes. */
const lock = `('x' || substr(md5('docket migrations'), 1, 15))::bit(60)::bigint`

/** Docket's own migrations. */
export function postgresOwnMigrations(schema: string): readonly Migration[] {
  const { table } = postgresDialect(schema)
  const epochs = `${quoteIdentifier(schema)}.docket_result_epochs`
  const { up, down } = firstMigration({
    // Bytes in order, as in every other store, whatever the database's language.
    key: 'text collate "C"',
    name: 'text',
    word: 'text',
    integer: 'bigint',
    number: 'double precision',
    time: 'timestamptz(3)',
    // Not jsonb: it reorders keys, and refuses texts with NUL.
    json: 'json',
    bytes: 'bytea',
    // Room on the page for the next versions of a row that is updated with every commit.
    tableEnd: (name) => (name === 'executions' ? ' with (fillfactor = 80)' : ''),
    table,
    index: ({ name, table: of, columns, where }) =>
      `create index ${name} on ${table(of)} (${columns.join(', ')})${where === undefined ? '' : ` where ${where}`}`,
  })
  return [
    {
      version: 1,
      name: 'tables',
      up: [...up, `create sequence ${epochs}`],
      down: [`drop sequence ${epochs}`, ...down],
    },
    {
      version: 2,
      name: 'deadlines',
      up: [
        `alter table ${table('executions')} add column deadline timestamptz(3)`,
        `create index docket_executions_deadline on ${table('executions')} (deadline) where ${mayBeOverdue}`,
      ],
      down: [`alter table ${table('executions')} drop column deadline`],
    },
    {
      version: 3,
      name: 'sessions',
      up: [`alter table ${table('owners')} add column session_key bigint`],
      down: [`alter table ${table('owners')} drop column session_key`],
    },
    {
      version: 4,
      name: 'workers',
      up: [`alter table ${table('owners')} add column worker text`],
      down: [`alter table ${table('owners')} drop column worker`],
    },
    {
      version: 5,
      name: 'numbers of calls',
      up: [`alter table ${table('executions')} add column last_sequence bigint default 0 not null`],
      down: [`alter table ${table('executions')} drop column last_sequence`],
    },
  ]
}

/** The migrations of a schema in a PostgreSQL database. @throws OptionError */
export function postgresMigrations(options: string | PostgresMigrationOptions): Migrations {
  const { place, directories } = postgresOptions.ofMigrations(options)
  const database = postgresMigrationDatabase(new PostgresConnection(place), place.schema)
  return createMigrations(database, postgresOwnMigrations(place.schema), directories)
}

/**
 * Runs migrations in one transaction, under a lock that ends with it.
 * @internal Left out of the declarations, so that they don't name the driver's types.
 */
export function postgresMigrationDatabase(connection: PostgresConnection, schema: string): MigrationDatabase {
  const table = postgresDialect(schema).table('migrations')
  const query = (statement: Query, client: ClientBase | undefined): Promise<readonly Row[]> =>
    client === undefined ? connection.queryApart(statement, patienceMs) : connection.query(statement, client)
  const recorded = async (client?: ClientBase): Promise<readonly RecordedMigration[]> => {
    const there = { text: 'select to_regclass($1) is not null as there', parameters: [table] }
    if ((await query(there, client))[0]?.['there'] !== true) return []
    const read = `select version, name, (extract(epoch from applied_at) * 1000)::float8 as ms from ${table} order by version`
    return (await query({ text: read, parameters: [] }, client)).map((row) => ({
      version: row['version'] as number,
      name: row['name'] as string,
      appliedAt: new Date(row['ms'] as number),
    }))
  }
  return {
    store: storeName,
    async recorded() {
      await connection.open()
      return recorded()
    },
    async migrate(plan) {
      await connection.open()
      return connection.withClient(async (client) => {
        // Whatever level is the default: the lock is waited for, and what others have done by then must be seen.
        await client.query('begin isolation level read committed')
        await client.query(`select pg_advisory_xact_lock(${lock})`)
        // Even where it is there already, making a schema `if not exists` needs the right to make one.
        const { rowCount } = await client.query('select 1 from pg_namespace where nspname = $1', [schema])
        if (rowCount === 0) await client.query(`create schema ${quoteIdentifier(schema)}`)
        await client.query(`set local search_path to ${quoteIdentifier(schema)}`)
        await client.query(
          `create table if not exists ${table} (version bigint primary key, name text not null, applied_at timestamptz(3) not null)`,
        )
        const moves = plan(await recorded(client))
        for (const { direction, migration } of moves) {
          for (const statement of migration[direction]) await client.query(statement)
          if (direction === 'down') await client.query(`delete from ${table} where version = $1`, [migration.version])
          else
            await client.query(`insert into ${table} (version, name, applied_at) values ($1, $2, clock_timestamp())`, [
              migration.version,
              migration.name,
            ])
        }
        await client.query('commit')
        return moves
      })
    },
    close: () => connection.close(),
  }
}
