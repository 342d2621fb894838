import { expect, test } from 'vitest'
import { dataType, durableStep, graph, type, update } from '../../src/index.ts'
import type { StoreHint } from '../../src/core/contracts/store.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'

const Start = dataType('Start', type<number>())
const Sum = dataType('Sum', type<number>())
const Add = update('Add', { input: type<number>(), output: type<number>() })

const sums = graph({
  name: 'sums',
  steps: [
    durableStep({
      name: 'AddUp',
      inputs: { start: Start },
      output: Sum,
      receives: [Add],
      run: async ({ start }, context) => {
        for (let sum: number = start; ;) {
          const request = await context.receive(Add)
          sum += request.value
          await request.reply(sum)
        }
      },
    }),
  ],
})

async function answeredHints(world: World): Promise<StoreHint[]> {
  const hints: StoreHint[] = []
  await world.store.open()
  await world.store.subscribe!((hint) => void (hint.type === 'answered' && hints.push(hint)))
  return hints
}

test('a process that waits for an answer from another one hears of it, and reads it once', async () => {
  const world = new World()
  const owner = world.process({ graphs: [sums] })
  await world.clock.settle(owner.start(sums, Sum, { Start: 0 }, { id: 'a' }))
  let reads = 0
  const counting = alteredStore(world.store, (method, ask) => {
    if (method === 'readCheckpoints') reads++
    return ask()
  })
  const elsewhere = world.process({ graphs: [sums], takeOver: false, store: counting })
  const handle = (await world.clock.settle(elsewhere.get('a')))!
  const at = world.clock.elapsed()
  expect(await world.clock.settle(handle.update(Add, 2))).toBe(2)
  expect(world.clock.elapsed()).toBe(at)
  expect(reads).toBe(1)
  // Each hears of its own alone.
  const values = await world.clock.settle(Promise.all([3, 4, 5].map((value) => handle.update(Add, value))))
  expect(values.toSorted((one, other) => one - other)).toEqual([5, 9, 14])
  expect(reads).toBe(4)
})

test('an answer whose hint is lost is found all the same', async () => {
  const world = new World()
  const owner = world.process({ graphs: [sums] })
  await world.clock.settle(owner.start(sums, Sum, { Start: 0 }, { id: 'a' }))
  const deaf = alteredStore(world.store, (method, ask) => (method === 'subscribe' ? async () => {} : ask()))
  const elsewhere = world.process({ graphs: [sums], takeOver: false, store: deaf })
  const handle = (await world.clock.settle(elsewhere.get('a')))!
  const answer = handle.update(Add, 2)
  await world.clock.advance(1_000)
  expect(await world.clock.settle(answer)).toBe(2)
})

test('an answer that is waited for in the process that gives it alone is not announced', async () => {
  const world = new World()
  const hints = await answeredHints(world)
  const owner = world.process({ graphs: [sums] })
  const handle = await world.clock.settle(owner.start(sums, Sum, { Start: 0 }, { id: 'a' }))
  expect(await world.clock.settle(handle.update(Add, 2))).toBe(2)
  expect(hints).toEqual([])
})
