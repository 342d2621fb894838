import { describe, expect, test } from 'vitest'
import { dataType, execute, explain, step, type, untypedGraph } from '../../src/index.ts'
import type { PersistPolicy, StepContext } from '../../src/index.ts'
import { expectNoUnhandledErrors, number, uniqueName } from '../loose-api.ts'
import { World } from './durable-time.ts'

expectNoUnhandledErrors()

const City = number('City')

interface Names {
  readonly graph?: string
  readonly step?: string
  readonly type?: string
}

const old: Names = { graph: 'weather', step: 'Fetch', type: 'Report' }

interface Call {
  readonly step: string
  readonly key: string
}

/** City → Report, remembered for everybody; `names` are those that changed, `knows` says whether it is said what they were. */
function weather(
  names: Names,
  calls: Call[],
  {
    run = () => calls.length,
    persist = {},
    knows = true,
    maxAttempts = 1,
  }: {
    readonly run?: (context: StepContext) => number | Promise<number>
    readonly persist?: Partial<PersistPolicy>
    readonly knows?: boolean
    readonly maxAttempts?: number
  } = {},
) {
  const named = (kind: keyof Names) => {
    const name = names[kind]
    return name === undefined ? { name: old[kind]! } : { name, ...(knows && { formerly: old[kind] }) }
  }
  const { name, ...options } = named('type')
  const Report = dataType(name, type<number>(), options)
  const fetch = step({
    ...named('step'),
    inputs: { city: City },
    output: Report,
    persist: { scope: 'global', ...persist },
    ...(maxAttempts > 1 && { retry: { maxAttempts } }),
    run: (_, context) => {
      calls.push({ step: context.stepName, key: context.idempotencyKey })
      return run(context)
    },
  })
  return { graph: untypedGraph({ ...named('graph'), steps: [fetch] }), Report }
}

type Weather = ReturnType<typeof weather>

async function ask(world: World, { graph, Report }: Weather, city = 1, id?: string): Promise<unknown> {
  const docket = world.process({ graphs: [graph], takeOver: false })
  return world.clock.settle(
    docket.execute(graph, Report as never, { City: city } as never, { ...(id !== undefined && { id }) }),
  )
}

const changes: readonly Names[] = [
  { step: 'Get' },
  { type: 'Forecast' },
  { graph: 'forecasts' },
  { graph: 'forecasts', step: 'Get', type: 'Forecast' },
]

describe('a global result whose step, type or graph has another name now', () => {
  test.each(changes)('is found, and found later without its former name: %o', async (names) => {
    const world = new World()
    const calls: Call[] = []
    expect(await ask(world, weather({}, calls))).toBe(1)
    expect(await ask(world, weather(names, calls, { knows: false }), 2)).toBe(2)
    expect(await ask(world, weather(names, calls))).toBe(1)
    expect(await ask(world, weather(names, calls), 2)).toBe(2)
    expect(await ask(world, weather(names, calls), 3)).toBe(3)
    expect(await ask(world, weather(names, calls, { knows: false }))).toBe(1)
    expect(calls).toHaveLength(3)
  })

  test('holds no longer than it was to hold', async () => {
    const world = new World()
    const calls: Call[] = []
    const persist = { ttl: '1m' }
    expect(await ask(world, weather({}, calls, { persist }))).toBe(1)
    await world.clock.advance(50_000)
    const now = weather({ step: 'Get' }, calls, { persist })
    expect(await ask(world, now)).toBe(1)
    await world.clock.advance(5_000)
    expect(await ask(world, now)).toBe(1)
    await world.clock.advance(6_000)
    expect(await ask(world, now)).toBe(2)
    expect(await ask(world, now)).toBe(2)
  })

  test('is kept apart by a namespace of its own, whatever the graph is called', async () => {
    const world = new World()
    const calls: Call[] = []
    const persist = { namespace: 'shared' }
    expect(await ask(world, weather({}, calls, { persist }))).toBe(1)
    expect(await ask(world, weather({ graph: 'forecasts' }, calls, { persist }))).toBe(1)
    expect(await ask(world, weather({ graph: 'forecasts', step: 'Get' }, calls, { persist }))).toBe(1)
  })

  test('is waited for while a process of the older version makes it', async () => {
    const world = new World()
    const calls: Call[] = []
    const gate = Promise.withResolvers<number>()
    const first = weather({}, calls, { run: () => gate.promise })
    const making = world
      .process({ graphs: [first.graph] })
      .execute(first.graph, first.Report as never, { City: 1 } as never)
    await world.clock.advance(10)
    const now = weather({ step: 'Get' }, calls)
    const docket = world.process({ graphs: [now.graph] })
    const waiting = [1, 2].map(() => docket.execute(now.graph, now.Report as never, { City: 1 } as never))
    await world.clock.advance(1_000)
    gate.resolve(9)
    expect(await world.clock.settle(Promise.all([making, ...waiting]))).toEqual([9, 9, 9])
    expect(calls).toHaveLength(1)
  })

  test.each(changes)('is made with the same idempotency key by whoever makes it: %o', async (names) => {
    const world = new World()
    const calls: Call[] = []
    const hangs = { run: () => new Promise<number>(() => {}), maxAttempts: 3 }
    const first = weather({}, calls, hangs)
    const { docket, die } = world.mortal({ graphs: [first.graph] })
    await docket.start(first.graph, first.Report as never, { City: 1 } as never, { id: 'a' })
    await world.clock.advance(10)
    die()
    await world.clock.advance(6_000)
    const now = weather(names, calls, { maxAttempts: 3 })
    // Another execution with equal inputs, and then the one that began it.
    expect(await ask(world, now)).toBe(2)
    const survivor = world.process({ graphs: [now.graph] })
    expect(await world.clock.settle((await survivor.get('a'))!.result())).toBe(2)
    expect(calls).toHaveLength(2)
    expect(calls[1]!.key).toBe(calls[0]!.key)
  })

  test('costs nothing where nothing was renamed: the store is called once', async () => {
    const world = new World()
    const calls: Call[] = []
    const asked: string[] = []
    const store = new Proxy(world.store, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key)
        if (typeof value !== 'function') return value
        return (...given: unknown[]): unknown => {
          if (/Results/.test(String(key))) asked.push(String(key))
          return (value as (...all: unknown[]) => unknown).apply(target, given)
        }
      },
    })
    const run = async (now: Weather, city: number): Promise<void> => {
      const docket = world.process({ graphs: [now.graph], store })
      await world.clock.settle(docket.execute(now.graph, now.Report as never, { City: city } as never))
    }
    await run(weather({}, calls), 1)
    expect(asked.splice(0)).toEqual(['claimResults', 'commitResults'])
    await run(weather({ step: 'Get' }, calls), 2)
    expect(asked.splice(0)).toEqual(['claimResults', 'getResults', 'commitResults'])
    await run(weather({ step: 'Get' }, calls), 2)
    expect(asked.splice(0)).toEqual(['claimResults'])
  })

  test('is found in this process’s memory too, and explained', async () => {
    const calls: Call[] = []
    const graph = uniqueName()
    const first = weather({ graph }, calls, { knows: false })
    expect(await execute(first.graph, first.Report as never, { City: 1 } as never)).toBe(1)
    const now = weather({ graph, step: 'Get', type: 'Forecast' }, calls)
    const renamed = untypedGraph({ name: graph, steps: now.graph.steps })
    expect(explain(renamed, now.Report as never, { City: 1 } as never).steps).toMatchObject([
      { name: 'Get', will: 'cached' },
    ])
    expect(await execute(renamed, now.Report as never, { City: 1 } as never)).toBe(1)
    expect(calls).toHaveLength(1)
  })
})
