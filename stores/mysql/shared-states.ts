import type { Row } from '../sql/cells.ts'
import type { Dialect, Query } from '../sql/dialect.ts'
import { runInTurn } from '../sql/events.ts'
import type { Statements } from '../sql/events.ts'
import { SqlSharedStates } from '../sql/shared-states.ts'
import type { MysqlConnection } from './connection.ts'
import { textOf } from './literals.ts'

/** What processes have in common. */
export function mysqlSharedStates(connection: MysqlConnection, dialect: Dialect): SqlSharedStates {
  const run = <T>(make: () => Statements<T>): Promise<T> => runInTurn(make(), (query) => rowsOf(connection, query))
  return new SqlSharedStates(dialect, { read: run, write: run, insert: 'insert ignore', keep: '', returning: '' })
}

/** The rows that a statement has found: of one that writes, as many as it has written. */
function rowsOf(connection: MysqlConnection, query: Query): Promise<readonly Row[]> {
  if (query.text.startsWith('select')) return connection.query(query)
  return connection.withSession(async (session) => {
    const written = await session.run(textOf(query))
    return Array.from({ length: written }, () => ({}))
  })
}
