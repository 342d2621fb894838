import type { Migration } from '../sql/migration.ts'

/** A column that a migration adds, and takes away again. */
export interface AddedColumn {
  readonly version: number
  readonly name: string
  readonly table: string
  readonly column: string
  /** Its type, as SQL. */
  readonly type: string
  /** An index that comes and goes with it, as SQL. @default none */
  readonly key?: string
}

/**
 * A migration that adds one column. MySQL has no `add column if not exists`, and a migration that was interrupted is run again: so the
 * statement is put together by what is there.
 */
export function columnMigration({ version, name, table, column, type, key }: AddedColumn): Migration {
  const alter = (isThere: 0 | 1, change: string): readonly string[] => [
    `set @docket_change = (select if(count(*) = ${isThere}, 'alter table \`${table}\` ${change}', 'do 0')
       from information_schema.columns
       where table_schema = database() and table_name = '${table}' and column_name = '${column}')`,
    'prepare docket_change from @docket_change',
    'execute docket_change',
    'deallocate prepare docket_change',
  ]
  return {
    version,
    name,
    up: alter(0, `add column ${column} ${type}${key === undefined ? '' : `, add key ${key}`}`),
    down: alter(1, `drop column ${column}`),
  }
}
