import type { Migration } from '../sql/migration.ts'

/**
 * Migration 2: executions have deadlines. MySQL has no `add column if not exists`, and a migration that was interrupted is run again: so
 * the statement is put together by what is there.
 */
export function deadlinesMigration(prefix: string): Migration {
  const table = `${prefix}executions`
  const alter = (isThere: 0 | 1, change: string): readonly string[] => [
    `set @docket_change = (select if(count(*) = ${isThere}, 'alter table \`${table}\` ${change}', 'do 0')
       from information_schema.columns
       where table_schema = database() and table_name = '${table}' and column_name = 'deadline')`,
    'prepare docket_change from @docket_change',
    'execute docket_change',
    'deallocate prepare docket_change',
  ]
  return {
    version: 2,
    name: 'deadlines',
    up: alter(0, 'add column deadline datetime(3)'),
    down: alter(1, 'drop column deadline'),
  }
}
