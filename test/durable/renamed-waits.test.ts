import { setup } from 'xstate'
import { expect, test } from 'vitest'
import {
  dataType,
  durableStep,
  event,
  eventType,
  graph,
  machineStep,
  signal,
  step,
  subgraph,
  type,
  untypedGraph,
  update,
} from '../../src/index.ts'
import type { Docket, MigrateHook } from '../../src/index.ts'
import type { AnyGraph } from '../../src/core/graph/graph-index.ts'
import { expectNoUnhandledErrors } from '../loose-api.ts'
import { World } from './durable-time.ts'

expectNoUnhandledErrors()

const Order = dataType('Order', type<string>())
const Bill = dataType('Bill', type<string>())

const unchanged: MigrateHook = (execution) => execution

/** What something is called in a version of the program. */
const named = (version: 1 | 2, old: string, now: string) =>
  version === 1 ? { name: old } : { name: now, formerly: old }

const typed = (version: 1 | 2, old: string, now: string) =>
  version === 1
    ? dataType(old as 'Answer', type<string>())
    : dataType(now as 'Answer', type<string>(), { formerly: old })

async function resultOf(world: World, docket: Docket, id = 'a'): Promise<unknown> {
  return world.clock.settle((await docket.get(id))!.result())
}

/** Begins in version 1, whose process dies after a while, and goes on in another one. */
async function leftBehind(begun: AnyGraph, more: object = {}): Promise<World> {
  const world = new World()
  const { docket, die } = world.mortal({ graphs: [begun] })
  await docket.start(begun as never, Bill as never, { Order: 'o1' } as never, { id: 'a', ...more })
  await world.clock.advance(10)
  die()
  await world.clock.advance(6_000)
  return world
}

test('the child of a step that has another name now is the one that it had', async () => {
  const children: string[] = []
  const Packed = dataType('Packed', type<string>())
  const Go = dataType('Go', type<string>())
  const pack = step({
    name: 'Pack',
    inputs: { go: Go },
    output: Packed,
    run: ({ go }, { executionId }) => (children.push(executionId), go),
  })
  const packing = graph({ name: 'packing', steps: [signal(Go), pack] })
  const shop = (version: 1 | 2): AnyGraph =>
    untypedGraph({
      name: 'shop',
      steps: [
        subgraph(packing, Packed, named(version, 'PackAll', 'PackThem') as never) as never,
        step({
          name: 'Charge',
          inputs: { packed: Packed, order: Order },
          output: Bill,
          run: ({ packed }) => packed,
        }) as never,
      ],
    })
  const world = await leftBehind(shop(1))
  const second = world.process({ graphs: [shop(2), packing] })
  await world.clock.advance(2_000)
  const found = await second.list({ graph: 'packing' })
  expect(found.executions.map(({ id }) => id)).toEqual(['a/PackAll'])
  const { steps } = await (await second.get('a'))!.details()
  expect(steps.find(({ step: name }) => name === 'PackThem')?.waitsFor).toMatchObject({ execution: 'a/PackAll' })
  await (await second.get('a/PackAll'))!.signal(Go as never, 'gone' as never)
  expect(await resultOf(world, second)).toBe('gone')
  expect(children).toEqual(['a/PackAll'])
})

const asking = (version: 1 | 2): AnyGraph => {
  const Answer = typed(version, 'Answer', 'Reply')
  return untypedGraph({
    name: 'asking',
    steps: [
      signal(Answer) as never,
      step({
        name: 'Take',
        inputs: { order: Order, answer: Answer },
        output: Bill,
        run: ({ answer }) => answer,
      }) as never,
    ],
  })
}

test('a signal that was accepted under the former name of its type is read, and another one is a duplicate under either name', async () => {
  const world = new World()
  const old = asking(1)
  const { docket, die } = world.mortal({ graphs: [old] })
  const handle = await docket.start(old as never, Bill as never, { Order: 'o1' } as never, {
    id: 'a',
    startAt: new Date(world.clock.now() + 3_000),
  })
  expect(await world.clock.settle(handle.signal(typed(1, 'Answer', 'Reply') as never, 'yes' as never))).toBe('accepted')
  die()
  const second = world.process({ graphs: [asking(2)] })
  const again = await world.clock.settle(
    (await second.get('a'))!.signal(typed(2, 'Answer', 'Reply') as never, 'no' as never),
  )
  expect(again).toBe('duplicate')
  await world.clock.advance(10_000)
  expect(await resultOf(world, second)).toBe('yes')
})

test('a wait for a signal goes on whose type has another name now, and so does one whose signal came with the start', async () => {
  const world = await leftBehind(asking(1))
  const second = world.process({ graphs: [asking(2)] })
  await world.clock.advance(2_000)
  expect(world.events.filter(({ type: kind }) => kind === 'execution.incompatible')).toEqual([])
  const handle = (await second.get('a'))!
  expect(await world.clock.settle(handle.signal(typed(2, 'Answer', 'Reply') as never, 'yes' as never))).toBe('accepted')
  expect(await resultOf(world, second)).toBe('yes')

  const old = asking(1)
  const { docket, die } = world.mortal({ graphs: [old] })
  const startAt = new Date(world.clock.now() + 3_000)
  await world.clock.settle(
    docket.start(old as never, Bill as never, { Order: 'o1' } as never, {
      id: 'b',
      startAt,
      signals: { Answer: 'early' } as never,
    }),
  )
  die()
  await world.clock.advance(10_000)
  expect(await resultOf(world, second, 'b')).toBe('early')
})

test('a wait for an event goes on whose output has another name now', async () => {
  const packed = eventType('packed', type<string>())
  const shop = (version: 1 | 2): AnyGraph => {
    const Packed = typed(version, 'Packed', 'Wrapped')
    return untypedGraph({
      name: 'shop',
      steps: [
        event(packed, { inputs: { order: Order }, key: ({ order }) => order, output: Packed }) as never,
        step({ name: 'Charge', inputs: { packed: Packed }, output: Bill, run: (given) => given.packed }) as never,
      ],
    })
  }
  const world = await leftBehind(shop(1))
  const second = world.process({ graphs: [shop(2)] })
  await world.clock.advance(2_000)
  await second.emit(packed, 'o1', 'box 4')
  expect(await resultOf(world, second)).toBe('box 4')
})

test('updates and messages come under the former names of their types, too', async () => {
  const program = (version: 1 | 2) => {
    const Change = update(
      (version === 1 ? 'Change' : 'Alter') as 'Change',
      {
        input: type<string>(),
        output: type<string>(),
        ...(version === 2 && { formerly: 'Change' }),
      } as never,
    )
    const Note = typed(version, 'Note', 'Remark')
    const talk = durableStep({
      name: 'Talk',
      inputs: { order: Order },
      output: Bill,
      receives: [Change, Note],
      run: async (_, ctx) => {
        const first = await ctx.receive(Change as never)
        await (first as { reply(value: string): Promise<void> }).reply('done')
        const note = (await ctx.receive(Note as never)) as { readonly value: string }
        return note.value
      },
    })
    return { Change, Note, talks: untypedGraph({ name: 'talks', steps: [talk as never] }) }
  }
  const old = program(1)
  const now = program(2)
  const world = new World()
  const { docket, die } = world.mortal({ graphs: [old.talks] })
  const startAt = new Date(world.clock.now() + 3_000)
  const handle = await docket.start(old.talks as never, Bill as never, { Order: 'o1' } as never, { id: 'a', startAt })
  expect(await world.clock.settle(handle.signal(old.Note as never, 'hello' as never, { id: 'n1' }))).toBe('accepted')
  void handle.update(old.Change as never, 'x' as never, { id: 'u1' }).catch(() => {})
  await world.clock.advance(10)
  die()
  const second = world.process({ graphs: [now.talks] })
  await world.clock.advance(10_000)
  expect(await resultOf(world, second)).toBe('hello')
  const known = (await second.get('a'))!
  expect(
    await world.clock.settle(known.update(now.Change as never, 'x' as never, { id: 'u1' }) as Promise<unknown>),
  ).toBe('done')
})

test('the identity as a migration keeps what a machine is at, and the event that is waited for', async () => {
  const Coin = dataType('Coin', type<string>())
  const Count = dataType('Count', type<string>())
  const packed = eventType('packed', type<string>())
  const machine = setup({
    types: {} as { context: { readonly coins: number }; events: { readonly type: 'COIN' } },
  }).createMachine({
    context: { coins: 0 },
    initial: 'none',
    states: { none: { on: { COIN: 'one' } }, one: { on: { COIN: 'done' } }, done: { type: 'final' } },
    output: () => 'two coins',
  })
  const shop = (version: 1 | 2): AnyGraph =>
    untypedGraph({
      name: 'shop',
      steps: [
        machineStep({
          name: 'Collect',
          machine,
          inputs: { order: Order },
          output: Count,
          events: { COIN: Coin },
        } as never) as never,
        event(packed, { inputs: { order: Order }, key: ({ order }) => order }) as never,
        step({
          name: `Charge${version}`,
          inputs: { count: Count, packed },
          output: Bill,
          run: ({ count, packed: box }) => `${count}, ${box}`,
        }) as never,
      ],
    })
  const world = new World()
  const old = shop(1)
  const { docket, die } = world.mortal({ graphs: [old] })
  const handle = await docket.start(old as never, Bill as never, { Order: 'o1' } as never, { id: 'a' })
  await world.clock.advance(10)
  await world.clock.settle(handle.signal(Coin as never, 'first' as never))
  await world.clock.advance(10)
  die()
  const second = world.process({ graphs: [shop(2)], migrate: { shop: unchanged } })
  await world.clock.advance(7_000)
  await second.emit(packed, 'o1', 'box 4')
  await world.clock.settle((await second.get('a'))!.signal(Coin as never, 'second' as never))
  expect(await resultOf(world, second)).toBe('two coins, box 4')
})
