import { expect, test } from 'vitest'
import { ConnectedStore, Connections } from './connected-store.ts'
import { World } from './durable-time.ts'
import { door, line, Third } from './line.ts'
import { SuspendedClock } from './suspended-clock.ts'

const inputs = { Seed: 1 }
// Far longer than a test: whoever goes on has not waited for a lease.
const lease = '10m'

/** A process whose execution "a" waits in its Second, and one that may go on with it. */
async function pair(watchingMs: number) {
  const world = new World()
  const connections = new Connections()
  const connected = (): ConnectedStore => new ConnectedStore(world.store, connections)
  const [first, second] = [connected(), connected()]
  const gate = door()
  const { line: graph, runs } = line({ second: { run: () => gate.promise } })
  const { line: healthy, runs: healthyRuns } = line({ second: { run: (value) => value * 100 } })
  const docket = world.process({ graphs: [graph], store: first.store, lease })
  await docket.start(graph, Third, inputs, { id: 'a' })
  await world.clock.advance(10)
  world.process({ graphs: [healthy], store: second.store, lease })
  await world.clock.advance(watchingMs)
  return { world, connected, first, second, gate, docket, runs, healthyRuns }
}

test('a process whose connection has ended is replaced within 0.7 s, however long its lease is', async () => {
  const { world, first, healthyRuns } = await pair(6_000)
  first.die()
  await world.clock.advance(490)
  expect(healthyRuns).toEqual([])
  await world.clock.advance(220)
  expect(healthyRuns).toEqual(['Second', 'Third'])
})

test('a process that lost only its connection keeps what it has, however often', async () => {
  const { world, first, gate, runs, healthyRuns } = await pair(6_000)
  for (let times = 0; times < 50; times++) {
    first.cut()
    await world.clock.advance(times * 13)
  }
  gate.resolve(7)
  await world.clock.advance(100)
  expect([runs, healthyRuns]).toEqual([['First', 'Second', 'Third'], []])
  expect(world.events.map(({ type }) => type)).not.toContain('lease.lost')
})

test('a process that has looked for less than five seconds ends nobody', async () => {
  const { world, first, healthyRuns } = await pair(1_000)
  first.die()
  await world.clock.advance(3_900)
  expect(healthyRuns).toEqual([])
  await world.clock.advance(300)
  expect(healthyRuns).toEqual(['Second', 'Third'])
})

test.each(['cut', 'stall'] as const)('a process that was away itself (%s) begins to look anew', async (how) => {
  const { world, first, second, healthyRuns } = await pair(60_000)
  second[how]()
  await world.clock.advance(2_000)
  second.mend()
  first.die()
  await world.clock.advance(3_000)
  expect(healthyRuns).toEqual([])
  await world.clock.advance(3_000)
  expect(healthyRuns).toEqual(['Second', 'Third'])
})

test('a process that has had no answer for half a second begins nothing before the next one, and goes on after it', async () => {
  const { world, first, gate, runs } = await pair(6_000)
  first.stall()
  await world.clock.advance(600)
  gate.resolve(7)
  await world.clock.advance(2_000)
  expect(runs).toEqual(['First', 'Second'])
  first.mend()
  // A renewal that failed is sent again after a tenth of the lease; a look comes sooner.
  await world.clock.advance(60_000)
  expect(runs).toEqual(['First', 'Second', 'Third'])
})

test('a process that was cut off, and replaced before it knew, begins nothing', async () => {
  const { world, first, gate, runs, healthyRuns } = await pair(6_000)
  first.stall()
  first.cut()
  await world.clock.advance(1_000)
  expect(healthyRuns).toEqual(['Second', 'Third'])
  gate.resolve(7)
  first.mend()
  await world.clock.advance(120_000)
  expect(runs).toEqual(['First', 'Second'])
})

test('a machine that slept for less than its lease, and was replaced meanwhile, begins nothing on waking', async () => {
  const world = new World()
  const connections = new Connections()
  const [first, second] = [new ConnectedStore(world.store, connections), new ConnectedStore(world.store, connections)]
  const clock = new SuspendedClock(world.clock)
  const gate = door()
  const { line: graph, runs } = line({
    second: { run: () => gate.promise, persist: undefined },
    third: { persist: undefined },
  })
  const { line: healthy, runs: healthyRuns } = line({ second: { run: (value) => value * 100 } })
  world.process({ graphs: [healthy], store: second.store, lease })
  await world.clock.advance(6_000)
  const docket = world.process({ graphs: [graph], store: first.store, clock, lease })
  await docket.start(graph, Third, inputs, { id: 'a' })
  await world.clock.advance(1_000)
  clock.suspend()
  first.cut()
  await world.clock.advance(2_000)
  expect(healthyRuns).toEqual(['Second', 'Third'])
  gate.resolve(7)
  await clock.wake()
  await world.clock.advance(2_000)
  expect(runs).toEqual(['First', 'Second'])
})

test('of many processes, each looks at the others now and then: together as often as eight do', async () => {
  const { world, connected, second } = await pair(10)
  const { line: graph } = line()
  let seed = 1
  const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647
  const others = Array.from({ length: 40 }, connected)
  for (const { store } of others)
    await world.clock.settle(world.process({ graphs: [graph], store, lease, random }).resume())
  await world.clock.advance(6_000)
  const all = [second, ...others]
  for (const one of all) one.looks = 0
  await world.clock.advance(10_000)
  const looks = all.reduce((sum, one) => sum + one.looks, 0)
  // Eight processes alone look fifty times each.
  expect(looks).toBeGreaterThan(200)
  expect(looks).toBeLessThan(800)
})
