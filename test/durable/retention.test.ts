import { describe, expect, test } from 'vitest'
import { dataType, graph, OptionError, step, type } from '../../src/index.ts'
import type { DocketOptions } from '../../src/index.ts'
import { createTestDocket } from '../../src/testing/index.ts'
import { World } from './durable-time.ts'
import { WatchedStore } from './watched-store.ts'

const Kind = dataType('Kind', type<string>())
const Target = dataType('Target', type<string>())
const ends = graph({
  name: 'ends',
  steps: [
    step({
      name: 'End',
      inputs: { kind: Kind },
      output: Target,
      persist: 'execution',
      run: ({ kind }) => {
        if (kind === 'failed') throw new Error('no')
        return kind === 'cancelled' ? new Promise<string>(() => {}) : kind
      },
    }),
  ],
})
const graphs = [ends]
const minute = 60_000

async function endAll(docket: ReturnType<World['process']>): Promise<void> {
  for (const kind of ['completed', 'failed', 'cancelled']) {
    const handle = await docket.start(ends, Target, { Kind: kind }, { id: kind })
    if (kind === 'cancelled') await handle.cancel()
    await handle.result().catch(() => {})
  }
}

describe('createDocket({ retain })', () => {
  test('deletes what ended so long ago, each status after its own time, and nothing else', async () => {
    const world = new World()
    const docket = world.process({ graphs, retain: { completed: '4m', failed: '8m' } })
    await world.clock.settle(endAll(docket))
    const ids = async (): Promise<string[]> => (await docket.list()).executions.map(({ id }) => id).toSorted()
    await world.clock.advance(3 * minute)
    expect(await ids()).toEqual(['cancelled', 'completed', 'failed'])
    await world.clock.advance(2.1 * minute)
    expect(await ids()).toEqual(['cancelled', 'failed'])
    await world.clock.advance(4 * minute)
    expect(await ids()).toEqual(['cancelled'])
    await world.clock.advance(20 * minute)
    expect(await ids()).toEqual(['cancelled'])
  })

  test('of several processes one has the work of a minute; when it dies, another has it', async () => {
    const world = new World()
    const watched = [1, 2, 3].map(() => new WatchedStore(world.store))
    const lives = [false, false, false]
    const options = (index: number) => ({ graphs, retain: { completed: '1m' }, store: watched[index]!.store })
    const dockets = watched.map((_, index) => world.process(options(index)))
    await world.clock.settle(Promise.all(dockets.map((docket) => docket.list())))
    await world.clock.advance(10 * minute)
    const purges = (): number => watched.reduce((sum, store) => sum + store.count('purge'), 0)
    const before = purges()
    await world.clock.advance(10 * minute)
    const inTenMinutes = purges() - before
    expect(inTenMinutes).toBeGreaterThanOrEqual(5)
    expect(inTenMinutes).toBeLessThanOrEqual(11)
    // Whoever has it hangs for ever.
    for (const [index, store] of watched.entries())
      store.before = ({ name }) => {
        if (name !== 'purge' || lives.includes(true)) return
        lives[index] = true
        store.before = () => new Promise(() => {})
        return new Promise(() => {})
      }
    await world.clock.advance(5 * minute)
    expect(lives.filter(Boolean)).toHaveLength(1)
    const hung = purges()
    await world.clock.advance(10 * minute)
    expect(purges()).toBeGreaterThan(hung)
  })

  test('a caller without it pays nothing, and one with it a claim a minute', async () => {
    const world = new World()
    const [without, withIt] = [new WatchedStore(world.store), new WatchedStore(world.store)]
    world.process({ graphs, store: without.store })
    world.process({ graphs, store: withIt.store, retain: { completed: '1m', failed: '2m', cancelled: '3m' } })
    await world.clock.advance(10 * minute)
    expect([without.count('claimResults'), without.count('purge')]).toEqual([0, 0])
    expect(withIt.count('claimResults')).toBeLessThanOrEqual(11)
    expect(withIt.count('claimResults')).toBeGreaterThan(8)
  })

  test('a store that is away is called again later', async () => {
    const world = new World()
    const watched = new WatchedStore(world.store)
    const docket = world.process({ graphs, store: watched.store, retain: { completed: '1m' } })
    await world.clock.settle(endAll(docket))
    watched.cut()
    await world.clock.advance(3 * minute)
    watched.mend()
    await world.clock.advance(3 * minute)
    expect((await world.clock.settle(docket.list())).executions.map(({ id }) => id).toSorted()).toEqual([
      'cancelled',
      'failed',
    ])
  })

  test.each<[unknown, RegExp]>([
    ['30d', /retain must be durations by status, like \{ completed: '30d', failed: '90d' \}/],
    [{ done: '1d' }, /retain[\s\S]*done/],
    [{ completed: 0 }, /retain: completed 0 is not a duration above zero/],
    [{ completed: '1 month', failed: -1 }, /retain: completed[\s\S]+retain: failed/],
  ])('refuses %j', (retain, message) => {
    const make = () => createTestDocket({ graphs, retain: retain as DocketOptions['retain'] })
    expect(make).toThrow(OptionError)
    expect(make).toThrow(message)
  })
})
