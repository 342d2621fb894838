import * as fc from 'fast-check'
import { createActor, toPromise } from 'xstate'
import { describe, expect, test } from 'vitest'
import { execute, executeBatch, explain, fromGraph, step, streamBatch, untypedGraph } from '../../src/index.ts'
import type { AnyGraph, InputError } from '../../src/index.ts'
import { expectNoUnhandledErrors, number, rejectionOf } from '../loose-api.ts'
import { World } from './durable-time.ts'

expectNoUnhandledErrors()

/** Values by type name. */
type Values = Readonly<Record<string, number>>

/** A graph and what is given for its last type; `needs` has, for each type that a step makes, the types that it needs. */
interface Case {
  readonly count: number
  readonly needs: ReadonlyMap<number, readonly number[]>
  readonly overrides: ReadonlyMap<number, number>
}

const leaves = 3

const cases: fc.Arbitrary<Case> = fc.integer({ min: leaves + 1, max: 12 }).chain((count) =>
  fc.record({
    count: fc.constant(count),
    needs: fc
      .tuple(
        ...Array.from({ length: count - leaves }, (_, index) =>
          fc.uniqueArray(fc.integer({ min: 0, max: leaves + index - 1 }), { minLength: 1, maxLength: 3 }),
        ),
      )
      .map((lists) => new Map(lists.map((list, index) => [leaves + index, list] as const))),
    overrides: fc
      .uniqueArray(fc.tuple(fc.integer({ min: leaves, max: count - 1 }), fc.integer({ min: -9, max: 9 })), {
        minLength: 1,
        maxLength: 4,
        selector: ([type]) => type,
      })
      .map((pairs) => new Map(pairs)),
  }),
)

const named = (index: number): string => `T${index}`

/** What a case comes to, worked out as one would by hand: the value, the types that are made, the leaves that are needed. */
function worked({ count, needs, overrides }: Case) {
  const made = new Set<string>()
  const given: Record<string, number> = {}
  const valueOf = (type: number): number => {
    const override = overrides.get(type)
    if (override !== undefined) return override
    const needed = needs.get(type)
    if (needed === undefined) return (given[named(type)] = type + 1)
    made.add(named(type))
    return needed.reduce((sum, need) => sum + valueOf(need), type)
  }
  const value = valueOf(count - 1)
  return { value, made: [...made].toSorted(), given: given as Values }
}

/** Types that the last one needs when nothing is overridden: others can't be overridden. */
function upstream({ count, needs }: Case): ReadonlySet<number> {
  const found = new Set([count - 1])
  for (const type of found) for (const need of needs.get(type) ?? []) found.add(need)
  return found
}

function graphOf({ needs }: Case) {
  const ran = new Set<string>()
  const steps = [...needs].map(([type, needed]) =>
    step({
      name: named(type),
      inputs: Object.fromEntries(needed.map((need) => [`i${need}`, number(named(need))])),
      output: number(named(type)),
      run: (inputs: Values) => (ran.add(named(type)), Object.values(inputs).reduce((sum, value) => sum + value, type)),
    } as never),
  )
  return { graph: untypedGraph({ name: 'any', steps }), ran }
}

type Call = (graph: AnyGraph, target: never, inputs: Values, overrides: Values) => Promise<unknown>

/** In a docket of its own. */
const inDocket =
  (call: (docket: ReturnType<World['process']>, ...given: Parameters<Call>) => Promise<unknown>): Call =>
  async (graph, ...given) => {
    const world = new World()
    const docket = world.process({ graphs: [graph] })
    return world.clock.settle(call(docket, graph, ...given))
  }

const calls: Readonly<Record<string, Call>> = {
  execute: (graph, target, inputs, overrides) => execute(graph, target, inputs, { overrides }),
  executeBatch: async (graph, target, inputs, overrides) => {
    const [one, other] = await executeBatch(graph, target, [inputs, inputs], { overrides })
    expect(other).toEqual(one)
    return one
  },
  streamBatch: async (graph, target, inputs, overrides) => {
    const values: unknown[] = []
    for await (const value of streamBatch(graph, target, [inputs], { overrides })) values.push(value)
    return values[0]
  },
  fromGraph: async (graph, target, inputs, overrides) => {
    const actor = createActor(fromGraph(graph, target, { overrides }), { input: inputs })
    actor.subscribe({ error: () => {} })
    const outcome = toPromise(actor)
    actor.start()
    return outcome
  },
  'docket.execute': inDocket((docket, graph, target, inputs, overrides) =>
    docket.execute(graph, target, inputs, { overrides }),
  ),
  'docket.start': inDocket(async (docket, graph, target, inputs, overrides) =>
    (await docket.start(graph, target, inputs, { overrides })).result(),
  ),
  'docket.startBatch': inDocket(async (docket, graph, target, inputs, overrides) => {
    const batch = await docket.startBatch(graph, target, [inputs], { overrides })
    return ((await batch.result()) as readonly unknown[])[0]
  }),
  'docket.logic': inDocket((docket, graph, target, inputs, overrides) => {
    const actor = createActor(docket.logic(graph, target, { overrides }), { input: inputs })
    actor.subscribe({ error: () => {} })
    const outcome = toPromise(actor)
    actor.start()
    return outcome
  }),
}

const record = (values: ReadonlyMap<number, number>): Values =>
  Object.fromEntries([...values].map(([type, value]) => [named(type), value]))

describe.each(Object.entries(calls))('overrides in %s', (_, call) => {
  test('take their steps, and what only these need, out of any graph', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (one) => {
        const needed = upstream(one)
        const fitting = { ...one, overrides: new Map([...one.overrides].filter(([type]) => needed.has(type))) }
        const { value, made, given } = worked(fitting)
        const { graph, ran } = graphOf(one)
        const target = number(named(one.count - 1)) as never
        const overrides = record(fitting.overrides)
        expect(await call(graph, target, given, overrides)).toBe(value)
        expect([...ran].toSorted()).toEqual(made)
        const plan = explain(graph, target, given, { overrides })
        expect(plan.steps.map(({ name }) => name).toSorted()).toEqual(made)
        expect(plan.missing).toEqual([])
      }),
      { numRuns: 40 },
    )
  })

  test('are refused among the inputs of any graph, and nothing runs', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (one) => {
        const [[type, value] = [0, 0]] = one.overrides
        const { given } = worked({ ...one, overrides: new Map() })
        const { graph, ran } = graphOf(one)
        const target = number(named(one.count - 1)) as never
        const error = await rejectionOf(call(graph, target, { ...given, [named(type)]: value }, {}))
        expect(error).toMatchObject({ code: 'INPUT_INVALID' })
        // A batch of two has two wrong items.
        const paths = (error as InputError).issues.map(({ path }) => path)
        expect(new Set(paths.flat())).toEqual(new Set([named(type)]))
        expect([...ran]).toEqual([])
      }),
      { numRuns: 20 },
    )
  })
})
