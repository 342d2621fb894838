import { expect, onTestFinished, test } from 'vitest'
import type { ExecutionQuery } from '../../src/core/contracts/execution-record.ts'
import type { ExecutionStatus } from '../../src/core/contracts/statuses.ts'
import { randomOf } from '../../src/testing/kit/seeded-random.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { redisStore } from '../../stores/redis/index.ts'
import { serverUrl } from '../servers/server-url.ts'
import { newCommit, newExecution } from './redis-records.ts'

const url = await serverUrl('redis')
const statuses: readonly ExecutionStatus[] = [
  'pending',
  'running',
  'waiting',
  'compensating',
  'completed',
  'failed',
  'cancelled',
]

test.each([1, 2, 7])(
  'pages of executions in %i statuses, however they lie, are those of the store in memory',
  async (count) => {
    const seed = Math.floor(Math.random() * 1e9)
    const random = randomOf(seed)
    const stores = [memoryStore(), redisStore({ url, prefix: crypto.randomUUID() })]
    for (const store of stores) {
      await store.open()
      onTestFinished(() => store.close())
      await store.renewOwner('owner', 600_000)
    }
    const used = statuses.toSorted(() => random() - 0.5).slice(0, count)
    const executions = Array.from({ length: 700 }, (_, n) => {
      // Some statuses are rare, and some come one after the other.
      const status = used[Math.floor(random() ** 3 * used.length)]!
      const graph = random() < 0.5 ? 'users' : 'orders'
      return {
        status,
        record: newExecution(`e${n}`, { graph, createdAt: 1_700_000_000_000 + Math.floor(random() * 400) }),
      }
    })
    for (const store of stores) {
      await store.create(executions.map(({ record }) => record))
      await store.commit(executions.map(({ record: { id }, status }) => newCommit(id, { steps: [], head: { status } })))
    }
    const queries: readonly Omit<ExecutionQuery, 'limit'>[] = [
      {},
      { graph: 'orders' },
      { statuses: used.slice(0, 2) },
      { graph: 'users', statuses: statuses.slice(2) },
      { createdBefore: 1_700_000_000_200 },
    ]
    for (const query of queries)
      for (const limit of [1, 3, 64, 101, 300, 1_000]) {
        const [expected, found] = await Promise.all(stores.map((store) => store.list({ ...query, limit })))
        const ids = (list: typeof found): readonly string[] => list!.map(({ id }) => id)
        expect(ids(found), `seed ${seed}, ${JSON.stringify(query)}, ${limit}`).toEqual(ids(expected))
      }
  },
)
