import type { Dialect } from '../sql/dialect.ts'
import { SqlSchedules } from '../sql/schedules.ts'
import type { SqliteConnection } from './connection.ts'
import { sqliteStatements } from './events.ts'

/** Schedules, and which of them are due. */
export function sqliteSchedules(connection: SqliteConnection, dialect: Dialect): SqlSchedules {
  return new SqlSchedules(dialect, sqliteStatements(connection))
}
