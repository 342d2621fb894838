import { expect, test } from 'vitest'
import type { AcquireRequest } from '../../src/core/contracts/execution-record.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import { line, Third } from './line.ts'
import { WatchedStore } from './watched-store.ts'

const count = 2_000

/** A worker of ten slots under a backlog of one graph, a second of work whose steps take 5 ms, and another graph of which nothing waits. */
async function backlog(hints: 'heard' | 'lost') {
  const world = new World()
  const slow = { run: (value: number) => world.clock.sleep(5).then(() => value + 1) }
  const crowded = line({ name: 'crowded', second: slow }).line
  const quiet = line({ name: 'quiet', second: slow }).line
  const graphs = [crowded, quiet]
  const helper = world.process({ graphs, work: false })
  const start = (graph: typeof crowded, id: string) => helper.start(graph, Third, { Seed: 1 }, { id })
  await world.clock.settle(
    Promise.all(Array.from({ length: count }, (_, index) => start(crowded, `crowded-${String(index)}`))),
  )
  const heard = alteredStore(world.store, (method, ask) =>
    method === 'subscribe' && hints === 'lost' ? Promise.resolve(async () => {}) : ask(),
  )
  const watched = new WatchedStore(heard)
  world.process({ graphs, store: watched.store, work: { default: 10 } })
  const looksFor = (graph: string): number =>
    watched.calls.filter(
      ({ name, given: [request] }) => name === 'acquire' && (request as AcquireRequest).graphs?.includes(graph),
    ).length
  return { world, looksFor, startQuiet: () => world.clock.settle(start(quiet, 'quiet')) }
}

test('under a backlog of one graph, a look for another one of which nothing waits is made now and then alone', async () => {
  const { world, looksFor } = await backlog('heard')
  await world.clock.advance(3_000)
  expect(await world.store.list({ statuses: ['completed'], limit: count })).toHaveLength(count)
  expect(looksFor('crowded')).toBeGreaterThan(100)
  expect(looksFor('quiet')).toBeLessThan(20)
})

test.each([
  ['heard', 30],
  ['lost', 300],
] as const)('what comes of that graph while hints are %s ends within %i ms', async (hints, withinMs) => {
  const { world, startQuiet } = await backlog(hints)
  await world.clock.advance(400)
  await startQuiet()
  await world.clock.advance(withinMs)
  expect((await world.store.get(['quiet']))[0]?.status).toBe('completed')
  expect((await world.store.list({ statuses: ['completed'], limit: count })).length).toBeLessThan(count)
})
