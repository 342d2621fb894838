import type { Dialect } from '../sql/dialect.ts'
import { partialPlaces } from '../sql/queue-places.ts'
import { SqlQueues } from '../sql/queues.ts'
import type { PostgresConnection } from './connection.ts'
import type { PostgresHintSender } from './hint-sender.ts'

/** What holds for queues, and what they have. */
export function postgresQueues(connection: PostgresConnection, dialect: Dialect, hints: PostgresHintSender): SqlQueues {
  const queues = dialect.table('queues')
  return new SqlQueues(dialect, {
    run: (query) => connection.query(query),
    places: partialPlaces(() => ''),
    async ensure(_, { key, state, isRestricted }) {
      const text = `insert into ${queues} (queue, state, is_restricted, free_at) values ($1, $2, $3, 0) on conflict (queue) do nothing`
      await connection.query({ text, parameters: [key, state, isRestricted ? 1 : 0] })
    },
    async swap({ key, state, isRestricted }, before) {
      const text = `update ${queues} set state = $2, is_restricted = $3 where queue = $1 and state = $4 returning queue`
      return (await connection.query({ text, parameters: [key, state, isRestricted ? 1 : 0, before] })).length === 1
    },
    onChanged: () => hints.send({ type: 'work' }),
  })
}
