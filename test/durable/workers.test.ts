import { describe, expect, test } from 'vitest'
import { dataType, graph, OptionError, step, type } from '../../src/index.ts'
import { createTestDocket } from '../../src/testing/index.ts'
import { World } from './durable-time.ts'
import { outage, WatchedStore } from './watched-store.ts'

const Target = dataType('Target', type<number>())
const graphs = [graph({ name: 'numbers', steps: [step({ name: 'One', output: Target, run: () => 1 })] })]

describe('docket.workers', () => {
  test('lists who lives, with version, slots, graphs and last sign of life, the oldest first', async () => {
    const world = new World()
    const first = world.process({ graphs, name: 'first', version: '1.2', work: { default: 7 }, lease: '6s' })
    await first.workers()
    const began = world.clock.now()
    await world.clock.advance(3_000)
    const looking = world.process({ graphs: [], name: 'looking', takeOver: false })
    const list = await looking.workers()
    expect(list).toMatchObject([
      { name: 'first', version: '1.2', queues: { default: 7 }, graphs: ['numbers'], isHere: false },
      { name: 'looking', version: undefined, queues: {}, graphs: [], isHere: true, pid: process.pid },
    ])
    const [one] = list
    expect(one!.since.getTime()).toBe(began)
    expect(one!.renewedAt.getTime()).toBe(began + 2_000)
    expect(one!.expiresAt.getTime()).toBe(began + 8_000)
    expect(one!.owner).toMatch(/^first:/)
  })

  test('forgets who was closed at once, and who died with its lease', async () => {
    const world = new World()
    const names = async (): Promise<string[]> => (await asking.workers()).map(({ name }) => name)
    const asking = world.process({ graphs, name: 'asking' })
    const closed = world.process({ graphs, name: 'closed' })
    const dead = world.mortal({ graphs, name: 'dead', lease: '5s' })
    for (const one of [asking, closed, dead.docket]) await one.workers()
    expect((await names()).toSorted()).toEqual(['asking', 'closed', 'dead'])
    dead.die()
    await world.clock.settle(closed.close())
    await world.clock.advance(1_000)
    expect((await names()).toSorted()).toEqual(['asking', 'dead'])
    await world.clock.advance(6_000)
    expect(await names()).toEqual(['asking'])
  })

  test('costs no call of its own, and goes with each renewal: a process whose words are lost is there again with the next', async () => {
    const world = new World()
    const watched = new WatchedStore(world.store)
    const docket = world.process({ graphs, store: watched.store, lease: '3s' })
    await docket.start(graphs[0]!, Target, {})
    await world.clock.advance(10_000)
    const renewals = watched.calls.filter(({ name }) => name === 'renewOwner')
    expect(renewals.length).toBeGreaterThan(5)
    expect(renewals.filter(({ given }) => given[2] === undefined)).toEqual([])
    expect(watched.count('readWorkers')).toBe(0)
    watched.cut()
    await world.clock.advance(5_000)
    watched.mend()
    await world.clock.advance(3_000)
    expect(await docket.workers()).toMatchObject([{ name: 'process-1' }])
  })

  test('says it again where the answer to the first renewal was lost', async () => {
    const world = new World()
    const watched = new WatchedStore(world.store)
    let isLost = false
    watched.before = async ({ name, given }) => {
      if (name !== 'renewOwner' || isLost) return
      isLost = true
      await world.store.renewOwner(given[0] as string, 1_000)
      throw outage()
    }
    const docket = world.process({ graphs, store: watched.store, version: '2' })
    await world.clock.advance(2_000)
    expect((await docket.workers()).map(({ version }) => version)).toEqual(['2'])
  })

  test('shows what it can of those whose words it does not know', async () => {
    await using docket = createTestDocket({ graphs, name: 'one' })
    const strange = [
      'no JSON',
      '7',
      'null',
      '{"name":5,"queues":{"gpu":"many","cpu":2},"graphs":[1,"g"],"since":"x"}',
      '[]',
    ]
    await docket.workers()
    for (const [index, text] of strange.entries()) await docket.store.renewOwner(`strange ${index}`, 1e9, text)
    const list = await docket.workers()
    expect(list).toHaveLength(6)
    expect(list).toContainEqual(expect.objectContaining({ name: '', queues: { cpu: 2 }, graphs: ['g'] }))
  })

  test('shows names as they were given, whatever they are', async () => {
    const name = 'Ünïcode \ud800 "\\ \u0001; drop table'
    await using docket = createTestDocket({ graphs, name, version: '\u0000\ud800' })
    const [worker] = await docket.workers()
    expect(worker).toMatchObject({ name, version: '\u0000\ud800', isHere: true })
  })

  test.each(['', 5, null])('refuses the version %j', (version) => {
    expect(() => createTestDocket({ graphs, version: version as never })).toThrow(OptionError)
    expect(() => createTestDocket({ graphs, version: version as never })).toThrow('version must be a non-empty string')
  })
})
