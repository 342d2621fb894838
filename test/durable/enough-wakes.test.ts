import { expect, test, vi } from 'vitest'
import type { Engine, UsePermit, Wake } from '../../src/core/contracts/engine.ts'
import { graph as makeGraph, step } from '../../src/index.ts'
import { World } from './durable-time.ts'
import { Seed, Third } from './line.ts'
import { completedOf, leaveWaiting } from './waiting-lines.ts'

/** An engine that keeps what it is handed until the test gives permits, and counts it. */
function keepingEngine() {
  const kept: Wake[] = []
  const counts: string[] = []
  const seen: { permit?: UsePermit } = {}
  const engine: Engine = {
    name: 'test',
    capabilities: { isShared: true, delivers: true, keepsWakes: true, deduplicates: true, countsExactly: true },
    open: async () => {},
    wake: async (wakes) => void kept.push(...wakes),
    waiting: async (queue) => {
      counts.push(queue)
      return kept.filter((wake) => wake.queue === queue).length
    },
    close: async () => {},
    async consume(_queue, _slots, use) {
      seen.permit = use
      return { resize: () => {}, close: async () => {} }
    },
  }
  return { engine, kept, counts, seen }
}

function shortStep(world: World, ms = 50) {
  const run = async (): Promise<number> => {
    if (ms > 0) await world.clock.sleep(ms)
    return 1
  }
  const charge = step({ name: 'Third', inputs: { value: Seed }, output: Third, persist: 'execution', run })
  return makeGraph({ name: 'line', steps: [charge] })
}

test('no more wakes are handed over where a hundred wait in the engine, by queue, and some are again once these are gone', async () => {
  const world = new World()
  const graph = shortStep(world)
  const { engine, kept, counts } = keepingEngine()
  const starter = world.process({ graphs: [graph], engine, work: false })
  let count = 0
  const start = async (many: number, queue = 'default'): Promise<void> => {
    for (let n = 0; n < many; n++)
      await world.clock.settle(starter.start(graph, Third, { Seed: 1 }, { id: `e-${count++}`, queue }))
    await world.clock.advance(1)
  }
  await start(100)
  expect([kept.length, counts.length]).toEqual([100, 0])
  await start(150)
  expect([kept.length, counts.length]).toEqual([100, 150])
  await start(5, 'other')
  expect(kept.length).toBe(105)
  kept.splice(0, 60)
  await start(70)
  expect(kept.filter(({ queue }) => queue === 'default').length).toBe(110)
  // A hundred since they were counted last.
  await start(70)
  expect(kept.filter(({ queue }) => queue === 'default').length).toBe(140)
})

test('a process that has filled its slots by permits goes on by itself until nothing is left: a wake may stand for many', async () => {
  const world = new World()
  const graph = shortStep(world)
  const { engine, seen } = keepingEngine()
  world.process({ graphs: [graph], engine, work: { default: 2 } })
  await world.clock.advance(10)
  await leaveWaiting(world, graph, 6)
  const before = (await completedOf(world.store)).length
  for (let permits = 0; permits < 2; permits++) void seen.permit!('any', new AbortController().signal)
  // Before a process looks for what no wake came for.
  await world.clock.advance(300)
  expect((await completedOf(world.store)).length - before).toBe(6)
})

test('a process that finds another execution than its wake was for goes on by itself until nothing is left, with free slots too', async () => {
  const world = new World()
  const graph = shortStep(world)
  const { engine, seen } = keepingEngine()
  world.process({ graphs: [graph], engine, work: { default: 20 } })
  await world.clock.advance(10)
  await leaveWaiting(world, graph, 8)
  const before = (await completedOf(world.store)).length
  void seen.permit!('one that somebody else has', new AbortController().signal)
  await world.clock.advance(300)
  expect((await completedOf(world.store)).length - before).toBe(8)
})

test('what waits for a slot is looked for as soon as there is one, without a timer between', async () => {
  const world = new World()
  const graph = shortStep(world, 0)
  await leaveWaiting(world, graph, 20)
  const setTimeout = vi.spyOn(world.clock, 'setTimeout')
  world.process({ graphs: [graph], work: { default: 1 } })
  await world.clock.advance(2_000)
  expect((await completedOf(world.store)).length).toBe(20)
  // Of the first turn of its loop; not one for each of the twenty.
  expect(setTimeout.mock.calls.filter(([, ms]) => ms === undefined || ms < 1).length).toBeLessThan(4)
})
