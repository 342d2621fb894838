import { expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, signal, subgraph, step, graph, untypedGraph } from '../../src/index.ts'
import type { AnyGraph } from '../../src/index.ts'
import type { AnyDataType } from '../../src/core/language/data-type.ts'
import type { NewExecution } from '../../src/core/contracts/execution-record.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'

const Approval = dataType('Approval', z.string())
const Leaf = dataType('Leaf', z.string())
const Middle = dataType('Middle', z.number())
const Top = dataType('Top', z.number())

/** A graph that needs `count` children of another one, each under a type of its own. */
function over(name: string, child: AnyGraph, made: AnyDataType, output: AnyDataType, count: number): AnyGraph {
  const types = Array.from({ length: count }, (_, index) => dataType(`${name}${index}`, z.unknown()))
  const children = types.map((type) =>
    subgraph(child as never, made as never, { name: type.name, output: type as never } as never),
  )
  const inputs = Object.fromEntries(types.map((type, index) => [`port${index}`, type]))
  const counting = step({
    name: `${name}Count`,
    inputs,
    output: output as never,
    run: (all) => Object.keys(all).length as never,
  })
  return untypedGraph({ name, steps: [...children, counting] as never })
}

/** Three levels: one parent of ten, each with a hundred children, which wait for an approval where they are to. */
function family(calls: string[], waits: boolean) {
  const lowest = graph({
    name: 'lowest',
    steps: waits
      ? [signal(Approval), step({ name: 'Leaf', inputs: { by: Approval }, output: Leaf, run: ({ by }) => by })]
      : [step({ name: 'Leaf', output: Leaf, run: (_, { executionId }) => (calls.push(executionId), executionId) })],
  } as never) as AnyGraph
  const middle = over('Mid', lowest, Leaf as never, Middle as never, 100)
  return over('Top', middle, Middle as never, Top as never, 10)
}

async function statuses(world: World): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  for (const { status } of await world.store.list({ limit: 10_000 })) counts.set(status, (counts.get(status) ?? 0) + 1)
  return counts
}

test('one parent of ten with a hundred children each completes, each child once, though the process dies in the middle', async () => {
  const world = new World()
  const calls: string[] = []
  const top = family(calls, false)
  // Some of the thousand are there when it dies, and some are not.
  const fatal = alteredStore(world.store, async (method, ask, given) => {
    const executions = given[0] as readonly NewExecution[]
    if (method !== 'create' || executions.length < 50) return ask()
    await world.store.create(executions.slice(0, 30))
    die()
    return new Promise(() => {})
  })
  const { docket, die } = world.mortal({ graphs: [top], lease: '2s' }, fatal)
  await docket.start(top as never, Top as never, {} as never, { id: 'a' })
  await world.clock.advance(100)
  const created = (await world.store.list({ limit: 10_000 })).length
  expect(created).toBeGreaterThan(1)
  expect(created).toBeLessThan(1_011)
  const next = world.process({ graphs: [top], lease: '2s' })
  await world.clock.advance(20_000)
  const handle = await world.clock.settle(next.get('a'))
  expect(await world.clock.settle(handle!.result())).toBe(10)
  expect(await statuses(world)).toEqual(new Map([['completed', 1_011]]))
  expect(new Set(calls).size).toBe(1_000)
  await world.clock.advance(10_000)
  expect(await world.store.readOutbox({ before: Infinity, limit: 10 })).toEqual([])
})

test('a cancellation reaches all of a thousand and eleven, parked as they are', async () => {
  const world = new World()
  const top = family([], true)
  const docket = world.process({ graphs: [top] })
  const handle = await docket.start(top as never, Top as never, {} as never, { id: 'a' })
  await world.clock.advance(30_000)
  expect(await statuses(world)).toEqual(new Map([['waiting', 1_011]]))
  expect((await world.store.list({ limit: 10_000 })).every(({ parkedAt }) => parkedAt !== undefined)).toBe(true)
  await world.clock.settle(handle.cancel())
  expect(await statuses(world)).toEqual(new Map([['cancelled', 1_011]]))
})
