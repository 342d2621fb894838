import { expect, test, vi } from 'vitest'
import { createDocket, execute, executeBatch, fromGraph, OptionError } from '../../../src/index.ts'
import type { ExecutionHandle } from '../../../src/index.ts'
import { memoryStore } from '../../../stores/memory/index.ts'
import { World } from '../durable-time.ts'
import { WatchedStore } from '../watched-store.ts'
import { Answer, callGraph, noCalls } from './calls.ts'

const two = { limit: 2, scope: 'graph' } as const
const byTenant = { limit: 1, key: ({ tenant }: { readonly tenant: string }) => tenant, scope: 'graph' } as const

function tenants(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `t${index}`)
}

/** What all processes have in common. */
async function sharedKeys(world: World): Promise<number> {
  return (await world.store.oldShared(Infinity, 1_000)).length
}

test('a limit of scope graph holds over all processes, and lets in those that have waited longest', async () => {
  const world = new World()
  const calls = noCalls()
  const graphs = [callGraph(world, calls, { concurrency: two })]
  const dockets = [world.process({ graphs }), world.process({ graphs })]
  const names = tenants(12)
  for (const [index, tenant] of names.entries()) {
    await dockets[index % 2]!.start(graphs[0]!, Answer, { Tenant: tenant }, { id: tenant })
    await world.clock.advance(10)
  }
  await world.clock.advance(30_000)
  expect(calls.most).toBe(2)
  expect(calls.begun).toEqual(names)
  for (const tenant of names) expect(await (await dockets[0]!.get(tenant))!.result()).toBe(`of ${tenant}`)
  // Nothing is left of a limit that nobody uses.
  expect(await sharedKeys(world)).toBe(0)
})

test('each key has a limit of its own, and one with a long line holds up no other', async () => {
  const world = new World()
  const calls = noCalls()
  const graphs = [callGraph(world, calls, { concurrency: byTenant })]
  const docket = world.process({ graphs })
  for (let index = 0; index < 200; index++) await docket.start(graphs[0]!, Answer, { Tenant: 'A' })
  await docket.start(graphs[0]!, Answer, { Tenant: 'B' }, { id: 'b' })
  await world.clock.advance(1_500)
  expect(await (await docket.get('b'))!.result()).toBe('of B')
  expect(calls.begun.slice(0, 2)).toEqual(['A', 'B'])
  await world.clock.advance(300_000)
  expect(calls.begun).toHaveLength(201)
  expect(calls.mostOf).toBe(1)
})

test('what waits is queued, and details() says with which limit, and who holds it, from any process', async () => {
  const world = new World()
  const graphs = [callGraph(world, noCalls(), { concurrency: byTenant, ms: 60_000 })]
  const docket = world.process({ graphs })
  const other = world.process({ graphs, takeOver: false })
  await docket.start(graphs[0]!, Answer, { Tenant: 'A' }, { id: 'holder' })
  await world.clock.advance(100)
  await docket.start(graphs[0]!, Answer, { Tenant: 'A' }, { id: 'waits' })
  await world.clock.advance(1_000)
  for (const from of [docket, other]) {
    const details = await (await from.get('waits'))!.details()
    const [call] = details.steps
    expect(call).toMatchObject({
      status: 'queued',
      attempt: 0,
      waitsFor: {
        kind: 'limit',
        limits: [{ kind: 'concurrency', scope: 'graph', key: 'A', limit: 1, heldBy: ['holder'] }],
      },
    })
    expect(details.situation).toContain('it waits for a slot of 1 for step "Call" under "A", held by "holder"')
  }
  expect((await docket.get('waits'))!.toString()).toContain('queued')
})

test('a process that dies gives its slots back with its lease, and its executions keep their places in line', async () => {
  const world = new World()
  const calls = noCalls()
  const graphs = [callGraph(world, calls, { concurrency: { limit: 1, scope: 'graph' }, ms: 20_000 })]
  const first = world.mortal({ graphs })
  const start = (docket: typeof first.docket, tenant: string): Promise<ExecutionHandle<string, never, never, never>> =>
    docket.start(graphs[0]!, Answer, { Tenant: tenant }, { id: tenant })
  await start(first.docket, 'holds')
  await world.clock.advance(50)
  await start(first.docket, 'first')
  await world.clock.advance(1_000)
  const second = world.process({ graphs })
  await start(second, 'second')
  await world.clock.advance(1_000)
  calls.begun.length = 0
  first.die()
  await world.clock.advance(12_000)
  expect(['first', 'second']).toContain(calls.begun[0])
  await start(second, 'third')
  await world.clock.advance(100_000)
  // What was let in before begins anew, in the order in which it has come back; what waited does so since it came first.
  expect(calls.begun.filter((tenant) => tenant !== 'second')).toEqual(['first', 'holds', 'third'])
})

test('a slot is given back when an attempt fails, times out, or is cancelled, and its next attempt waits in line', async () => {
  const world = new World()
  const calls = noCalls()
  const limits = {
    concurrency: { limit: 1, scope: 'graph' },
    maxAttempts: 2,
    fails: (attempt: number) => attempt === 1,
  } as const
  const graphs = [callGraph(world, calls, limits)]
  const docket = world.process({ graphs })
  for (const tenant of ['A', 'B', 'C']) {
    await docket.start(graphs[0]!, Answer, { Tenant: tenant }, { id: tenant })
    await world.clock.advance(10)
  }
  await world.clock.advance(1_500)
  await docket.cancel('B')
  await world.clock.advance(20_000)
  expect(calls.begun).toEqual(['A', 'B', 'C', 'A', 'C'])
  expect(calls.most).toBe(1)
  expect(await sharedKeys(world)).toBe(0)
})

test('an execution that is cancelled while it waits leaves the line', async () => {
  const world = new World()
  const calls = noCalls()
  const graphs = [callGraph(world, calls, { concurrency: { limit: 1, scope: 'graph' } })]
  const dockets = [world.process({ graphs }), world.process({ graphs })]
  for (const [index, tenant] of ['A', 'B', 'C'].entries()) {
    await dockets[index % 2]!.start(graphs[0]!, Answer, { Tenant: tenant }, { id: tenant })
    await world.clock.advance(50)
  }
  await dockets[0]!.cancel('B')
  await world.clock.advance(5_000)
  expect(calls.begun).toEqual(['A', 'C'])
})

test('only what waits in line holds no slot of the worker, and is not parked', async () => {
  const world = new World()
  const calls = noCalls()
  const graphs = [callGraph(world, calls, { concurrency: { limit: 1, scope: 'graph' }, ms: 40_000 })]
  const docket = world.process({ graphs, park: '1s' })
  for (const tenant of ['A', 'B']) {
    await docket.start(graphs[0]!, Answer, { Tenant: tenant }, { id: tenant })
    await world.clock.advance(50)
  }
  await world.clock.advance(30_000)
  const record = (await world.store.get(['B']))[0]!
  expect(record).toMatchObject({ parkedAt: undefined })
  expect(record.owner).toBeDefined()
  await world.clock.advance(60_000)
  expect(await (await docket.get('B'))!.result()).toBe('of B')
})

test('a graph’s timeout and a step’s do not count the time in line', async () => {
  const world = new World()
  const calls = noCalls()
  const graphs = [callGraph(world, calls, { concurrency: { limit: 1, scope: 'graph' }, ms: 3_000 })]
  const docket = world.process({ graphs })
  for (const tenant of ['A', 'B', 'C']) {
    await docket.start(graphs[0]!, Answer, { Tenant: tenant }, { id: tenant, timeout: '4s' })
    await world.clock.advance(50)
  }
  await world.clock.advance(20_000)
  for (const tenant of ['A', 'B', 'C']) expect(await (await docket.get(tenant))!.result()).toBe(`of ${tenant}`)
})

test('waiting for a slot does not keep asking the store', async () => {
  const world = new World()
  const watched = new WatchedStore(world.store)
  const graphs = [callGraph(world, noCalls(), { concurrency: two, ms: 600_000 })]
  const docket = world.process({ graphs, store: watched.store })
  for (const tenant of tenants(500)) await docket.start(graphs[0]!, Answer, { Tenant: tenant })
  await world.clock.advance(10_000)
  watched.calls.length = 0
  await world.clock.advance(60_000)
  expect(watched.count('readShared')).toBeLessThan(50)
  expect(watched.count('writeShared')).toBe(0)
})

test('the store that is away holds up what waits, and nobody is let in twice when it is back', async () => {
  const world = new World()
  const watched = new WatchedStore(world.store)
  const calls = noCalls()
  const graphs = [callGraph(world, calls, { concurrency: { limit: 1, scope: 'graph' } })]
  const docket = world.process({ graphs, store: watched.store, lease: '1h' })
  for (const tenant of ['A', 'B']) {
    await docket.start(graphs[0]!, Answer, { Tenant: tenant }, { id: tenant })
    await world.clock.advance(50)
  }
  watched.cut()
  await world.clock.advance(5_000)
  expect(calls.begun).toEqual(['A'])
  watched.mend()
  await world.clock.advance(60_000)
  expect(calls.begun).toEqual(['A', 'B'])
  expect(await (await docket.get('B'))!.result()).toBe('of B')
})

test('an answer of the store that is lost leaves no slot behind', async () => {
  const world = new World()
  const calls = noCalls()
  let isLost = false
  const store = new Proxy(world.store, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      return async (...given: unknown[]): Promise<unknown> => {
        const answer: unknown = await (value as (...all: unknown[]) => unknown).apply(target, given)
        if (key === 'writeShared' && (isLost = !isLost))
          throw new (await import('../../../src/index.ts')).StoreError('test', 'lost', true)
        return answer
      }
    },
  })
  const graphs = [callGraph(world, calls, { concurrency: { limit: 1, scope: 'graph' } })]
  const docket = world.process({ graphs, store })
  for (const tenant of tenants(6)) await docket.start(graphs[0]!, Answer, { Tenant: tenant })
  await world.clock.advance(60_000)
  expect(calls.begun).toHaveLength(6)
  expect(calls.most).toBe(1)
  expect(await sharedKeys(world)).toBe(0)
})

test('where processes declare different limits, the higher version holds, of one version the newer; it is reported once, and gone with those who declare it', async () => {
  const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const world = new World()
  const calls = noCalls()
  const of = (limit: number, version?: number) => [
    callGraph(world, calls, { concurrency: { limit, scope: 'graph', version }, ms: 10_000 }),
  ]
  const wide = world.process({ graphs: of(3) })
  const start = async (docket: typeof wide, graphs: ReturnType<typeof of>, count: number): Promise<void> => {
    for (const tenant of tenants(count)) await docket.start(graphs[0]!, Answer, { Tenant: tenant })
    await world.clock.advance(1_000)
  }
  await start(wide, of(3), 0)
  const narrowGraphs = of(1)
  const wideGraphs = of(3)
  const olderOne = world.process({ graphs: wideGraphs })
  await start(olderOne, wideGraphs, 1)
  const newer = world.process({ graphs: narrowGraphs })
  await start(newer, narrowGraphs, 1)
  await start(olderOne, wideGraphs, 2)
  expect(calls.most).toBe(1)
  const told = warnings.mock.calls.filter(([text]) => String(text).includes('the concurrency of step "Call"'))
  expect(told.map(([text]) => String(text))).toEqual([
    'the concurrency of step "Call" in graph "calls": a limit of 1 holds, which another process has declared since, and not a limit of 3',
  ])
  expect((await world.clock.settle(olderOne.health())).overruled).toEqual([told[0]![0]])
  expect((await world.clock.settle(newer.health())).overruled).toEqual([])
  const third = of(2, 1)
  await start(world.process({ graphs: third }), third, 1)
  expect(calls.most).toBe(2)
  await world.clock.advance(200_000)
  expect(calls.begun).toHaveLength(5)
  expect(await sharedKeys(world)).toBe(0)
  warnings.mockRestore()
})

test('that another declaration holds is reported once, for however many keys, and health names it while it is so', async () => {
  const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const world = new World()
  const calls = noCalls()
  const [wide, narrow] = [3, 1].map((limit) =>
    callGraph(world, calls, { concurrency: { limit, scope: 'graph', key: ({ tenant }) => tenant }, ms: 10_000 }),
  )
  const older = world.process({ graphs: [wide!] })
  await world.clock.advance(1_000)
  const newer = world.process({ graphs: [narrow!] })
  for (const [docket, calling] of [
    [newer, narrow!],
    [older, wide!],
  ] as const) {
    for (const tenant of tenants(5)) await docket.start(calling, Answer, { Tenant: tenant })
    await world.clock.advance(1_000)
  }
  const told = warnings.mock.calls.filter(([text]) => String(text).includes('the concurrency of step "Call"'))
  expect(told).toHaveLength(1)
  expect((await world.clock.settle(older.health())).overruled).toEqual([told[0]![0]])
  await world.clock.advance(200_000)
  expect((await world.clock.settle(older.health())).overruled).toEqual([])
  warnings.mockRestore()
})

test('a rate of scope graph holds over all processes, by the store’s clock, whatever theirs say', async () => {
  const world = new World()
  const calls = noCalls()
  const rate = { limit: 10, per: '1s', burst: 5, scope: 'graph' } as const
  const graphs = [callGraph(world, calls, { rate, ms: 1 })]
  const ahead = {
    now: () => world.clock.now() + 60_000,
    elapsed: () => world.clock.elapsed(),
    setTimeout: world.clock.setTimeout.bind(world.clock),
    clearTimeout: world.clock.clearTimeout.bind(world.clock),
    setImmediate: world.clock.setImmediate.bind(world.clock),
  }
  const dockets = [ahead, undefined, undefined, undefined].map((clock) =>
    world.process({ graphs, ...(clock !== undefined && { clock }) }),
  )
  await Promise.all(
    dockets.flatMap((docket) => tenants(20).map((tenant) => docket.start(graphs[0]!, Answer, { Tenant: tenant }))),
  )
  await world.clock.advance(30_000)
  expect(calls.at).toHaveLength(80)
  for (const [index, from] of calls.at.entries())
    for (let until = index; until < calls.at.length; until++) {
      const count = until - index + 1
      expect(count).toBeLessThanOrEqual(Math.floor(((calls.at[until]! - from) / 1_000) * 10) + 5 + 1e-9)
    }
  // And it is used: 75 after the first five take no more than a little over 7.5 s.
  expect(calls.at.at(-1)! - calls.at[0]!).toBeLessThan(12_000)
})

test('a step with a limit and a rate begins under both', async () => {
  const world = new World()
  const calls = noCalls()
  const graphs = [
    callGraph(world, calls, { concurrency: two, rate: { limit: 1, per: '10s', scope: 'graph' }, ms: 1_000 }),
  ]
  const docket = world.process({ graphs })
  for (const tenant of tenants(4)) await docket.start(graphs[0]!, Answer, { Tenant: tenant })
  await world.clock.advance(60_000)
  const gaps = calls.at.slice(1).map((at, index) => at - calls.at[index]!)
  expect(calls.at).toHaveLength(4)
  for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(10_000)
})

test('the items of a batch share a limit, each with a place of its own', async () => {
  const world = new World()
  const calls = noCalls()
  const graphs = [callGraph(world, calls, { concurrency: two })]
  const docket = world.process({ graphs })
  const batch = await docket.startBatch(
    graphs[0]!,
    Answer,
    tenants(7).map((tenant) => ({ Tenant: tenant })),
  )
  await world.clock.advance(20_000)
  expect(await batch.result()).toHaveLength(7)
  expect(calls.most).toBe(2)
  expect(await sharedKeys(world)).toBe(0)
})

test('outside of a docket a limit that processes share is refused, with what to do', async () => {
  const world = new World()
  const graph = callGraph(world, noCalls(), { concurrency: two })
  const refused = /step "Call" has a concurrency of scope 'graph'.*createDocket.*scope 'process'/
  const rejection = execute(graph, Answer, { Tenant: 'A' })
  await expect(rejection).rejects.toThrow(refused)
  await expect(rejection).rejects.toBeInstanceOf(OptionError)
  await expect(executeBatch(graph, Answer, [{ Tenant: 'A' }])).rejects.toThrow(refused)
  const { createActor, toPromise } = await import('xstate')
  const actor = createActor(fromGraph(graph, Answer), { input: { Tenant: 'A' } })
  const done = toPromise(actor)
  actor.start()
  await expect(done).rejects.toThrow(refused)
})

test('what has shared limits is written down, and remembered for its execution', async () => {
  const store = memoryStore()
  const calls = noCalls()
  const world = new World()
  const graph = callGraph(world, calls, { concurrency: two })
  await using docket = createDocket({ graphs: [graph], store, clock: world.clock })
  const value = docket.execute(graph, Answer, { Tenant: 'A' })
  await world.clock.advance(2_000)
  expect(await value).toBe('of A')
  const [record] = await store.list({ limit: 10 })
  expect((await store.readSteps([record!.id])).steps).toMatchObject([{ step: 'Call', status: 'completed' }])
})

test('what dead processes have left of limits is forgotten after a while', async () => {
  const world = new World()
  const graphs = [callGraph(world, noCalls(), { concurrency: byTenant, ms: 100_000_000 })]
  const mortal = world.mortal({ graphs })
  for (const tenant of ['A', 'B']) await mortal.docket.start(graphs[0]!, Answer, { Tenant: tenant }, { id: tenant })
  await world.clock.advance(1_000)
  mortal.die()
  expect(await sharedKeys(world)).toBe(2)
  // Nobody has their graph.
  const other = world.process({ graphs: [callGraph(world, noCalls(), { name: 'other' })] })
  await world.clock.advance(4_000_000)
  await other.purge({ olderThan: '1d' })
  expect(await sharedKeys(world)).toBe(0)
})
