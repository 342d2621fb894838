import type { ScheduleTaking } from '../../src/core/contracts/schedule-record.ts'
import type { Cell, CellColumn } from '../sql/cells.ts'
import type { Dialect, Query } from '../sql/dialect.ts'
import { SqlSchedules } from '../sql/schedules.ts'
import type { PostgresConnection } from './connection.ts'
import { columnar, unnest } from './dialect.ts'
import { postgresStatements } from './events.ts'
import type { PostgresHintSender } from './hint-sender.ts'

/** Schedules, and which of them are due. */
export function postgresSchedules(
  connection: PostgresConnection,
  dialect: Dialect,
  hints: PostgresHintSender,
): SqlSchedules {
  const table = dialect.table('schedules')
  const database = {
    ...postgresStatements(connection, hints),
    // What another process is about to take is not waited for.
    takeQuery: ({ before, until, taker, limit }: ScheduleTaking, keys: readonly string[], columns: string): Query => ({
      text: `update ${table} s set due_at = $1, taken_by = $2
        from (select d.name from ${table} d where d.graph_key = any($3::text[]) and d.due_at <= $4
          order by d.due_at limit $5 for update skip locked) due
        where s.name = due.name returning ${columns}`,
      parameters: [dialect.timeText(until), taker, keys, dialect.timeText(before), limit],
    }),
    changeQuery: (columns: readonly CellColumn[], rows: readonly (readonly Cell[])[]): Query => {
      const names = columns.map(({ name }) => name)
      return {
        text: `update ${table} s set ${names.map((name) => `${name} = a.${name}`).join(', ')}
          from (select * from ${unnest(columns, 'a')} order by a.name collate "C") a
          where s.name = a.name and s.revision = a.revision - 1 returning s.name`,
        parameters: columnar(columns, rows),
      }
    },
  }
  return new SqlSchedules(dialect, database, () => hints.send({ type: 'schedules' }, false))
}
