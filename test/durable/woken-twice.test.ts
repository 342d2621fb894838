import { expect, test } from 'vitest'
import { z } from 'zod'
import { all, dataType, graph, signal, step, type } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Order = dataType('Order', type<string>())
// Checked after a while: what takes the place of the failure as well.
const Note = dataType(
  'Note',
  z.string().refine(async () => true),
)
const Depot = dataType('Depot', type<string>())
const Packed = dataType('Packed', type<string>())
const Load = dataType('Load', type<string>())

test('a wait that is over, and is answered while its item has no slot, takes one place of the batch, and gives it back', async () => {
  const world = new World()
  const { clock } = world
  const loads = graph({
    name: 'loads',
    steps: [
      signal(Note, {
        inputs: { order: Order },
        timeout: '500ms',
        fallback: 'none',
      }),
      // Until it is open, all items wait, and hold no place.
      step({ name: 'Open', output: Depot, run: async () => (await clock.sleep(100), 'depot') }),
      step({
        name: 'Pack',
        inputs: { order: Order, depot: Depot },
        output: Packed,
        run: async ({ order }) => (await clock.sleep(5_000), order),
      }),
      step({
        name: 'Load',
        inputs: { packed: all(Packed), notes: all(Note) },
        output: Load,
        run: ({ packed, notes }) => `${packed.join(' ')}: ${notes.join(' ')}`,
      }),
    ],
  })
  const docket = world.process({ graphs: [loads] })
  const items = ['a', 'b', 'c'].map((order) => ({ Order: order }))
  const handle = await clock.settle(docket.startBatch(loads, Load, items, { id: 'b', concurrency: 1 }))
  await clock.advance(1_000)
  await clock.settle(handle.signal(Note, 'fragile', { item: 1 }))
  await clock.advance(60_000)
  expect((await clock.settle(handle.details())).status).toBe('completed')
})
