import type { Migration } from '../sql/migration.ts'

/**
 * Migration 3: owners say by which lock their processes are seen. MySQL has no `add column if not exists`, and a migration that was interrupted is run again: so
 * the statement is put together by what is there.
 */
export function sessionsMigration(prefix: string): Migration {
  const table = `${prefix}owners`
  const alter = (isThere: 0 | 1, change: string): readonly string[] => [
    `set @docket_change = (select if(count(*) = ${isThere}, 'alter table \`${table}\` ${change}', 'do 0')
       from information_schema.columns
       where table_schema = database() and table_name = '${table}' and column_name = 'session_lock')`,
    'prepare docket_change from @docket_change',
    'execute docket_change',
    'deallocate prepare docket_change',
  ]
  return {
    version: 3,
    name: 'sessions',
    up: alter(0, 'add column session_lock varchar(255) character set utf8mb4'),
    down: alter(1, 'drop column session_lock'),
  }
}
