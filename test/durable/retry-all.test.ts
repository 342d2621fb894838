import { expect, test } from 'vitest'
import { expectNoUnhandledErrors } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { line, Third } from './line.ts'

expectNoUnhandledErrors()

test('what failed in an outage is tried again in portions, each with its outcome, and what is not found by the query stays', async () => {
  const world = new World()
  let isDown = true
  const { line: graph } = line({
    second: { run: (value) => (isDown && value < 100 ? Promise.reject(new Error('down')) : value) },
  })
  const docket = world.process({ graphs: [graph] })
  for (let count = 0; count < 7; count++) {
    const handle = await world.clock.settle(docket.start(graph, Third, { Seed: count }, { id: `x${count}` }))
    await world.clock.settle(handle.result()).catch(() => {})
    await world.clock.advance(1)
  }
  isDown = false
  // Somebody was faster with one of them.
  await world.clock.settle((await docket.retry('x3')).result())
  const first = await world.clock.settle(docket.retryAll({ limit: 4 }))
  expect(first.outcomes).toEqual(['x6', 'x5', 'x4', 'x2'].map((id) => ({ id, isRetried: true })))
  const second = await world.clock.settle(docket.retryAll({ limit: 4, after: first.next }))
  expect(second).toEqual({ outcomes: ['x1', 'x0'].map((id) => ({ id, isRetried: true })), next: undefined })
  await world.clock.advance(100)
  expect((await world.clock.settle(docket.list({ status: 'completed' }))).executions).toHaveLength(7)
  expect(await world.clock.settle(docket.retryAll({ graph: 'line' }))).toEqual({ outcomes: [], next: undefined })
  await docket.close({ deadline: 0 })
})

test('one that can not go on says why, and hinders no other', async () => {
  const world = new World()
  let isDown = true
  const { line: graph } = line({ second: { run: (value) => (isDown ? Promise.reject(new Error('down')) : value) } })
  const { line: other } = line({ name: 'other', second: { run: () => Promise.reject(new Error('down')) } })
  const docket = world.process({ graphs: [graph, other] })
  for (const [id, one] of [
    ['a', other],
    ['b', graph],
  ] as const)
    await world.clock
      .settle((await world.clock.settle(docket.start(one, Third, { Seed: 1 }, { id }))).result())
      .catch(() => {})
  await world.clock.settle(docket.close({ deadline: 0 }))
  isDown = false
  const next = world.process({ graphs: [graph] })
  const { outcomes } = await world.clock.settle(next.retryAll())
  expect(outcomes.find(({ id }) => id === 'b')).toEqual({ id: 'b', isRetried: true })
  expect(outcomes.find(({ id }) => id === 'a')).toMatchObject({
    isRetried: false,
    error: { code: 'EXECUTION_CONFLICT' },
  })
  await expect(next.retryAll({ status: 'completed' as never })).rejects.toThrow('status must be failed, cancelled')
  await expect(next.retryAll({ waitsFor: { signal: 'x' } } as never)).rejects.toThrow('waitsFor')
  await world.clock.settle(next.close({ deadline: 0 }))
})
