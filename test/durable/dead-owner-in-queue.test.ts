import { expect, test } from 'vitest'
import { dataType, graph, step, type } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Order = dataType('Order', type<string>())
const Done = dataType('Done', type<string>())

test('what a dead process had waits for its turn in a queue with a limit, also where it is started once more', async () => {
  const world = new World()
  const running = new Set<string>()
  const ends = new Map<string, () => void>()
  const orders = graph({
    name: 'orders',
    steps: [
      step({
        name: 'Work',
        inputs: { order: Order },
        output: Done,
        run: ({ order }, { signal }) =>
          new Promise<string>((resolve, reject) => {
            running.add(order)
            signal.addEventListener('abort', () => reject(signal.reason as Error))
            ends.set(order, () => {
              running.delete(order)
              resolve(order)
            })
          }),
      }),
    ],
  })
  const options = { graphs: [orders], lease: '2s', queues: { default: { concurrency: 2 } } } as const
  const { docket, die } = world.mortal({ ...options, work: { default: 1 } })
  await world.clock.settle(docket.start(orders, Done, { Order: 'one' }, { id: 'one' }))
  await world.clock.advance(1_000)
  const other = world.process(options)
  const beside = await world.clock.settle(other.start(orders, Done, { Order: 'two' }, { id: 'two' }))
  await world.clock.advance(1_000)
  expect([...running]).toEqual(['one', 'two'])
  await world.clock.settle(other.queue('default').limits({ concurrency: 1 }))
  die()
  running.delete('one')
  await world.clock.advance(6_000)
  expect([...running]).toEqual(['two'])
  const again = await world.clock.settle(other.start(orders, Done, { Order: 'one' }, { id: 'one' }))
  await world.clock.advance(3_000)
  expect([...running]).toEqual(['two'])
  ends.get('two')!()
  expect(await world.clock.settle(beside.result())).toBe('two')
  await world.clock.advance(3_000)
  expect([...running]).toEqual(['one'])
  ends.get('one')!()
  expect(await world.clock.settle(again.result())).toBe('one')
})
