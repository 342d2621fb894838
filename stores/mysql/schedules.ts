import type { Dialect } from '../sql/dialect.ts'
import { SqlSchedules } from '../sql/schedules.ts'
import type { MysqlConnection } from './connection.ts'
import { mysqlStatements } from './events.ts'

/** Schedules, and which of them are due. */
export function mysqlSchedules(connection: MysqlConnection, dialect: Dialect): SqlSchedules {
  return new SqlSchedules(dialect, mysqlStatements(connection))
}
