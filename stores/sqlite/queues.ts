import type { Cell } from '../sql/cells.ts'
import type { Dialect } from '../sql/dialect.ts'
import { SqlQueues } from '../sql/queues.ts'
import { places } from './acquirer.ts'
import type { SqliteConnection } from './connection.ts'

const insert = `insert into docket_queues (queue, state, is_restricted, free_at) values (?, ?, ?, 0)
  on conflict (queue) do nothing`
const swap = 'update docket_queues set state = ?, is_restricted = ? where queue = ? and state = ?'

/** What holds for queues, and what they have. */
export function sqliteQueues(connection: SqliteConnection, dialect: Dialect): SqlQueues {
  const run = (text: string, ...cells: readonly Cell[]) =>
    connection.transaction(() => connection.run(text, ...cells) === 1)
  return new SqlQueues(dialect, {
    run: (query) => connection.query(query),
    places,
    async ensure(_, { key, state, isRestricted }) {
      await run(insert, key, state, isRestricted ? 1 : 0)
    },
    swap: ({ key, state, isRestricted }, before) => run(swap, state, isRestricted ? 1 : 0, key, before),
  })
}
