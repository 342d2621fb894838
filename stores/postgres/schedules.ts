import type { Dialect } from '../sql/dialect.ts'
import { SqlSchedules } from '../sql/schedules.ts'
import type { PostgresConnection } from './connection.ts'
import { postgresStatements } from './events.ts'
import type { PostgresHintSender } from './hint-sender.ts'

/** Schedules, and which of them are due. */
export function postgresSchedules(
  connection: PostgresConnection,
  dialect: Dialect,
  hints: PostgresHintSender,
): SqlSchedules {
  return new SqlSchedules(dialect, postgresStatements(connection, hints), () =>
    hints.send({ type: 'schedules' }, false),
  )
}
