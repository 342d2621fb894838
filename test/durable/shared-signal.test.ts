import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { dataType, graph, signal, type } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Reply = dataType('Reply', type<string>())
const replies = graph({ name: 'replies', steps: [signal(Reply)] })
const ids = Array.from({ length: 50 }, (_, index) => `a${index}`)

test('however many wait with one signal for executions of other processes, it has one listener, which lets all of them go, and none that is left', async () => {
  const world = new World()
  const runner = world.process({ graphs: [replies], park: '1h' })
  await world.clock.settle(Promise.all(ids.map((id) => runner.start(replies, Reply, {}, { id }))))
  const other = world.process({ graphs: [replies], takeOver: false })
  const controller = new AbortController()
  const listeners = (): number => getEventListeners(controller.signal, 'abort').length
  const options = { signal: controller.signal }
  const results = ids.map((id) => other.execute(replies, Reply, {}, { id, ...options }))
  const settled = Promise.allSettled(results)
  await world.clock.advance(2_000)
  expect(listeners()).toBe(1)
  await world.clock.settle((await runner.get('a0'))!.signal(Reply, 'yes'))
  expect(await world.clock.settle(results[0]!)).toBe('yes')
  controller.abort(new Error('enough'))
  const [first, ...left] = await world.clock.settle(settled)
  expect(first!.status).toBe('fulfilled')
  expect(left.every(({ status }) => status === 'rejected')).toBe(true)
  expect(listeners()).toBe(0)
})
