import { describe, expect, test } from 'vitest'
import { createDocket, dataType, EngineError, graph, OptionError, signal, step, type } from '../../src/index.ts'
import type { Engine } from '../../src/index.ts'
import { createTestDocket, hostileEngine } from '../../src/testing/index.ts'
import { World } from './durable-time.ts'
import { WatchedStore } from './watched-store.ts'

const Target = dataType('Target', type<number>())
const graphs = [graph({ name: 'numbers', steps: [step({ name: 'One', output: Target, run: () => 1 })] })]

function watchedProcess() {
  const world = new World()
  const watched = new WatchedStore(world.store)
  const docket = world.process({ graphs, store: watched.store, lease: '5s' })
  return { world, watched, docket, health: () => world.clock.settle(docket.health()) }
}

describe('docket.health', () => {
  test('is alive and ready from the first call on', async () => {
    const { docket } = watchedProcess()
    expect(await docket.health()).toEqual({
      isAlive: true,
      isReady: true,
      problems: [],
      storeMs: 0,
      executions: 0,
      incompatible: 0,
      overruled: [],
    })
  })

  test('a store that is away costs the readiness, not the life, however long that lasts', async () => {
    const { world, watched, docket, health } = watchedProcess()
    watched.cut()
    const first = await docket.health()
    expect(first).toMatchObject({ isAlive: true, isReady: false, storeMs: undefined })
    expect(first.problems).toEqual(['test store: the connection was lost'])
    watched.mend()
    expect(await health()).toMatchObject({ isAlive: true, isReady: true })
    watched.cut()
    await world.clock.advance(600_000)
    expect(await docket.health()).toMatchObject({ isAlive: true, isReady: false })
    watched.mend()
    await world.clock.advance(1_000)
    expect(await health()).toMatchObject({ isAlive: true, isReady: true })
  })

  test('a store that hangs is called once, and holds up no probe beyond its deadline', async () => {
    const { world, watched, docket } = watchedProcess()
    await docket.health()
    watched.before = () => new Promise(() => {})
    const asked = watched.count('readOwners')
    const since = world.clock.elapsed()
    const all = Promise.all(Array.from({ length: 50 }, () => docket.health({ deadline: '200ms' })))
    const [one] = await world.clock.settle(all)
    expect(world.clock.elapsed() - since).toBeLessThanOrEqual(300)
    expect(one).toMatchObject({ isAlive: true, isReady: false })
    expect(one!.problems).toEqual(['the memory store did not answer within 200 ms'])
    await world.clock.settle(docket.health())
    expect(watched.count('readOwners')).toBe(asked + 1)
    await world.clock.advance(600_000)
    expect(await world.clock.settle(docket.health())).toMatchObject({ isAlive: true, isReady: false })
  })

  test('a docket that closes is not ready at once, and still alive; it asks nothing of the store any more', async () => {
    const { world, watched, docket } = watchedProcess()
    await docket.health()
    const closing = docket.close()
    expect(await docket.health()).toMatchObject({ isAlive: true, isReady: false })
    await world.clock.settle(closing)
    watched.calls.length = 0
    await world.clock.advance(100_000)
    const after = await docket.health()
    expect(after).toMatchObject({ isAlive: true, isReady: false, problems: ['this docket is closing, or closed'] })
    expect(watched.calls).toEqual([])
  })

  test('a loop or a lease that nobody goes on with costs the life', async () => {
    const world = new World()
    let isDead = false
    const { clock } = world
    const timers = new Proxy(clock, {
      get(target, key) {
        if (key === 'setTimeout')
          return (act: () => void, ms: number) => target.setTimeout(() => (isDead && ms > 10 ? undefined : act()), ms)
        const value: unknown = Reflect.get(target, key)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
    const docket = world.process({ graphs, clock: timers, lease: '5s' })
    await clock.settle(docket.health())
    isDead = true
    await clock.advance(30_000)
    expect(await clock.settle(docket.health({ deadline: 10 }))).toMatchObject({ isAlive: false, isReady: false })
  })

  test('counts executions that live here, and those that this version can’t go on with', async () => {
    const Approval = dataType('Approval', type<number>())
    const waits = [graph({ name: 'waits', steps: [signal(Approval)] })]
    await using docket = createTestDocket({ graphs: waits, park: '1d' })
    const handle = await docket.start(waits[0]!, Approval, {})
    expect(await docket.health()).toMatchObject({ isReady: true, executions: 1, incompatible: 0 })
    const Other = dataType('Approval', type<number>(), { version: '2' })
    await docket.restart({
      graphs: [
        graph({
          name: 'waits',
          steps: [signal(Other), step({ name: 'New', inputs: { o: Other }, output: Target, run: () => 1 })],
        }),
      ],
    })
    await docket.advance('1m')
    expect(handle.id).toBeDefined()
    expect(await docket.health()).toMatchObject({ isReady: true, isAlive: true })
  })

  test('says how the engine does: away, there, and with what it failed in the last minute; it costs neither life nor readiness', async () => {
    const { clock, store } = new World()
    let isAway = true
    const good = hostileEngine()
    const engine: Engine = {
      name: 'doors',
      capabilities: good.capabilities,
      open: async (host) => {
        if (isAway) throw new EngineError('doors', 'nobody opens', true)
        await good.open(host)
      },
      wake: (wakes) => good.wake(wakes),
      consume: (...given) => good.consume(...given),
      close: () => good.close(),
    }
    await using docket = createDocket({ graphs, store, clock, engine, work: { default: 1 } })
    await clock.advance(1_000)
    expect(await clock.settle(docket.health())).toMatchObject({
      isReady: true,
      problems: [],
      engine: { name: 'doors', delivers: false, problem: expect.stringContaining('nobody opens') },
    })
    isAway = false
    await clock.advance(10_000)
    expect((await clock.settle(docket.health())).engine).toMatchObject({ delivers: true })
    await clock.advance(60_000)
    expect((await clock.settle(docket.health())).engine).toEqual({ name: 'doors', delivers: true, problem: undefined })
    expect((await createTestDocket({ graphs }).health()).engine).toBeUndefined()
  })

  test.each([[{ deadline: -1 }], [{ deadline: 'soon' }], [{ timeout: 5 }]])('refuses %j', async (options) => {
    await using docket = createTestDocket({ graphs })
    await expect(docket.health(options as never)).rejects.toThrow(OptionError)
  })
})
