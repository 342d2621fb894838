import type { Dialect } from '../sql/dialect.ts'
import { SqlQueues } from '../sql/queues.ts'
import type { MysqlConnection } from './connection.ts'
import { cellsOfQueue } from './keys.ts'
import { literal, literals } from './literals.ts'
import { mysqlPlaces } from './queue-places.ts'

/** What holds for queues, and what they have. */
export function mysqlQueues(connection: MysqlConnection, dialect: Dialect): SqlQueues {
  const queues = dialect.table('queues')
  return new SqlQueues(dialect, {
    run: (query) => connection.query(query),
    places: mysqlPlaces,
    async ensure(queue, { state, isRestricted }) {
      const cells = literals([...cellsOfQueue(queue), state, isRestricted ? 1 : 0, 0])
      const text = `insert into ${queues} (queue, queue_full, state, is_restricted, free_at) values ${cells}
        on duplicate key update queue = queue`
      await connection.withSession((session) => session.run(text))
    },
    swap: ({ key, state, isRestricted }, before) =>
      connection.transaction(async (session) => {
        const [row] = await session.all(`select state from ${queues} where queue = ${literal(key)} for update`)
        if (row?.['state'] !== before) return false
        await session.run(
          `update ${queues} set state = ${literal(state)}, is_restricted = ${isRestricted ? 1 : 0} where queue = ${literal(key)}`,
        )
        return true
      }),
  })
}
