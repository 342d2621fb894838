import type { Cell, Row } from '../sql/cells.ts'
import type { Dialect, Query } from '../sql/dialect.ts'
import { runAtOnce, runInTurn } from '../sql/events.ts'
import { SqlSharedStates } from '../sql/shared-states.ts'
import type { SqliteConnection } from './connection.ts'

/** What processes have in common. */
export function sqliteSharedStates(connection: SqliteConnection, dialect: Dialect): SqlSharedStates {
  const all = ({ text, parameters }: Query): readonly Row[] => connection.all(text, ...(parameters as readonly Cell[]))
  return new SqlSharedStates(dialect, {
    read: (make) => runInTurn(make(), (query) => connection.query(query)),
    write: (make) => connection.transaction(() => runAtOnce(make(), all)),
    insert: 'insert',
    keep: 'on conflict (shared_key) do nothing',
    returning: 'returning token',
  })
}
