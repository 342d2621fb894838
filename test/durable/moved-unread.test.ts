import { expect, test } from 'vitest'
import { durableStep, graph, NonRetryableError, signal, step } from '../../src/index.ts'
import type { StoredValue } from '../../src/core/contracts/stored-value.ts'
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

test('what unread messages bring is read in pages that are small enough for the memory, and arrives whole and in order', async () => {
  const Note = text('Note')
  const reads = graph({
    name: 'reads',
    steps: [
      durableStep({
        name: 'Read',
        output: Goal,
        receives: [Note],
        run: async (_, ctx) => (await ctx.receive(Note)).value as string,
      }),
    ],
  })
  const world = new World()
  const here = world.process({ graphs: [reads], work: false })
  const handle = await world.clock.settle(here.start(reads, Goal, {}, { id: 'x' }))
  const notes = Array.from({ length: 9 }, (_, index) => String(index).repeat(index === 4 ? 5_000_000 : 1_000_000))
  for (const note of notes) await world.clock.settle(handle.signal(Note, note))
  const sizes: number[] = []
  const { listMail, readMail } = world.store
  const sized = <Found extends { readonly payload?: StoredValue | undefined }>(found: readonly Found[]) => {
    sizes.push(found.reduce((sum, { payload }) => sum + (payload?.length ?? 0), 0))
    return found
  }
  world.store.listMail = async (request) => sized(await listMail.call(world.store, request))
  world.store.readMail = async (request) => sized(await readMail.call(world.store, request))
  const store = memoryStore({ now: () => world.clock.now(), elapsed: () => world.clock.elapsed() })
  const there = world.process({ graphs: [reads], store, work: false })
  expect(await world.clock.settle(here.moveTo(there, ['x']))).toEqual([{ id: 'x', verdict: 'moved' }])
  // One alone may be larger than a page.
  expect(sizes.filter((size) => size > 4_000_000)).toEqual([5_000_002])
  const { messages } = await world.clock.settle(there.mailbox('x', { values: true }))
  expect(messages.map(({ value }) => value)).toEqual(notes)
})
