import { SqlActs } from '../sql/acts.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { MysqlConnection } from './connection.ts'
import { actShape } from './keys.ts'
import { textOf } from './literals.ts'

/** What people did. */
export function mysqlActs(connection: MysqlConnection, dialect: Dialect): SqlActs {
  return new SqlActs(dialect, {
    run: (query) => connection.query(query),
    write: (query) => connection.transaction((session) => session.run(textOf(query))),
    insert: 'insert ignore',
    keep: '',
    shape: actShape,
  })
}
