import type { Dialect } from '../sql/dialect.ts'
import { runInTurn } from '../sql/events.ts'
import type { Statements } from '../sql/events.ts'
import { SqlSharedStates } from '../sql/shared-states.ts'
import type { PostgresConnection } from './connection.ts'
import type { PostgresHintSender } from './hint-sender.ts'

/** What processes have in common. */
export function postgresSharedStates(
  connection: PostgresConnection,
  dialect: Dialect,
  hints: PostgresHintSender,
): SqlSharedStates {
  const run = <T>(make: () => Statements<T>): Promise<T> => runInTurn(make(), (query) => connection.query(query))
  return new SqlSharedStates(dialect, {
    read: run,
    write: run,
    insert: 'insert',
    keep: 'on conflict (shared_key) do nothing',
    returning: 'returning token',
    freed(keys) {
      for (const key of keys) hints.send({ type: 'shared', key })
    },
  })
}
