import { expect, test } from 'vitest'
import { exponential, workflow } from '../../../src/index.ts'
import { SqliteWorld, worlds } from '../embedded-worlds.ts'
import { noting } from './noting-step.ts'

const args = { email: 'ada@example.com' }

test.each(worlds)(
  'each attempt of a node is on record with its error, also of one that came through (%s)',
  async (_, newWorld) => {
    const world = newWorld()
    const { noted } = noting('flaky', ({ attempt }) => {
      if (attempt < 3) throw new Error(`no answer ${attempt}`)
      return 'done'
    })
    const docket = world.process({ graphs: [], steps: [noted] })
    const retry = { maxAttempts: 25, backoff: exponential('1s') }
    const handle = await world.clock.settle(docket.start(workflow('w').add('a', noted, args, { retry }), { id: 'x' }))
    expect(await world.clock.settle(handle.result())).toEqual({ a: 'done' })
    const { steps } = await world.clock.settle(handle.details())
    const { attempts } = steps.find(({ step: node }) => node === 'a')!
    expect(attempts.map(({ attempt, error }) => [attempt, (error as Error | undefined)?.message])).toEqual([
      [1, 'no answer 1'],
      [2, 'no answer 2'],
      [3, undefined],
    ])
  },
)

test('workflows that are started in the caller’s transaction, one or many, exist if and only if the caller commits', async () => {
  const world = new SqliteWorld()
  const { noted, calls } = noting('any')
  const docket = world.process({ graphs: [], steps: [noted] })
  await docket.list()
  const { database } = world
  const flow = workflow('w')
    .add('a', noted, args)
    .add('b', noted, args, { dependsOn: ['a'] })
  for (const [id, ending] of [
    ['dropped', 'rollback'],
    ['kept', 'commit'],
  ] as const) {
    database.exec('begin')
    await docket.start(flow, { id, transaction: database })
    const many = ['1', '2'].map((n) => ({ id: `${id} ${n}`, inputs: { 'a.args': args, 'b.args': args } }))
    await docket.startMany(flow, flow.results, many, { transaction: database })
    expect(database.isTransaction).toBe(true)
    database.exec(ending)
  }
  await world.clock.advance(2_000)
  const { executions } = await docket.list()
  expect(executions.map(({ id, status }) => `${id} ${status}`).toSorted()).toEqual([
    'kept 1 completed',
    'kept 2 completed',
    'kept completed',
  ])
  expect(calls.filter((call) => call.endsWith('begins'))).toHaveLength(6)
})
