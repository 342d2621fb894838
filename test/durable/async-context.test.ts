import { AsyncLocalStorage } from 'node:async_hooks'
import { expect, test } from 'vitest'
import { dataType, graph, signal, step, type } from '../../src/index.ts'
import { World } from './durable-time.ts'

const N = dataType('N', type<number>())
const Reply = dataType('Reply', type<string>())
const Slow = dataType('Slow', type<string>())
const Out = dataType('Out', type<string>())

const requests = new AsyncLocalStorage<string>()

function seeing(world: World, seen: Record<number, string | undefined>) {
  const slow = step({
    name: 'Slow',
    inputs: { n: N },
    output: Slow,
    persist: 'execution',
    run: async ({ n }) => {
      seen[n] = requests.getStore()
      await world.clock.sleep(1_000)
      return 'slow'
    },
  })
  const out = step({
    name: 'Out',
    inputs: { reply: Reply, n: N },
    output: Out,
    run: ({ reply, n }) => {
      seen[n] = requests.getStore()
      return reply
    },
  })
  return {
    slowly: graph({ name: 'slowly', steps: [slow] }),
    replies: graph({ name: 'replies', steps: [signal(Reply), out] }),
  }
}

test('an execution that had to wait for a slot runs in the async context of the call that waits for it', async () => {
  const world = new World()
  const seen: Record<number, string | undefined> = {}
  const { slowly } = seeing(world, seen)
  const docket = world.process({ graphs: [slowly], work: { default: 1 } })
  const calls = [1, 2, 3].map((n) =>
    requests.run(`request ${n}`, () => docket.execute(slowly, Slow, { N: n }, { id: `e${n}` })),
  )
  await world.clock.settle(Promise.all(calls))
  expect(seen).toEqual({ 1: 'request 1', 2: 'request 2', 3: 'request 3' })
})

test('an execution that was parked goes on in the async context of its call, where somebody waits for its result here', async () => {
  const world = new World()
  const seen: Record<number, string | undefined> = {}
  const { replies } = seeing(world, seen)
  const docket = world.process({ graphs: [replies] })
  const begun = requests.run('a request', () => docket.start(replies, Out, { N: 1 }, { id: 'a' }))
  const handle = await world.clock.settle(begun)
  const result = requests.run('somebody else', () => handle.result())
  await world.clock.advance(30_000)
  expect((await world.clock.settle(handle.details()))?.situation).toContain('it is parked')
  await world.clock.settle(handle.signal(Reply, 'yes'))
  expect(await world.clock.settle(result)).toBe('yes')
  expect(seen).toEqual({ 1: 'a request' })
})

test('a batch that had to wait for a slot runs in the async context of the call whose results are waited for', async () => {
  const world = new World()
  const seen: Record<number, string | undefined> = {}
  const { slowly } = seeing(world, seen)
  const docket = world.process({ graphs: [slowly], work: { default: 1 } })
  const first = docket.execute(slowly, Slow, { N: 1 }, { id: 'a' })
  const batch = requests.run('a request', async () => {
    const handle = await docket.startBatch(slowly, Slow, [{ N: 2 }, { N: 3 }], { id: 'b' })
    return handle.result()
  })
  await world.clock.settle(Promise.all([first, batch]))
  expect(seen).toEqual({ 1: undefined, 2: 'a request', 3: 'a request' })
})
