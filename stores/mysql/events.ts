import type { Dialect } from '../sql/dialect.ts'
import { runInTurn, SqlEvents } from '../sql/events.ts'
import type { EventDatabase, Statements } from '../sql/events.ts'
import type { MysqlConnection } from './connection.ts'
import { connectionOf } from './given-transaction.ts'
import { cellsOfKey } from './keys.ts'
import { textOf } from './literals.ts'

/** Events, and who waits for them. */
export function mysqlEvents(connection: MysqlConnection, dialect: Dialect): SqlEvents {
  return new SqlEvents(dialect, mysqlStatements(connection))
}

/** How statements are run that follow each other, and words that differ between databases. */
export function mysqlStatements(connection: MysqlConnection): EventDatabase {
  const run = <T>(make: () => Statements<T>): Promise<T> => runInTurn(make(), (query) => connection.query(query))
  return {
    read: run,
    write: (make, transaction) =>
      transaction === undefined
        ? run(make)
        : connection.within(connectionOf(transaction), (session) =>
            runInTurn(make(), async (query) => {
              const found: unknown = await session.all(textOf(query))
              return Array.isArray(found) ? found : []
            }),
          ),
    onConflict: ([first], updated) =>
      `on duplicate key update ${updated.length === 0 ? `${first} = ${first}` : updated.map((name) => `${name} = values(${name})`).join(', ')}`,
    executionColumns: ['execution', 'execution_full'],
    executionCells: cellsOfKey,
    latest: 'lock in share mode',
  }
}
