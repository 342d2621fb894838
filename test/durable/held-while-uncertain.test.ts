import { expect, test } from 'vitest'
import { dataType, graph, step, StoreError, type } from '../../src/index.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'

const Slow = dataType('Slow', type<string>())
const Quick = dataType('Quick', type<string>())
const Both = dataType('Both', type<string>())

test('an execution that has ended while its functions run on stays with its process though an acquisition of it failed half a minute ago: what they bring is kept', async () => {
  const world = new World()
  const { clock } = world
  let life = 1
  const graphs = [
    graph({
      name: 'late',
      steps: [
        step({
          name: 'Slow',
          output: Slow,
          persist: 'execution',
          run: async () => {
            if (life === 1) throw new Error('not yet')
            await clock.sleep(120_000)
            return 'slow'
          },
        }),
        step({
          name: 'Quick',
          output: Quick,
          run: () => {
            throw new Error('no')
          },
        }),
        step({ name: 'Both', inputs: { slow: Slow, quick: Quick }, output: Both, run: ({ slow }) => slow }),
      ],
    }),
  ]
  let isCut = false
  const store = alteredStore(world.store, async (method, ask, given) => {
    const answer: unknown = await ask()
    if (method === 'acquire' && (given[0] as { readonly ids?: unknown }).ids !== undefined && !isCut) {
      isCut = true
      throw new StoreError('memory', 'cut', true)
    }
    return answer
  })
  const docket = world.process({ graphs, store })
  const handle = await clock.settle(docket.start(graphs[0]!, Both, {}, { id: 'a' }))
  await clock.settle(handle.result().catch(() => {}))
  await clock.advance(1_000)
  life = 2
  await clock.settle(docket.retry('a'))
  expect(isCut).toBe(true)
  await clock.advance(60_000)
  const [held] = await world.store.get(['a'])
  expect(held).toMatchObject({ status: 'failed', owner: expect.any(String) as string })
  await clock.advance(90_000)
  const { steps } = await clock.settle(handle.details())
  expect(steps.find((one) => one.step === 'Slow')).toMatchObject({ status: 'completed' })
  expect((await world.store.get(['a']))[0]!.owner).toBeUndefined()
})
