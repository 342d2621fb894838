import { expect, test } from 'vitest'
import { dataType, graph, step, StoreError, type } from '../../src/index.ts'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'

const Sum = dataType('Sum', type<number>())

test('a commit whose call had failed, and that arrives late, does not meet the execution that was started anew under the id of a deleted one', async () => {
  const world = new World()
  const late: (readonly ExecutionCommit[])[] = []
  const store = alteredStore(world.store, (method, ask, given) => {
    const commits = method === 'commit' ? (given[0] as readonly ExecutionCommit[]) : []
    if (late.length > 0 || !commits.some(({ head }) => head?.status === 'completed')) return ask()
    late.push(commits)
    throw new StoreError('memory', 'the connection was lost', true)
  })
  let value = 1
  const count = step({
    name: 'Count',
    output: Sum,
    persist: 'execution',
    run: async () => {
      await world.clock.sleep(100)
      return value
    },
  })
  const sums = graph({ name: 'sums', steps: [count] })
  const docket = world.process({ graphs: [sums], store })
  expect(await world.clock.settle(docket.execute(sums, Sum, {}, { id: 'a' }))).toBe(1)
  await world.clock.settle(docket.delete('a'))
  value = 2
  const again = await world.clock.settle(docket.start(sums, Sum, {}, { id: 'a' }))
  await world.clock.advance(50)
  expect(await world.store.commit(late[0]!)).toEqual([false])
  expect(await world.clock.settle(again.result())).toBe(2)
  await docket.close()
})
