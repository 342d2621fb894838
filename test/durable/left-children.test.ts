import { expect, test } from 'vitest'
import { z } from 'zod'
import {
  dataType,
  durableStep,
  ExecutionConflictError,
  fixed,
  graph,
  optional,
  race,
  signal,
  step,
  subgraph,
  timer,
  untypedGraph,
} from '../../src/index.ts'
import type { AnyGraph } from '../../src/index.ts'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import { atEveryCommit } from '../../src/testing/index.ts'
import { alteredStore } from './altered-store.ts'
import { rejectionOf } from '../loose-api.ts'
import { World } from './durable-time.ts'

const Approval = dataType('Approval', z.string())
const Booked = dataType('Booked', z.string())
const Trip = dataType('Trip', z.string())
const Late = dataType('Late', z.object({ dueAt: z.date() }))
const First = dataType('First', z.string())
const Done = dataType('Done', z.string())

const trips = graph({
  name: 'trips',
  steps: [
    step({ name: 'Book', output: Booked, run: () => 'booked', compensate: () => {} }),
    signal(Approval),
    step({
      name: 'Go',
      inputs: { booked: Booked, approval: Approval },
      output: Trip,
      run: ({ booked, approval }) => booked + approval,
    }),
  ],
})
const child = subgraph(trips, Trip, { name: 'Child' })
const caller = durableStep({ name: 'Call', output: Trip, run: (_, ctx) => ctx.execute(trips, Trip, {}) })
const sleeper = durableStep({
  name: 'Call',
  output: Trip,
  run: async (_, ctx) => {
    await ctx.start(trips, Trip, {})
    await ctx.sleep('3s')
    throw new Error('it is too late')
  },
})
const late = timer({ name: 'Late', output: Late, after: '3s' })
const first = race({ name: 'First', inputs: { trip: Trip, late: Late }, output: First, run: ({ port }) => port })
const end = step({ name: 'End', inputs: { first: First }, output: Done, run: (inputs) => inputs.first })
const without = step({
  name: 'End',
  inputs: { trip: optional(Trip) },
  output: Done,
  run: ({ trip }) => trip ?? 'without',
})

const timed = subgraph(trips, Trip, { name: 'Child', timeout: '3s' })
const replaced = subgraph(trips, Trip, { name: 'Child', timeout: '3s', fallback: () => 'none' })

/** Steps that end without their children, while what they are part of goes on: in memory, or parked after a while. */
const parents: readonly (readonly [title: string, park: string, parent: AnyGraph])[] = [
  ['lost its race', '1h', graph({ name: 'parent', steps: [child, late, first, end] })],
  ['lost its race, parked', '1s', graph({ name: 'parent', steps: [child, late, first, end] })],
  ['timed out, and could be done without', '1h', graph({ name: 'parent', steps: [timed, without] })],
  ['timed out, and has a fallback, parked', '1s', graph({ name: 'parent', steps: [replaced, without] })],
  ['is a function that lost its race, parked', '1s', graph({ name: 'parent', steps: [caller, late, first, end] })],
  ['is a function that failed, and could be done without', '1h', graph({ name: 'parent', steps: [sleeper, without] })],
]

test.each(parents)(
  'a child whose step %s is cancelled and undone, wherever the process dies',
  async (_, park, parent) => {
    const { commits } = await atEveryCommit({ graphs: [parent, trips], park, limit: 25 }, async (docket) => {
      await (await docket.startByName('parent', 'Done', {}, { id: 'a' })).result()
      await docket.advance('1m')
      const { executions } = await docket.list({ parent: 'a' })
      for (const { id, status } of executions) {
        expect(status).toBe('cancelled')
        const { steps } = await (await docket.get(id))!.details()
        expect(steps.find((one) => one.step === 'Book')?.undo).toMatchObject({ status: 'undone' })
      }
      return executions.length
    })
    expect(commits.length).toBeGreaterThan(5)
  },
)

const Ended = dataType('Ended', z.string())
const held = step({
  name: 'Held',
  inputs: { done: Done, approval: Approval },
  output: Ended,
  run: ({ done }) => done,
})

test.each(parents)(
  'a child whose step %s is not retried alone while its parent goes on',
  async (_, park, { steps }) => {
    const world = new World()
    const parent = untypedGraph({ name: 'parent', steps: [...steps, signal(Approval), held] })
    const docket = world.process({ graphs: [parent, trips], park })
    await world.clock.settle(docket.startByName('parent', 'Ended', {}, { id: 'a' }))
    await world.clock.advance(20_000)
    const [left] = (await world.clock.settle(docket.list({ parent: 'a' }))).executions
    expect(left).toMatchObject({ status: 'cancelled' })
    const refused = await world.clock.settle(rejectionOf(docket.retry(left!.id)))
    expect(refused).toBeInstanceOf(ExecutionConflictError)
    expect(String(refused)).toContain('of "a", of which this is a child, has ended without it')
    expect((await world.store.get([left!.id]))[0]).toMatchObject({ status: 'cancelled' })
  },
)

test('a child is retried alone while its step waits for its next attempt, and where its function has returned', async () => {
  const world = new World()
  const prices = { isKnown: false }
  const price = step({
    name: 'Price',
    output: Booked,
    run: () => {
      if (!prices.isKnown) throw new Error('no price yet')
      return 'priced'
    },
  })
  const pricing = graph({ name: 'pricing', steps: [price] })
  const asking = subgraph(pricing, Booked, { name: 'Ask', retry: { maxAttempts: 2, backoff: fixed('1m') } })
  const leaving = durableStep({
    name: 'Leave',
    output: Trip,
    run: async (_, ctx) => `began ${(await ctx.start(pricing, Booked, {})).id}`,
  })
  const both = step({
    name: 'Both',
    inputs: { booked: Booked, trip: Trip, approval: Approval },
    output: Done,
    run: ({ booked, trip }) => `${booked}, ${trip}`,
  })
  const parent = graph({ name: 'parent', steps: [asking, leaving, signal(Approval), both] })
  const docket = world.process({ graphs: [parent, pricing] })
  await world.clock.settle(docket.start(parent, Done, {}, { id: 'a' }))
  await world.clock.advance(1_000)
  const { executions } = await world.clock.settle(docket.list({ parent: 'a' }))
  expect(executions.map(({ status }) => status)).toEqual(['failed', 'failed'])
  prices.isKnown = true
  for (const { id } of executions) {
    const retried = await world.clock.settle(docket.retry(id))
    expect(await world.clock.settle(retried.result())).toBe('priced')
  }
})

test('a child that its function has left to itself is retried, whatever the step does in another execution that has the id of its parent', async () => {
  const world = new World()
  const mode = { fails: false }
  const price = step({
    name: 'Price',
    output: Booked,
    run: () => {
      if (!mode.fails) throw new Error('no price yet')
      return 'priced'
    },
  })
  const pricing = graph({ name: 'pricing', steps: [price] })
  const leaving = durableStep({
    name: 'Leave',
    output: Trip,
    run: async (_, ctx) => {
      if (mode.fails) throw new Error('it fails this time')
      return `began ${(await ctx.start(pricing, Booked, {})).id}`
    },
  })
  const parent = graph({ name: 'parent', steps: [leaving, without, signal(Approval), held] })
  const docket = world.process({ graphs: [parent, pricing] })
  const first = await world.clock.settle(docket.start(parent, Ended, {}, { id: 'a' }))
  await world.clock.advance(1_000)
  await world.clock.settle(first.signal(Approval, 'yes'))
  await world.clock.settle(first.result())
  await world.clock.settle(docket.delete('a'))
  mode.fails = true
  await world.clock.settle(docket.start(parent, Ended, {}, { id: 'a' }))
  await world.clock.advance(1_000)
  const retried = await world.clock.settle(docket.retry('a/Leave/pricing'))
  expect(await world.clock.settle(retried.result())).toBe('priced')
})

test('what functions of the items of a batch have left is looked for once by whoever goes on with it, and not for each item', async () => {
  const world = new World()
  const rest = signal(Approval)
  const finish = step({
    name: 'Finish',
    inputs: { first: First, approval: Approval },
    output: Done,
    run: ({ first: port }) => port,
  })
  const Item = dataType('Item', z.number())
  const called = durableStep({
    name: 'Call',
    inputs: { item: Item },
    output: Trip,
    run: (_, ctx) => ctx.execute(trips, Trip, {}),
  })
  const parent = graph({ name: 'parent', steps: [called, late, first, rest, finish] })
  const { docket, die } = world.mortal({ graphs: [parent, trips], park: '1h' })
  const items = Array.from({ length: 20 }, (_, index) => ({ Item: index }))
  await world.clock.settle(docket.startBatch(parent, Done, items, { id: 'a' }))
  await world.clock.advance(5_000)
  die()
  const reads: string[] = []
  const store = alteredStore(world.store, (method, ask, [query]) => {
    if (method === 'list' && JSON.stringify(query).includes('"parent":"a"')) reads.push(method)
    return ask()
  })
  world.process({ graphs: [parent, trips], store, park: '1h' })
  await world.clock.advance(40_000)
  expect(reads.length).toBeGreaterThan(0)
  expect(reads.length).toBeLessThan(5)
})

const Who = dataType('Who', z.string())
const [, approval, go] = trips.steps
const tripsOf = untypedGraph({
  name: 'tripsOf',
  steps: [
    step({ name: 'Book', inputs: { who: Who }, output: Booked, run: ({ who }) => who, compensate: () => {} }),
    approval as never,
    go as never,
  ],
})
const childOf = subgraph(tripsOf as never, Trip, { name: 'Child' }) as never
const callerOf = durableStep({
  name: 'Call',
  inputs: { who: Who },
  output: Trip,
  run: ({ who }, ctx) => ctx.execute(tripsOf as never, Trip, { Who: who } as never),
})
const sleeperOf = durableStep({
  name: 'Call',
  inputs: { who: Who },
  output: Trip,
  run: async ({ who }, ctx) => {
    await ctx.start(tripsOf as never, Trip, { Who: who } as never)
    await ctx.sleep(who === 'Ada' ? '3s' : '9s')
    throw new Error('it is too late')
  },
})
const lateOf = timer({
  name: 'Late',
  inputs: { who: Who },
  output: Late,
  after: ({ who }) => (who === 'Ada' ? '3s' : '9s'),
})
const racing = (one: never): AnyGraph => untypedGraph({ name: 'items', steps: [one, lateOf, first, end] as never })

/** Batches of items that end without their children, while other items go on. */
const ofItems: readonly (readonly [title: string, park: string, graph: AnyGraph])[] = [
  ['lost its race', '1h', racing(childOf)],
  ['is a function that lost its race', '1h', racing(callerOf as never)],
  ['is a function that lost its race, parked', '1s', racing(callerOf as never)],
  ['is a function that failed, and could be done without', '1h', graph({ name: 'items', steps: [sleeperOf, without] })],
]

test.each(ofItems)(
  'a child of an item whose step %s is cancelled and undone, wherever the process dies',
  async (_, park, items) => {
    await atEveryCommit({ graphs: [items, tripsOf], park, limit: 40 }, async (docket) => {
      const given = [{ Who: 'Ada' }, { Who: 'Bob' }]
      const batch = await docket.startBatch(items as never, Done as never, given as never, { id: 'b' } as never)
      await batch.result()
      await docket.advance('1m')
      const { executions } = await docket.list({ parent: 'b' })
      expect(executions.map(({ status }) => status)).toEqual(['cancelled', 'cancelled'])
      return executions.length
    })
  },
)

test.each(ofItems)(
  'a child of an item whose step %s is not retried alone while its batch goes on',
  async (_, park, items) => {
    const world = new World()
    const docket = world.process({ graphs: [items, tripsOf], park })
    const given = [{ Who: 'Ada' }, { Who: 'Bob' }] as never
    await world.clock.settle(docket.startBatch(items as never, Done as never, given, { id: 'b' } as never))
    await world.clock.advance(5_000)
    const { executions } = await world.clock.settle(docket.list({ parent: 'b', status: 'cancelled' }))
    expect(executions.map(({ id }) => id.slice(0, 4))).toEqual(['b/0/'])
    const refused = await world.clock.settle(rejectionOf(docket.retry(executions[0]!.id)))
    expect(String(refused)).toContain('of "b", of which this is a child, has ended without it')
  },
)

/** The store of a process of which what it writes of one execution does not arrive any more from some time on. */
function losing({ store, clock }: World, id: string, from: number): Store {
  const isLost = (commit: ExecutionCommit): boolean => commit.id === id && clock.elapsed() > from
  const commit = async (commits: readonly ExecutionCommit[]) => {
    const written = commits.filter((one) => !isLost(one))
    const answers = [...(await store.commit(written, { waits: false }))]
    return commits.map((one) => isLost(one) || answers.shift()!)
  }
  return new Proxy(store, {
    get(target, key) {
      const value: unknown = key === 'commit' ? commit : Reflect.get(target, key)
      return typeof value === 'function' ? (value as (...all: unknown[]) => unknown).bind(target) : value
    },
  })
}

test('a child of an item that had ended on record when its process died is cancelled, and one that its function has left to itself goes on', async () => {
  const world = new World()
  const leaver = durableStep({
    name: 'Call',
    inputs: { who: Who },
    output: Trip,
    run: async ({ who }, ctx) => {
      await ctx.start(tripsOf as never, Trip, { Who: who } as never)
      if (who === 'Cid') return 'left'
      await ctx.sleep('1h')
      return 'late'
    },
  })
  const items = racing(leaver as never)
  const given = [{ Who: 'Ada' }, { Who: 'Bob' }, { Who: 'Cid' }]
  const { docket, die } = world.mortal({ graphs: [items, tripsOf] }, losing(world, 'b/0/Call/tripsOf', 2_500))
  const options = { id: 'b' } as never
  await world.clock.settle(docket.startBatch(items as never, Done as never, given as never, options))
  await world.clock.advance(4_000)
  die()
  const second = world.process({ graphs: [items, tripsOf] })
  await world.clock.advance(30_000)
  const { executions } = await world.clock.settle(second.list({ parent: 'b' }))
  const ends = executions.map(({ id, status }) => `${id} ${status}`).toSorted()
  expect(ends).toEqual(['b/0/Call/tripsOf cancelled', 'b/1/Call/tripsOf cancelled', 'b/2/Call/tripsOf waiting'])
})

test('for children that are retried together the steps of their parent are read once, and not for each', async () => {
  const world = new World()
  const prices = { areKnown: false }
  const price = step({
    name: 'Price',
    inputs: { who: Who },
    output: Booked,
    run: ({ who }) => {
      if (!prices.areKnown) throw new Error('no price yet')
      return who
    },
  })
  const pricing = graph({ name: 'pricing', steps: [price] })
  const asking = subgraph(pricing, Booked, { name: 'Ask', retry: { maxAttempts: 2, backoff: fixed('1h') } })
  const close = step({ name: 'Close', inputs: { booked: Booked }, output: Done, run: ({ booked }) => booked })
  const parent = graph({ name: 'parent', steps: [asking, close] })
  let reads = 0
  const store = alteredStore(world.store, (method, ask, [ids]) => {
    if (method === 'readSteps' && (ids as readonly string[]).includes('b')) reads++
    return ask()
  })
  const docket = world.process({ graphs: [parent, pricing], store })
  const given = Array.from({ length: 20 }, (_, index) => ({ Who: `${index}` }))
  await world.clock.settle(docket.startBatch(parent, Done, given, { id: 'b' }))
  await world.clock.advance(5_000)
  prices.areKnown = true
  reads = 0
  const { outcomes } = await world.clock.settle(docket.retryAll({ graph: 'pricing' }))
  expect(outcomes.map(({ isRetried }) => isRetried)).toEqual(given.map(() => true))
  expect(reads).toBeLessThan(5)
})
