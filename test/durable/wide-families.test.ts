import { expect, test } from 'vitest'
import type { NewExecution } from '../../src/core/contracts/execution-record.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import { family, Top } from './wide-family.ts'

async function statuses(world: World): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  for (const { status } of await world.store.list({ limit: 10_000 })) counts.set(status, (counts.get(status) ?? 0) + 1)
  return counts
}

test('one parent of ten with a hundred children each completes, each child once, though the process dies in the middle', async () => {
  const world = new World()
  const calls: string[] = []
  const top = family(calls, false)
  // Some of the thousand are there when it dies, and some are not.
  const fatal = alteredStore(world.store, async (method, ask, given) => {
    const executions = given[0] as readonly NewExecution[]
    if (method !== 'create' || executions.length < 50) return ask()
    await world.store.create(executions.slice(0, 30))
    die()
    return new Promise(() => {})
  })
  const { docket, die } = world.mortal({ graphs: [top], lease: '2s' }, fatal)
  await docket.start(top as never, Top as never, {} as never, { id: 'a' })
  await world.clock.advance(100)
  const created = (await world.store.list({ limit: 10_000 })).length
  expect(created).toBeGreaterThan(1)
  expect(created).toBeLessThan(1_011)
  const next = world.process({ graphs: [top], lease: '2s' })
  await world.clock.advance(20_000)
  const handle = await world.clock.settle(next.get('a'))
  expect(await world.clock.settle(handle!.result())).toBe(10)
  expect(await statuses(world)).toEqual(new Map([['completed', 1_011]]))
  expect(new Set(calls).size).toBe(1_000)
  await world.clock.advance(10_000)
  expect(await world.store.readOutbox({ before: Infinity, limit: 10 })).toEqual([])
})

test('a cancellation reaches all of a thousand and eleven, parked as they are', async () => {
  const world = new World()
  const top = family([], true)
  const docket = world.process({ graphs: [top] })
  const handle = await docket.start(top as never, Top as never, {} as never, { id: 'a' })
  await world.clock.advance(30_000)
  expect(await statuses(world)).toEqual(new Map([['waiting', 1_011]]))
  expect((await world.store.list({ limit: 10_000 })).every(({ parkedAt }) => parkedAt !== undefined)).toBe(true)
  await world.clock.settle(handle.cancel())
  expect(await statuses(world)).toEqual(new Map([['cancelled', 1_011]]))
})
