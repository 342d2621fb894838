import { expect, test } from 'vitest'
import { dataType, durableStep, eventType, graph, step, type } from '../../src/index.ts'
import type { MigrateHook } from '../../src/index.ts'
import { expectNoUnhandledErrors, number, text } from '../loose-api.ts'
import { World } from './durable-time.ts'

expectNoUnhandledErrors()

const Address = text('Address')
const Line = dataType('Line', type<string>())
const Welcomed = text('Welcomed')
const Child = number('Child')
const Packed = eventType('Packed', type<string>())

/** What functions did, in order, each with the key of its attempt. */
interface Deeds {
  readonly all: string[]
  readonly keys: Set<string>
}

const tiny = graph({ name: 'tiny', steps: [step({ name: 'Tiny', output: Child, persist: 'execution', run: () => 1 })] })

/** The same graph, under another name of its function. */
function welcoming({ all, keys }: Deeds, name: string, formerly?: string | readonly string[]) {
  return graph({
    name: 'welcoming',
    steps: [
      durableStep({
        name,
        ...(formerly !== undefined && { formerly }),
        inputs: { address: Address },
        output: Welcomed,
        receives: [Line],
        run: async ({ address }, ctx) => {
          keys.add(ctx.idempotencyKey)
          const mail = await ctx.step('welcome', () => {
            all.push('welcome')
            return `to ${address}`
          })
          const child = await ctx.start(tiny, Child, {})
          const made = await child.result()
          const line = await ctx.receive(Line)
          const packed = await ctx.waitFor(Packed, 'k')
          await ctx.step('thank', () => void all.push('thank'))
          return `${mail} ${made} ${line.value} ${'value' in packed ? packed.value : 'late'}`
        },
      }),
    ],
  })
}

const rename: MigrateHook = ({ steps: { Welcome, ...steps }, ...execution }) => ({
  ...execution,
  steps: { ...steps, ...(Welcome !== undefined && { Greet: Welcome }) },
})

const done = 'to Main Street 1 a box'

test.each([
  ['formerly', (deeds: Deeds) => ({ graphs: [welcoming(deeds, 'Greet', 'Welcome'), tiny] })],
  ['migrate', (deeds: Deeds) => ({ graphs: [welcoming(deeds, 'Greet'), tiny], migrate: { welcoming: rename } })],
] as const)('a durable function that is renamed with %s goes on where it was', async (_, options) => {
  const world = new World()
  const deeds: Deeds = { all: [], keys: new Set() }
  const begun = welcoming(deeds, 'Welcome')
  const first = world.mortal({ graphs: [begun, tiny] })
  const inputs = { Address: 'Main Street' }
  await world.clock.settle(first.docket.start(begun, Welcomed, inputs, { id: 'x' }))
  await world.clock.advance(1_000)
  expect(deeds.all).toEqual(['welcome'])
  first.die()
  const docket = world.process(options(deeds))
  await world.clock.advance(60_000)
  const handle = (await docket.get('x'))!
  const { steps, children } = (await world.clock.settle(handle.details())) as never as {
    steps: readonly { step: string; checkpoints?: readonly { name: string }[] }[]
    children: readonly unknown[]
  }
  expect(steps.map((info) => [info.step, info.checkpoints?.map(({ name }) => name)])).toEqual([
    ['Greet', expect.arrayContaining(['welcome'])],
  ])
  expect(children).toHaveLength(1)
  expect(await world.clock.settle(handle.signal(Line, 'a'))).toBe('accepted')
  expect(await world.clock.settle(docket.emit(Packed, 'k', 'box'))).toBe('accepted')
  expect(await world.clock.settle(handle.result())).toBe(done)
  expect(deeds.all).toEqual(['welcome', 'thank'])
  expect(deeds.keys.size).toBe(1)
})

/** A function that does a thing before it waits, and one after. */
function shortly(name: string, all: string[], options: object = {}, onKey: (key: string) => void = () => {}) {
  return durableStep({
    name,
    ...options,
    inputs: { address: Address },
    output: Welcomed,
    receives: [Line],
    run: async (_, ctx) => {
      onKey(ctx.idempotencyKey)
      await ctx.step('one', () => void all.push(`${name}: one`))
      const { value } = await ctx.receive(Line)
      await ctx.step('two', () => void all.push(`${name}: two`))
      return value
    },
  })
}

test('the function of an item goes on under its new name', async () => {
  const world = new World()
  const all: string[] = []
  const old = graph({ name: 'shortly', steps: [shortly('Old', all)] })
  const first = world.mortal({ graphs: [old] })
  const items = [{ Address: 'a' }, { Address: 'b' }]
  await world.clock.settle(first.docket.startBatch(old, Welcomed, items, { id: 'x' }))
  await world.clock.advance(1_000)
  first.die()
  const now = graph({ name: 'shortly', steps: [shortly('Now', all, { formerly: 'Old' })] })
  const docket = world.process({ graphs: [now] })
  await world.clock.advance(60_000)
  const handle = (await docket.get('x'))!
  for (const item of [0, 1])
    expect(await world.clock.settle(handle.signal(Line, `${item}`, { item } as never))).toBe('accepted')
  expect(await world.clock.settle(handle.result())).toEqual(['0', '1'])
  expect(all).toEqual(['Old: one', 'Old: one', 'Now: two', 'Now: two'])
})

const oldIsNow: MigrateHook = (execution) => ({ ...execution, steps: { Now: execution.steps['Old']! } })

test('a new function that is called as another one was before is another one: it begins from nothing, with a key of its own', async () => {
  const world = new World()
  const all: string[] = []
  const keys: string[] = []
  const Both = text('Both')
  const Other = text('Other')
  const other = durableStep({
    name: 'Old',
    output: Other,
    run: async (_, ctx) => {
      keys.push(ctx.idempotencyKey)
      return ctx.step('one', () => (all.push('another one'), 'other'))
    },
  })
  const join = step({ name: 'Join', inputs: { welcomed: Welcomed }, output: Both, run: ({ welcomed }) => welcomed })
  const joinBoth = step({
    name: 'Join',
    inputs: { welcomed: Welcomed, other: Other },
    output: Both,
    run: (given) => `${given.welcomed} ${given.other}`,
  })
  const onKey = (key: string) => void keys.push(key)
  const old = graph({ name: 'shortly', steps: [shortly('Old', all, {}, onKey), join] })
  const first = world.mortal({ graphs: [old] })
  await world.clock.settle(first.docket.start(old, Both, { Address: 'a' }, { id: 'x' }))
  await world.clock.advance(1_000)
  first.die()
  const now = graph({ name: 'shortly', steps: [shortly('Now', all, {}, onKey), other, joinBoth] })
  const docket = world.process({ graphs: [now], migrate: { shortly: oldIsNow } })
  await world.clock.advance(60_000)
  const handle = (await docket.get('x'))!
  expect(await world.clock.settle(handle.signal(Line, 'done'))).toBe('accepted')
  expect(await world.clock.settle(handle.result())).toBe('done other')
  expect(all).toEqual(['Old: one', 'another one', 'Now: two'])
  // That of the function that was renamed, and that of the new one.
  expect(new Set(keys).size).toBe(2)
})

test('a function that a migration leaves out begins anew', async () => {
  const world = new World()
  const all: string[] = []
  const old = graph({ name: 'shortly', steps: [shortly('Old', all)] })
  const first = world.mortal({ graphs: [old] })
  await world.clock.settle(first.docket.start(old, Welcomed, { Address: 'a' }, { id: 'x' }))
  await world.clock.advance(1_000)
  first.die()
  const Go = dataType('Go', type<string>(), { version: '2' })
  const now = graph({
    name: 'shortly',
    steps: [
      step({ name: 'Go', output: Go, run: () => 'go' }),
      shortly('Old', all, { inputs: { address: Address, go: Go } }),
    ],
  })
  const docket = world.process({
    graphs: [now],
    migrate: { shortly: (execution) => ({ ...execution, steps: {} }) },
  })
  await world.clock.advance(60_000)
  const handle = (await docket.get('x'))!
  expect(await world.clock.settle(handle.signal(Line, 'done'))).toBe('accepted')
  expect(await world.clock.settle(handle.result())).toBe('done')
  expect(all).toEqual(['Old: one', 'Old: one', 'Old: two'])
})
