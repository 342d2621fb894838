import { expect, test } from 'vitest'
import { dataType, durableStep, graph, NonRetryableError, signal, step, type, update } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { expectNoUnhandledErrors, number, text } from '../loose-api.ts'
import { World } from './durable-time.ts'

expectNoUnhandledErrors()

const Approval = text('Approval')
const Goal = number('Goal')

test('a signal that was answered with a value under a former name of its type is a duplicate in the other store as well', async () => {
  const world = new World()
  const Answer = dataType('Answer', type<string>())
  const Reply = dataType('Reply', type<string>(), { formerly: 'Answer' })
  const Go = text('Go')
  const asking = (Of: typeof Answer) =>
    graph({
      name: 'asking',
      steps: [
        signal(Of),
        signal(Go),
        step({ name: 'End', inputs: { of: Of, go: Go } as never, output: Goal, run: () => 1 }),
      ] as never,
    })
  const old = asking(Answer)
  const now = asking(Reply as never)
  const first = world.mortal({ graphs: [old], park: 0 })
  await world.clock.settle(first.docket.start(old as never, Goal as never, {} as never, { id: 'x' }))
  await world.clock.advance(1_000)
  first.die()
  const here = world.process({ graphs: [now], park: 0 })
  await world.clock.settle((await here.get('x'))!.signal(Reply as never, 'yes' as never))
  await world.clock.advance(10_000)
  const store = memoryStore({ now: () => world.clock.now(), elapsed: () => world.clock.elapsed() })
  const there = world.process({ graphs: [now], store, park: 0 })
  expect(await world.clock.settle(here.moveTo(there, ['x']))).toEqual([{ id: 'x', verdict: 'moved' }])
  const again = (await world.clock.settle(there.get('x')))!
  expect(await world.clock.settle(again.signal(Reply as never, 'no' as never))).toBe('duplicate')
})

test('the sender of an update that was not answered yet hears that its execution was moved, and is answered there', async () => {
  const Change = update('Change', { input: type<string>(), output: type<string>() })
  const Go = text('Go')
  const talks = graph({
    name: 'talks',
    steps: [
      signal(Go),
      durableStep({
        name: 'Talk',
        inputs: { go: Go },
        output: Goal,
        receives: [Change],
        run: async (_, ctx) => {
          const message = await ctx.receive(Change)
          await message.reply(`${message.value}!`)
          return 1
        },
      }),
    ],
  })
  const world = new World()
  const here = world.process({ graphs: [talks], park: 0 })
  const handle = await world.clock.settle(here.start(talks, Goal, {}, { id: 'x' }))
  await world.clock.advance(1_000)
  const sent = handle.update(Change, 'x', { id: 'u1' }).catch((error: unknown) => error)
  await world.clock.advance(1_000)
  const store = memoryStore({ now: () => world.clock.now(), elapsed: () => world.clock.elapsed() })
  const there = world.process({ graphs: [talks], store, park: 0 })
  expect(await world.clock.settle(here.moveTo(there, ['x']))).toEqual([{ id: 'x', verdict: 'moved' }])
  await world.clock.advance(2_000)
  expect(String(await world.clock.settle(sent))).toContain('moved to another store')
  const moved = (await world.clock.settle(there.get('x')))!
  await world.clock.settle(moved.signal(Go as never, 'go' as never))
  expect(await world.clock.settle(moved.update(Change as never, 'x' as never, { id: 'u1' }) as Promise<unknown>)).toBe(
    'x!',
  )
})

test('a message that is sent again under its id is the same one in the other store as well, with the verdict that it got', async () => {
  const Line = text('Line')
  const collects = graph({
    name: 'collects',
    steps: [
      signal(Approval),
      durableStep({
        name: 'Collect',
        inputs: { approval: Approval },
        output: text('Lines'),
        receives: [Line],
        run: async (_, ctx) => {
          const lines: string[] = []
          while (lines.at(-1) !== 'end') lines.push((await ctx.receive(Line)).value)
          return lines.join()
        },
      }),
    ],
  })
  const world = new World()
  const here = world.process({ graphs: [collects], park: 0 })
  const handle = await world.clock.settle(here.start(collects, text('Lines'), {}, { id: 'x' }))
  const send = async (to: typeof handle, id: string, value = id): Promise<unknown> =>
    world.clock.settle(to.signal(Line, value, { id }))
  expect(await world.clock.settle(handle.signal(Approval, 'yes', { id: 'first' }))).toBe('accepted')
  expect(await world.clock.settle(handle.signal(Approval, 'no', { id: 'second' }))).toBe('duplicate')
  expect(await send(handle, 'a')).toBe('accepted')
  // Read, and on record.
  await world.clock.advance(10_000)
  const store = memoryStore({ now: () => world.clock.now(), elapsed: () => world.clock.elapsed() })
  const there = world.process({ graphs: [collects], store, park: 0 })
  const moving = here.moveTo(there, ['x'])
  // In the middle of the move.
  const late = send(handle, 'b')
  expect(await world.clock.settle(moving)).toEqual([{ id: 'x', verdict: 'moved' }])
  const moved = (await world.clock.settle(there.get('x')))! as unknown as typeof handle
  if ((await late) === 'ended') expect(await send(moved, 'b')).toBe('accepted')
  expect(await send(moved, 'a')).toBe('accepted')
  expect(await send(moved, 'b')).toBe('accepted')
  expect(await world.clock.settle(moved.signal(Approval, 'yes', { id: 'first' }))).toBe('accepted')
  expect(await world.clock.settle(moved.signal(Approval, 'no', { id: 'second' }))).toBe('duplicate')
  expect(await send(moved, 'end')).toBe('accepted')
  expect(await world.clock.settle(moved.result())).toBe('a,b,end')
})

test('a signal that came with the start is taken in the other store as well: another one is a duplicate, or late', async () => {
  const Go = text('Go')
  const waiting = graph({
    name: 'waiting',
    steps: [
      signal(Go),
      signal(Approval, { inputs: { go: Go } }),
      step({ name: 'End', inputs: { approval: Approval }, output: Goal, run: () => 1 }),
    ],
  })
  const world = new World()
  const here = world.process({ graphs: [waiting], park: 0 })
  await world.clock.settle(here.start(waiting, Goal, {}, { id: 'x', signals: { Approval: 'yes' } }))
  await world.clock.advance(1_000)
  const store = memoryStore({ now: () => world.clock.now(), elapsed: () => world.clock.elapsed() })
  const there = world.process({ graphs: [waiting], store, park: 0 })
  expect(await world.clock.settle(here.moveTo(there, ['x']))).toEqual([{ id: 'x', verdict: 'moved' }])
  const handle = (await world.clock.settle(there.get('x')))!
  expect(await world.clock.settle(handle.signal(Approval as never, 'no' as never))).toMatch(/duplicate|late/)
})

const failing = graph({
  name: 'failing',
  steps: [
    // It does not listen to its signal: its process keeps the execution after that has ended.
    step({ name: 'Hang', output: text('Hung'), persist: 'execution', run: () => new Promise<string>(() => {}) }),
    step({
      name: 'Fail',
      output: text('Failed'),
      run: () => {
        throw new NonRetryableError('it fails')
      },
    }),
    step({ name: 'End', inputs: { hung: text('Hung'), failed: text('Failed') }, output: Goal, run: () => 1 }),
  ],
})

test('a retry that is refused leaves no message behind: what it was for is moved as it is', async () => {
  const world = new World()
  const first = world.mortal({ graphs: [failing] })
  const handle = await world.clock.settle(first.docket.start(failing, Goal, {}, { id: 'x' }))
  await world.clock.settle(handle.result().catch(() => {}))
  // Of another program, as an operator's is that has no graphs.
  const operator = world.process({ graphs: [], takeOver: false })
  const refused = operator.retry('x').catch((error: unknown) => error)
  await world.clock.advance(1_000)
  expect(await world.store.readMail({ owner: (await world.store.get(['x']))[0]!.owner!, limit: 9 })).toMatchObject([
    { kind: 'retry' },
  ])
  first.die()
  expect(await world.clock.settle(refused)).toMatchObject({
    code: 'EXECUTION_CONFLICT',
    message: expect.stringContaining('does not know'),
  })
  const store = memoryStore({ now: () => world.clock.now(), elapsed: () => world.clock.elapsed() })
  const there = world.process({ graphs: [failing], store, work: false })
  expect(await world.clock.settle(operator.moveTo(there, ['x']))).toEqual([{ id: 'x', verdict: 'copied' }])
})

test('a retry of which the sender has gone holds up no move, once it would have been sent again', async () => {
  const world = new World()
  const first = world.mortal({ graphs: [failing] })
  const handle = await world.clock.settle(first.docket.start(failing, Goal, {}, { id: 'x' }))
  await world.clock.settle(handle.result().catch(() => {}))
  const second = world.mortal({ graphs: [failing] })
  second.docket.retry('x').catch(() => {})
  await world.clock.advance(1_000)
  first.die()
  second.die()
  const operator = world.process({ graphs: [], takeOver: false })
  const store = memoryStore({ now: () => world.clock.now(), elapsed: () => world.clock.elapsed() })
  const there = world.process({ graphs: [failing], store, work: false })
  await world.clock.advance(60_000)
  expect(await world.clock.settle(operator.moveTo(there, ['x']))).toEqual([{ id: 'x', verdict: 'copied' }])
})

test('a deletion of which the sender has gone with the owner holds up no move of what has ended, once it would have been done', async () => {
  const world = new World()
  const first = world.mortal({ graphs: [failing] })
  const handle = await world.clock.settle(first.docket.start(failing, Goal, {}, { id: 'x' }))
  await world.clock.settle(handle.result().catch(() => {}))
  first.die()
  const at = world.clock.now()
  const request = { execution: 'x', class: 'control', kind: 'delete', andEnded: true, payload: undefined, at } as const
  await world.store.post([request])
  const operator = world.process({ graphs: [], takeOver: false })
  const store = memoryStore({ now: () => world.clock.now(), elapsed: () => world.clock.elapsed() })
  const there = world.process({ graphs: [failing], store, work: false })
  await world.clock.advance(60_000)
  expect(await world.clock.settle(operator.moveTo(there, ['x']))).toEqual([{ id: 'x', verdict: 'copied' }])
})
