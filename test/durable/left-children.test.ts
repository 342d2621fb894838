import { expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, durableStep, graph, optional, race, signal, step, subgraph, timer } from '../../src/index.ts'
import type { AnyGraph } from '../../src/index.ts'
import { atEveryCommit } from '../../src/testing/index.ts'
import { alteredStore } from './altered-store.ts'
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
