import type { Dialect } from '../sql/dialect.ts'
import { partialPlaces } from '../sql/queue-places.ts'
import type { QueuePlaces } from '../sql/queue-places.ts'
import { SqlQueues } from '../sql/queues.ts'
import type { PostgresConnection } from './connection.ts'
import type { PostgresHintSender } from './hint-sender.ts'

/*
 * Where much is to be found, a planner thinks that it is found soon wherever it looks: it reads all of the table, or an index by age, of which all but the end has ended long ago.
 * The whole order of an index leaves it no other, and owners in an array leave it to look for those of each.
 */
const places: QueuePlaces = {
  ...partialPlaces(() => ''),
  order: {
    unfinished: 'e.owner, e.queue, e.graph, e.created_at, e.id',
    toBegin: 'e.queue, e.graph, e.queue_key, e.priority desc, e.created_at, e.id',
    toGoOn: 'e.queue, e.graph, e.created_at, e.id',
    later: 'e.queue, e.graph, e.due_at, e.id',
    due: 'e.queue, e.graph, e.due_at, e.id',
  },
  owned: (owners, executions, isOwner) =>
    `${executions} e where e.owner = any(array(select o.owner from ${owners} o where ${isOwner}))`,
}

/** What holds for queues, and what they have. */
export function postgresQueues(connection: PostgresConnection, dialect: Dialect, hints: PostgresHintSender): SqlQueues {
  const queues = dialect.table('queues')
  return new SqlQueues(dialect, {
    run: (query) => connection.query(query),
    places,
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
