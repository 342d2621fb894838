import { expect, test } from 'vitest'
import { dataType, graph, signal, step, type } from '../../src/index.ts'
import { World } from './durable-time.ts'
import { outage } from './watched-store.ts'

const Order = dataType('Order', type<string>())
const Go = dataType('Go', type<boolean>())
const Done = dataType('Done', type<string>())

test('what this process was given by an answer that was lost waits for its turn in a queue with a limit, also where it is started once more', async () => {
  const world = new World()
  const running = new Set<string>()
  const seen: (readonly string[])[] = []
  const orders = graph({
    name: 'orders',
    steps: [
      signal(Go),
      step({
        name: 'Work',
        inputs: { order: Order, go: Go },
        output: Done,
        run: async ({ order }) => {
          running.add(order)
          seen.push([...running])
          await world.clock.sleep(2_000)
          running.delete(order)
          return order
        },
      }),
    ],
  })
  const options = { graphs: [orders], queues: { default: { concurrency: 1 } }, park: '1s' } as const
  const asker = world.process({ ...options, work: false })
  const docket = world.process(options)
  const older = await world.clock.settle(docket.start(orders, Done, { Order: 'older' }, { id: 'older' }))
  await world.clock.advance(5_000)
  const { acquire } = world.store
  let isLost = false
  world.store.acquire = async (request) => {
    const acquired = await acquire.call(world.store, request)
    if (isLost || acquired[0]?.execution.id !== 'newer') return acquired
    isLost = true
    // What has begun already goes before it in the next look.
    await (await asker.get('older'))!.signal(Go, true)
    throw outage()
  }
  const newer = await world.clock.settle(
    docket.start(orders, Done, { Order: 'newer' }, { id: 'newer', signals: { Go: true } }),
  )
  await world.clock.advance(1_000)
  expect([isLost, [...running]]).toEqual([true, ['older']])
  const again = await world.clock.settle(docket.start(orders, Done, { Order: 'newer' }, { id: 'newer' }))
  await world.clock.advance(8_000)
  expect(seen).toEqual([['older'], ['newer']])
  for (const handle of [older, newer, again]) expect(await world.clock.settle(handle.result())).toBe(handle.id)
})
