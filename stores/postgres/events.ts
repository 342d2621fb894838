import type { Dialect } from '../sql/dialect.ts'
import { runInTurn, SqlEvents } from '../sql/events.ts'
import type { EventDatabase, Statements } from '../sql/events.ts'
import { toName } from '../sql/names.ts'
import type { PostgresConnection } from './connection.ts'
import { clientOf } from './given-transaction.ts'
import type { PostgresHintSender } from './hint-sender.ts'

/** Events, and who waits for them. */
export function postgresEvents(connection: PostgresConnection, dialect: Dialect, hints: PostgresHintSender): SqlEvents {
  return new SqlEvents(dialect, postgresStatements(connection, hints))
}

/** How statements are run that follow each other, and words that differ between databases. */
export function postgresStatements(connection: PostgresConnection, hints: PostgresHintSender): EventDatabase {
  const run = <T>(make: () => Statements<T>): Promise<T> => runInTurn(make(), (query) => connection.query(query))
  return {
    read: run,
    write: async (make, transaction) => {
      if (transaction === undefined) return run(make)
      const client = clientOf(transaction)
      await connection.requireTransaction(client)
      const made = await runInTurn(make(), (query) => connection.query(query, client))
      // The process that emits does not know when it commits: whichever hears of that wakes those that wait.
      await hints.sendWithin({ type: 'events' }, client)
      return made
    },
    onConflict: (key, updated) =>
      `on conflict (${key.join(', ')}) do ${updated.length === 0 ? 'nothing' : `update set ${updated.map((name) => `${name} = excluded.${name}`).join(', ')}`}`,
    executionColumns: ['execution'],
    executionCells: (id) => [toName(id)],
    latest: '',
  }
}
