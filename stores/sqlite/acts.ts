import { SqlActs } from '../sql/acts.ts'
import type { Cell } from '../sql/cells.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { SqliteConnection } from './connection.ts'

/** What people did. */
export function sqliteActs(connection: SqliteConnection, dialect: Dialect): SqlActs {
  return new SqlActs(dialect, {
    run: (query) => connection.query(query),
    write: (query) => connection.transaction(() => connection.run(query.text, ...(query.parameters as Cell[]))),
    insert: 'insert',
    keep: 'on conflict (act_id) do nothing',
  })
}
