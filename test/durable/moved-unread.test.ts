import { expect, test } from 'vitest'
import { graph, NonRetryableError, signal, step } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { expectNoUnhandledErrors, text } from '../loose-api.ts'
import { World } from './durable-time.ts'

expectNoUnhandledErrors()

const Approval = text('Approval')
const Made = text('Made')
const Goal = text('Goal')

test('a signal that nobody has taken before its execution failed is taken by the retry in the other store', async () => {
  let isBroken = true
  const waits = graph({
    name: 'waits',
    steps: [
      step({
        name: 'Make',
        output: Made,
        run: () => {
          if (isBroken) throw new NonRetryableError('broken')
          return 'made'
        },
      }),
      signal(Approval, { inputs: { made: Made } }),
      step({ name: 'End', inputs: { approval: Approval }, output: Goal, run: ({ approval }) => approval as string }),
    ],
  })
  const world = new World()
  const here = world.process({ graphs: [waits], park: 0, work: false })
  const handle = await world.clock.settle(here.start(waits, Goal, {}, { id: 'x' }))
  expect(await world.clock.settle(handle.signal(Approval, 'yes', { id: 's' }))).toBe('accepted')
  const runs = world.process({ graphs: [waits], park: 0 })
  await world.clock.advance(10_000)
  expect((await world.store.get(['x']))[0]).toMatchObject({ status: 'failed' })
  await world.clock.settle(runs.close())
  const store = memoryStore({ now: () => world.clock.now(), elapsed: () => world.clock.elapsed() })
  const there = world.process({ graphs: [waits], store, park: 0 })
  expect((await world.clock.settle(here.mailbox('x'))).messages).toMatchObject([{ id: 's' }])
  expect(await world.clock.settle(here.moveTo(there, ['x']))).toEqual([{ id: 'x', verdict: 'copied' }])
  isBroken = false
  const retried = (await world.clock.settle(there.get('x')))!
  await world.clock.settle(there.retry('x'))
  await world.clock.advance(10_000)
  expect(await world.clock.settle(retried.signal(Approval as never, 'no' as never, { id: 't' }))).not.toBe('accepted')
  expect(await world.clock.settle(retried.result())).toBe('yes')
})
