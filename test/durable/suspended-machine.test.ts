import { describe, expect, test } from 'vitest'
import { memoryStore } from '../../stores/memory/index.ts'
import { World } from './durable-time.ts'
import { door, line, Third } from './line.ts'
import type { Link, LineOptions } from './line.ts'
import { SuspendedClock } from './suspended-clock.ts'
import { WatchedStore } from './watched-store.ts'

const inputs = { Seed: 1 }

/** A process whose machine is suspended, and one elsewhere that goes on with its execution; what the first one runs when it wakes up. */
async function runsAfterWaking(options: LineOptions, sleepMs: number, whileAsleep: () => void, kind = 'execution') {
  const world = new World()
  const clock = new SuspendedClock(world.clock)
  const { line: graph, runs } = line(options)
  const sleeper = world.process({ graphs: [graph], clock, lease: '5s' })
  const handle =
    kind === 'execution'
      ? await sleeper.start(graph, Third, inputs, { id: 'a' })
      : await sleeper.startBatch(graph, Third, [inputs], { id: 'a' })
  const { line: healthy } = line({ ...options, second: { ...options.second, run: (value) => value * 100 } })
  world.process({ graphs: [healthy], lease: '5s' })
  await world.clock.advance(10)
  clock.suspend()
  await world.clock.advance(sleepMs)
  whileAsleep()
  runs.length = 0
  await clock.wake()
  await world.clock.advance(6_000)
  const result = await world.clock.settle<unknown>(handle.result())
  return { runs, result, events: world.events.map(({ type }) => type) }
}

const failing: Link = {
  run: () => {
    throw new Error('not now')
  },
  retry: { maxAttempts: 5, backoff: '1s' },
}

describe.each(['execution', 'batch'])('%s of a machine that was suspended for longer than its lease', (kind) => {
  const wrapped = (value: number): unknown => (kind === 'execution' ? value : [value])

  test.each(['execution', undefined] as const)('begins no step that was ready (persist: %s)', async (persist) => {
    const gate = door()
    const unpersisted = { run: () => gate.promise, persist: undefined }
    const options = { first: { persist: 'execution' }, second: unpersisted, third: { persist } } as const
    const { runs, result, events } = await runsAfterWaking(options, 8_000, () => gate.resolve(7), kind)
    expect(runs).toEqual([])
    expect(result).toEqual(wrapped(201))
    expect(events).toContain('loop.blocked')
    expect(events).toContain('lease.lost')
  })

  test.each(['execution', undefined] as const)('begins no attempt that came due (persist: %s)', async (persist) => {
    const options = { first: { persist: 'execution' }, second: { ...failing, persist } } as const
    const { runs, result } = await runsAfterWaking(options, 8_000, () => {}, kind)
    expect(runs).toEqual([])
    expect(result).toEqual(wrapped(201))
  })
})

test('a machine that was suspended for less than its lease goes on', async () => {
  const gate = door()
  const options = { second: { run: () => gate.promise, persist: undefined } } as const
  const { runs, result, events } = await runsAfterWaking(options, 1_000, () => gate.resolve(7))
  expect(runs).toEqual(['Third'])
  expect(result).toBe(8)
  expect(events).not.toContain('lease.lost')
})

/** One process alone, whose store is suspended along with it. */
async function alone() {
  const world = new World()
  const clock = new SuspendedClock(world.clock)
  const store = new WatchedStore(memoryStore({ now: () => clock.now(), elapsed: () => clock.elapsed() }))
  const gate = door()
  const { line: graph, runs } = line({ second: { run: () => gate.promise, persist: undefined } })
  const docket = world.process({ graphs: [graph], clock, store: store.store, lease: '5s' })
  const handle = await docket.start(graph, Third, inputs, { id: 'a' })
  await world.clock.advance(10)
  runs.length = 0
  return { world, clock, store, gate, runs, handle }
}

test('where the store slept too, the lease holds: it is renewed before the next step begins', async () => {
  const { world, clock, store, gate, runs, handle } = await alone()
  clock.suspend()
  await world.clock.advance(3_600_000)
  store.calls.length = 0
  gate.resolve(7)
  await clock.wake()
  expect(await world.clock.settle(handle.result())).toBe(8)
  expect(runs).toEqual(['Third'])
  expect(store.count('renewOwner')).toBeGreaterThan(0)
  expect(world.events.map(({ type }) => type)).not.toContain('loop.blocked')
})

test('a store that can’t be reached after waking keeps steps from beginning until it answers', async () => {
  const { world, clock, store, gate, runs, handle } = await alone()
  clock.suspend()
  await world.clock.advance(3_600_000)
  store.cut()
  gate.resolve(7)
  await clock.wake()
  await world.clock.advance(2_000)
  expect(runs).toEqual([])
  store.mend()
  await world.clock.advance(1_000)
  expect(runs).toEqual(['Third'])
  expect(await world.clock.settle(handle.result())).toBe(8)
})
