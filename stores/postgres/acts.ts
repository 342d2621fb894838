import { SqlActs } from '../sql/acts.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { PostgresConnection } from './connection.ts'

/** What people did. */
export function postgresActs(connection: PostgresConnection, dialect: Dialect): SqlActs {
  return new SqlActs(dialect, {
    run: (query) => connection.query(query),
    write: (query) => connection.query(query),
    insert: 'insert',
    keep: 'on conflict (act_id) do nothing',
  })
}
