import type { Query } from '../sql/dialect.ts'
import type { Dialect } from '../sql/dialect.ts'
import { runAtOnce, runInTurn, SqlEvents } from '../sql/events.ts'
import type { EventDatabase } from '../sql/events.ts'
import { toName } from '../sql/names.ts'
import type { Cell, Row } from '../sql/cells.ts'
import type { SqliteConnection } from './connection.ts'

/** Events, and who waits for them. */
export function sqliteEvents(connection: SqliteConnection, dialect: Dialect): SqlEvents {
  return new SqlEvents(dialect, sqliteStatements(connection))
}

/** How statements are run that follow each other, and words that differ between databases. */
export function sqliteStatements(connection: SqliteConnection): EventDatabase {
  const all = ({ text, parameters }: Query): readonly Row[] => connection.all(text, ...(parameters as readonly Cell[]))
  return {
    read: (make) => runInTurn(make(), (query) => connection.query(query)),
    write: (make, transaction) => connection.transactionOf(transaction, () => runAtOnce(make(), all)),
    onConflict: (key, updated) =>
      `on conflict (${key.join(', ')}) do ${updated.length === 0 ? 'nothing' : `update set ${updated.map((name) => `${name} = excluded.${name}`).join(', ')}`}`,
    executionColumns: ['execution'],
    executionCells: (id) => [toName(id)],
    latest: '',
  }
}
