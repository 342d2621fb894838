import { describe, expect, test } from 'vitest'
import { createActor, toPromise } from 'xstate'
import { z } from 'zod'
import {
  dataType,
  event,
  eventType,
  execute,
  executeBatch,
  explain,
  fromGraph,
  graph,
  GraphError,
  OptionError,
  step,
  streamBatch,
  subgraph,
} from '../../../src/index.ts'

const Order = dataType('Order', z.string())
const Packed = eventType('Packed', z.object({ parcel: z.string() }), { scope: 'shop', ttl: '30d' })
const Again = dataType('Again', z.object({ parcel: z.string() }))
const Shipped = dataType('Shipped', z.string())
const Noted = dataType('Noted', z.string())
const awaitPacked = event(Packed, { inputs: { order: Order }, key: ({ order }) => order })
const ship = step({ name: 'Ship', inputs: { packed: Packed }, output: Shipped, run: ({ packed }) => packed.parcel })
const orders = graph({ name: 'orders', steps: [awaitPacked, ship] })
const input = { Order: 'o' }
const overrides = { Packed: { parcel: 'p' } }

const problemsOf = (steps: readonly unknown[]): string => {
  try {
    graph({ name: 'wrong', steps } as never)
  } catch (error) {
    if (error instanceof GraphError) return error.message
  }
  return ''
}

describe('a step that waits for an event', () => {
  test('is refused by calls, batches and actors before anything runs, unless its value is given in overrides', async () => {
    let runs = 0
    const Other = dataType('Other', z.string())
    const count = step({ name: 'Count', output: Other, run: () => (runs++, 'one') })
    const both = step({
      name: 'Both',
      inputs: { other: Other, packed: Packed },
      output: Shipped,
      run: ({ packed }) => packed.parcel,
    })
    const counting = graph({ name: 'counting', steps: [count, awaitPacked, both] })
    const refusal =
      'step "Packed" waits for the event "Packed", and events come to a docket alone: start the graph there, with createDocket({ graphs, store }), or give the value in overrides, { Packed: … }'
    const stream = async (): Promise<void> => {
      for await (const _ of streamBatch(counting, Shipped, [input]));
    }
    const actor = createActor(fromGraph(counting, Shipped), { input })
    actor.subscribe({ error: () => {} })
    actor.start()
    for (const refused of [
      execute(counting, Shipped, input),
      executeBatch(counting, Shipped, [input]),
      stream(),
      toPromise(actor),
    ]) {
      await expect(refused).rejects.toBeInstanceOf(OptionError)
      await expect(refused).rejects.toThrow(refusal)
    }
    expect(runs).toBe(0)
    expect(await execute(counting, Shipped, {}, { overrides })).toBe('p')
    expect(await executeBatch(counting, Shipped, [{}], { overrides })).toEqual(['p'])
    expect(await toPromise(createActor(fromGraph(counting, Shipped, { overrides }), { input: {} }).start())).toBe('p')
  })

  test('is refused by calls of a graph around its graph, at whatever depth', async () => {
    const middle = graph({ name: 'middle', steps: [subgraph(orders, Shipped)] })
    const note = step({ name: 'Note', inputs: { shipped: Shipped }, output: Noted, run: ({ shipped }) => shipped })
    const outer = graph({ name: 'outer', steps: [subgraph(middle, Shipped), note] })
    const refused = execute(outer, Noted, input)
    await expect(refused).rejects.toMatchObject({ code: 'OPTION_INVALID', graph: 'orders', step: 'Packed' })
    expect(await execute(outer, Noted, {}, { overrides: { Shipped: 'given' } })).toBe('given')
  })

  test('stands twice in a graph where it names another output; explain and Mermaid show what is waited for', () => {
    const again = event(Packed, { inputs: { order: Order }, key: ({ order }) => `${order}/2`, output: Again })
    const join = step({ name: 'Join', inputs: { packed: Packed, again: Again }, output: Shipped, run: () => '' })
    const twice = graph({ name: 'twice', steps: [awaitPacked, again, join] })
    const plan = explain(twice, Shipped, input)
    expect(plan.steps.slice(0, 2)).toMatchObject([
      { name: 'Packed', kind: 'event', event: { event: 'Packed', scope: 'shop' } },
      { name: 'Again', kind: 'event', event: { event: 'Packed', scope: 'shop' } },
    ])
    expect(String(plan)).toContain('event(Order) → Packed')
    expect(String(plan)).toContain('event Packed(Order) → Again')
    expect(plan.toMermaid()).toContain('(["Packed"])')
    expect(plan.toMermaid()).toContain('(["Again: Packed"])')
  })
})

describe('graph() refuses', () => {
  test.each([
    ['an event without a key function', event(Packed, {} as never), 'step "Packed" has no key function, but undefined'],
    [
      'a data type in the place of an event type',
      event(Again as never, { key: () => '' }),
      'waits for the data type "Again"',
    ],
    [
      'a ttl that is none',
      event(eventType('E', z.string(), { ttl: 'soon' as never }), { key: () => '' }),
      'ttl "soon" is not a duration',
    ],
    ['a ttl of 0', event(eventType('E', z.string(), { ttl: 0 }), { key: () => '' }), 'ttl is 0'],
    [
      'a scope that is none',
      event(eventType('E', z.string(), { scope: 7 as never }), { key: () => '' }),
      'has a scope that is not a string: 7',
    ],
    [
      'an unknown option of an event type',
      event(eventType('E', z.string(), { scopes: 'a' } as never), { key: () => '' }),
      'unknown option "scopes"; known are scope, ttl, version and sensitive',
    ],
    ['retry of a wait', event(Packed, { key: () => '', retry: { maxAttempts: 2 } } as never), 'unknown option "retry"'],
    ['a timeout that is none', event(Packed, { key: () => '', timeout: '' as never }), 'timeout "" is not a duration'],
  ])('%s', (_, wrong, message) => {
    expect(problemsOf([wrong])).toContain(message)
  })

  test('two steps that wait for the same event type without an output of their own', () => {
    expect(problemsOf([awaitPacked, event(Packed, { key: () => 'x' })])).toContain('Packed')
  })
})
