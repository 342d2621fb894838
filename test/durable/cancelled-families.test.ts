import { expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, graph, signal, step, subgraph } from '../../src/index.ts'
import type { ExecutionCommit, NewExecution } from '../../src/core/contracts/execution-record.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import { isParking } from './parked-orders.ts'

const Booked = dataType('Booked', z.string())
const Approval = dataType('Approval', z.string())
const Trip = dataType('Trip', z.string())
const Done = dataType('Done', z.string())

/** A parent whose child books something, and then waits; what is undone is noted, and takes a second. */
function trips(world: World, undone: string[] = []) {
  const trip = graph({
    name: 'trip',
    steps: [
      step({
        name: 'Book',
        output: Booked,
        run: () => 'booked',
        compensate: async () => {
          await world.clock.sleep(1_000)
          undone.push('Book')
        },
      }),
      signal(Approval),
      step({
        name: 'Go',
        inputs: { booked: Booked, approval: Approval },
        output: Trip,
        run: ({ booked, approval }) => booked + approval,
      }),
    ],
  })
  const parent = graph({
    name: 'parent',
    steps: [
      subgraph(trip, Trip, { name: 'Child' }),
      step({ name: 'End', inputs: { trip: Trip }, output: Done, run: ({ trip: value }) => value }),
    ],
  })
  return { trip, parent }
}

async function both(world: World) {
  return (await world.store.get(['a', 'a/Child'])) as [
    { status: string; endedAt?: number },
    { status: string; endedAt?: number } | undefined,
  ]
}

test.each([
  ['both in memory', '1h', 100],
  ['the child parked, and its parent too', '10s', 60_000],
] as const)('a parent that is cancelled ends after its child has undone itself: %s', async (_, park, ms) => {
  const world = new World()
  const undone: string[] = []
  const { parent } = trips(world, undone)
  const docket = world.process({ graphs: [parent], park, work: { default: 1 } })
  const handle = await world.clock.settle(docket.start(parent, Done, {}, { id: 'a' }))
  await world.clock.advance(ms)
  await world.clock.settle(handle.cancel())
  const ended = handle.result().catch((error: unknown) => error)
  expect(await world.clock.settle(ended)).toMatchObject({ code: 'EXECUTION_CANCELLED' })
  expect(undone).toEqual(['Book'])
  const [above, below] = await both(world)
  expect([above.status, below!.status]).toEqual(['cancelled', 'cancelled'])
  expect(above.endedAt!).toBeGreaterThanOrEqual(below!.endedAt!)
})

test('a parent that is live ends after its parked child has undone itself', async () => {
  const world = new World()
  const undone: string[] = []
  const { parent } = trips(world, undone)
  // Its actor is looked at, so it stays.
  const docket = world.process({ graphs: [parent], work: { default: 1 } })
  const handle = await world.clock.settle(docket.start(parent, Done, {}, { id: 'a' }))
  expect(handle.actor).toBeDefined()
  await world.clock.advance(60_000)
  expect((await world.store.get(['a/Child']))[0]).toMatchObject({ status: 'waiting', owner: undefined })
  await world.clock.settle(handle.cancel())
  const [above, below] = await both(world)
  expect([above.status, below!.status]).toEqual(['cancelled', 'cancelled'])
  expect(undone).toEqual(['Book'])
  expect(above.endedAt!).toBeGreaterThanOrEqual(below!.endedAt!)
})

test('a parent that nobody runs takes its child along where it is cancelled by a docket that knows neither graph', async () => {
  const world = new World()
  const { parent, trip } = trips(world)
  const docket = world.process({ graphs: [parent] })
  await world.clock.settle(docket.start(parent, Done, {}, { id: 'a' }))
  await world.clock.advance(30_000)
  await world.clock.settle(docket.close())
  const { store } = world
  await store.open()
  const stranger = graph({ name: 'other', steps: [step({ name: 'X', output: Done, run: () => '' })] })
  const other = world.process({ graphs: [stranger] })
  await world.clock.settle(other.cancel('a'))
  world.process({ graphs: [parent, trip] })
  await world.clock.advance(30_000)
  const [above, below] = await both(world)
  expect([above.status, below!.status]).toEqual(['cancelled', 'cancelled'])
})

test('a child whose creation arrives when its parent has been cancelled elsewhere does not run on', async () => {
  const world = new World()
  const { parent } = trips(world)
  let held: (() => unknown) | undefined
  const slow = alteredStore(world.store, (method, ask, given) => {
    const isChild = method === 'create' && (given[0] as readonly NewExecution[])[0]?.id === 'a/Child'
    if (!isChild) return ask()
    held = ask
    return new Promise(() => {})
  })
  const { docket, die } = world.mortal({ graphs: [parent], lease: '2s' }, slow)
  await world.clock.settle(docket.start(parent, Done, {}, { id: 'a' }))
  await world.clock.advance(100)
  die()
  await world.clock.advance(10_000)
  const other = world.process({ graphs: [parent], takeOver: false })
  await world.clock.settle(other.cancel('a'))
  expect((await both(world))[0].status).toBe('cancelled')
  // What was on its way to the store is there now.
  expect(await held!()).toEqual([undefined])
  expect((await both(world))[1]).toMatchObject({ status: 'running' })
  world.process({ graphs: [parent], lease: '2s' })
  await world.clock.advance(30_000)
  expect((await both(world))[1]).toMatchObject({ status: 'cancelled' })
})

test('an unrelated execution that has a child’s id is spared when the parent is cancelled', async () => {
  const world = new World()
  const { parent, trip } = trips(world)
  const docket = world.process({ graphs: [parent] })
  await world.clock.settle(docket.start(trip, Trip, {}, { id: 'a/Child' }))
  const handle = await world.clock.settle(docket.start(parent, Done, {}, { id: 'a' }))
  await world.clock.settle(handle.cancel())
  const failed = await world.clock.settle(handle.result().catch((error: unknown) => error))
  expect(failed).toMatchObject({ code: expect.stringMatching(/EXECUTION_CANCELLED|STEP_FAILED/) as string })
  await world.clock.advance(1_000)
  expect((await both(world))[1]).toMatchObject({ status: 'waiting' })
})

test('a deadline of the parent is one of its child, which is parked until then at the latest', async () => {
  const world = new World()
  const { parent } = trips(world)
  const docket = world.process({ graphs: [parent] })
  const deadline = new Date(world.clock.now() + 600_000)
  const handle = await world.clock.settle(docket.start(parent, Done, {}, { id: 'a', deadline }))
  await world.clock.advance(30_000)
  const [child] = await world.store.get(['a/Child'])
  expect(child).toMatchObject({ status: 'waiting', deadline: deadline.getTime(), dueAt: deadline.getTime() })
  await world.clock.advance(600_000)
  const error = await world.clock.settle(handle.result().catch((failure: unknown) => failure))
  const codes = [error, (error as Error).cause].map((one) => (one as { code?: string } | undefined)?.code)
  expect(codes).toContain('EXECUTION_TIMEOUT')
  const [above, below] = await both(world)
  expect([above.status, ['failed', 'cancelled'].includes(below!.status)]).toEqual(['failed', true])
})

test.each(['by a call', 'by the signal of its caller'])(
  'a parent that is cancelled (%s) while its parking is on its way is cancelled, and does not fail of its child',
  async (how) => {
    const world = new World()
    const { trip, parent } = trips(world)
    const controller = new AbortController()
    const cancelling = Promise.withResolvers<void>()
    let handle: { cancel(): Promise<void> } | undefined
    const store = alteredStore(world.store, async (method, ask, given) => {
      const answer: unknown = await ask()
      const isOfParent = method === 'commit' && (given[0] as readonly ExecutionCommit[])[0]?.id === 'a'
      if (!isOfParent || !isParking(method, given)) return answer
      if (how === 'by a call') handle!.cancel().then(cancelling.resolve, cancelling.reject)
      else controller.abort(new Error('the client has gone'))
      // Time for whoever learns of it to act on that.
      await world.clock.sleep(2_000)
      return answer
    })
    const docket = world.process({ graphs: [trip, parent], store, park: '10s' })
    const options = { id: 'a', signal: controller.signal }
    const started = await world.clock.settle(docket.start(parent, Done, {}, options))
    handle = started
    started.result().catch(() => {})
    await world.clock.advance(60_000)
    if (how === 'by a call') await world.clock.settle(cancelling.promise)
    expect(await both(world)).toMatchObject([{ status: 'cancelled' }, { status: 'cancelled' }])
  },
)
