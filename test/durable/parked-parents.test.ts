import { expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, graph, signal, step, subgraph } from '../../src/index.ts'
import type { AnyGraph, DocketOptions } from '../../src/index.ts'
import type { NewMessage } from '../../src/core/contracts/message.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'

const Approval = dataType('Approval', z.string())
const Value = dataType('Value', z.string())
const Middle = dataType('Middle', z.string())
const Top = dataType('Top', z.string())
const minute = 60_000

/** Three levels, the lowest of which waits for an approval; what functions were called is noted. */
function levels(calls: string[] = [], options: { readonly timeout?: string } = {}) {
  const called = (name: string, value: string): string => {
    calls.push(name)
    return value
  }
  const lowest = graph({
    name: 'lowest',
    steps: [
      signal(Approval),
      step({ name: 'Low', inputs: { by: Approval }, output: Value, run: ({ by }) => called('Low', `by ${by}`) }),
    ],
  })
  const middle = graph({
    name: 'middle',
    steps: [
      subgraph(lowest, Value, { name: 'Lowest' }),
      step({ name: 'Mid', inputs: { value: Value }, output: Middle, run: ({ value }) => called('Mid', value) }),
    ],
  })
  const top = graph({
    name: 'top',
    ...options,
    steps: [
      subgraph(middle, Middle, { name: 'Middle' }),
      step({ name: 'End', inputs: { middle: Middle }, output: Top, run: ({ middle: value }) => called('End', value) }),
    ],
  })
  return { lowest, middle, top }
}

const ids = ['a', 'a/Middle', 'a/Middle/Lowest'] as const

async function statuses(world: World): Promise<readonly (string | undefined)[]> {
  return (await world.store.get([...ids])).map((record) => record?.status)
}

async function outbox(world: World): Promise<number> {
  return (await world.store.readOutbox({ before: Infinity, limit: 1_000 })).length
}

async function parkedWorld(options: Partial<DocketOptions> = {}, calls: string[] = []) {
  const world = new World()
  const { lowest, middle, top } = levels(calls)
  const docket = world.process({ graphs: [top], ...options })
  const handle = await world.clock.settle(docket.start(top, Top, {}, { id: 'a' }))
  await world.clock.advance(30_000)
  return { world, docket, handle, calls, lowest, middle, top }
}

async function approve(world: World, graphs: readonly AnyGraph[]): Promise<void> {
  const sender = world.process({ graphs, takeOver: false })
  const handle = await world.clock.settle(sender.get('a/Middle/Lowest'))
  expect(await world.clock.settle(handle!.signal(Approval, 'Ada'))).toBe('accepted')
}

test('a parent that only waits for children is parked like any other, and each end wakes the level above', async () => {
  const { world, docket, handle, calls } = await parkedWorld()
  for (const record of await world.store.get([...ids])) {
    expect(record).toMatchObject({ status: 'waiting', owner: undefined })
    expect(record!.parkedAt).toBeDefined()
  }
  const result = handle.result()
  await approve(world, [levels().lowest])
  await world.clock.advance(10_000)
  expect(await world.clock.settle(result)).toBe('by Ada')
  expect(calls).toEqual(['Low', 'Mid', 'End'])
  expect(await statuses(world)).toEqual(['completed', 'completed', 'completed'])
  expect(await outbox(world)).toBe(0)
  await world.clock.settle(docket.close())
})

test('details say for which child a step waits, of an execution that lives here and of a parked one', async () => {
  const world = new World()
  const { top } = levels()
  const docket = world.process({ graphs: [top] })
  const handle = await world.clock.settle(docket.start(top, Top, {}, { id: 'a' }))
  const waitsFor = { kind: 'child', execution: 'a/Middle', until: undefined }
  for (const ms of [100, 30_000]) {
    await world.clock.advance(ms)
    const details = await world.clock.settle(handle.details())
    expect(details.steps.find(({ step: name }) => name === 'Middle')).toMatchObject({ status: 'waiting', waitsFor })
    expect(details.status).toBe('waiting')
    expect(details.situation).toContain('it waits for child "a/Middle"')
  }
})

test('parents leave their slots to their children, three levels deep, also where a process goes on with all of them', async () => {
  const { world, calls, lowest, top } = await parkedWorld({ work: { default: 1 } })
  await approve(world, [lowest])
  const other = world.process({ graphs: [top], work: { default: 1 } })
  await world.clock.advance(30_000)
  expect(await statuses(world)).toEqual(['completed', 'completed', 'completed'])
  expect(calls).toEqual(['Low', 'Mid', 'End'])
  await world.clock.settle(other.close())
})

test('a process that takes over three levels of a dead one has room for all with one slot', async () => {
  const world = new World()
  const { top, lowest } = levels()
  const { docket, die } = world.mortal({ graphs: [top], lease: '2s', park: '1h' })
  await world.clock.settle(docket.start(top, Top, {}, { id: 'a' }))
  await world.clock.advance(100)
  die()
  world.process({ graphs: [top], lease: '2s', park: '1h', work: { default: 1 } })
  await world.clock.advance(10_000)
  await approve(world, [lowest])
  await world.clock.advance(10_000)
  expect(await statuses(world)).toEqual(['completed', 'completed', 'completed'])
})

test.each([true, false])('close does not wait for a parent whose child waits (drain: %s)', async (drain) => {
  const world = new World()
  const { top, lowest } = levels()
  const docket = world.process({ graphs: [top], park: '1h' })
  await world.clock.settle(docket.start(top, Top, {}, { id: 'a' }))
  await world.clock.advance(100)
  const before = world.clock.elapsed()
  await world.clock.settle(docket.close({ deadline: '60s', drain }))
  expect(world.clock.elapsed() - before).toBeLessThan(1_000)
  const next = world.process({ graphs: [top] })
  await world.clock.advance(1_000)
  await approve(world, [lowest])
  await world.clock.advance(5_000)
  expect(await statuses(world)).toEqual(['completed', 'completed', 'completed'])
  await world.clock.settle(next.close())
})

test('a timeout of the parent rests while its child is open, in memory and parked alike', async () => {
  for (const park of ['10s', '1h']) {
    const world = new World()
    const { top, lowest } = levels([], { timeout: '5s' })
    const docket = world.process({ graphs: [top], park })
    const handle = await world.clock.settle(docket.start(top, Top, {}, { id: 'a' }))
    await world.clock.advance(30 * minute)
    await approve(world, [lowest])
    await world.clock.advance(10_000)
    expect(await world.clock.settle(handle.result())).toBe('by Ada')
  }
})

test('a child that ends while no process of its parent lives, nor any that could deliver it, wakes the parent later', async () => {
  const { world, docket, lowest, middle, top } = await parkedWorld()
  await world.clock.settle(docket.close())
  // It knows the lowest level alone, and dies as soon as that has ended.
  const mute = alteredStore(world.store, (method, ask, given) => {
    const isEnd = method === 'post' && (given[0] as readonly NewMessage[])[0]?.kind === 'child-ended'
    return isEnd ? new Promise(() => {}) : ask()
  })
  const { docket: mortal, die } = world.mortal({ graphs: [lowest], lease: '2s' }, mute)
  const handle = await world.clock.settle(mortal.get('a/Middle/Lowest'))
  await world.clock.settle(handle!.signal(Approval, 'Ada'))
  for (let step = 0; step < 100 && (await statuses(world))[2] !== 'completed'; step++) await world.clock.advance(10)
  die()
  expect(await statuses(world)).toEqual(['waiting', 'waiting', 'completed'])
  expect(await outbox(world)).toBe(1)
  world.process({ graphs: [middle, lowest], lease: '2s' })
  await world.clock.advance(10_000)
  expect(await statuses(world)).toEqual(['waiting', 'completed', 'completed'])
  world.process({ graphs: [top] })
  await world.clock.advance(10_000)
  expect(await statuses(world)).toEqual(['completed', 'completed', 'completed'])
  expect(await outbox(world)).toBe(0)
})

test('a parked parent learns that its child was deleted', async () => {
  const { world, docket, handle } = await parkedWorld()
  const ended = handle.result().catch((error: unknown) => error)
  expect(await world.clock.settle(docket.delete('a/Middle/Lowest'))).toBe(true)
  await world.clock.advance(30_000)
  // The middle one begins its child anew where it goes on.
  expect((await statuses(world))[2]).toBe('waiting')
  expect(await outbox(world)).toBe(0)
  await approve(world, [levels().lowest])
  await world.clock.advance(10_000)
  expect(await world.clock.settle(ended)).toBe('by Ada')
})

test('a batch that only waits for a child is parked too, and its end wakes it', async () => {
  const world = new World()
  const { middle, lowest } = levels()
  const docket = world.process({ graphs: [middle] })
  const handle = await world.clock.settle(docket.startBatch(middle, Middle, [{}, {}], { id: 'b' }))
  await world.clock.advance(40_000)
  expect((await world.store.get(['b']))[0]).toMatchObject({ status: 'waiting', owner: undefined })
  // No item gives it anything, so there is one for all of them.
  const sender = world.process({ graphs: [lowest], takeOver: false })
  const child = await world.clock.settle(sender.get('b/Lowest'))
  expect(await world.clock.settle(child!.signal(Approval, 'Ada'))).toBe('accepted')
  await world.clock.advance(20_000)
  expect(await world.clock.settle(handle.result())).toEqual(['by Ada', 'by Ada'])
  expect(await outbox(world)).toBe(0)
})

test('a parent is not parked anew while what its child came to is decoded, however long that takes', async () => {
  const world = new World()
  // A key that has to be fetched.
  const slow = {
    name: 'slow',
    encode: (bytes: Uint8Array) => bytes,
    decode: async (bytes: Uint8Array) => {
      await world.clock.sleep(500)
      return bytes
    },
  }
  const { top } = levels()
  const docket = world.process({ graphs: [top], codecs: [slow], park: 100 })
  const handle = await world.clock.settle(docket.start(top, Top, {}, { id: 'top' }))
  await world.clock.advance(minute)
  const lowest = (await world.clock.settle(docket.get('top/Middle/Lowest')))!
  await world.clock.settle(lowest.signal(Approval, 'ada'))
  await world.clock.advance(minute)
  expect(await world.clock.settle(handle.details())).toMatchObject({ status: 'completed', output: 'by ada' })
})
