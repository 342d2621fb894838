import { expect, test } from 'vitest'
import { dataType, graph, step, type } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Flight = dataType('Flight', type<string>())
const Trip = dataType('Trip', type<string>())

/** A flight that takes a minute to be cancelled, and a trip that fails or never comes. */
function tripsOf(world: World, log: string[], trip: () => string | Promise<string> = () => new Promise(() => {})) {
  const flight = step({
    name: 'BookFlight',
    output: Flight,
    run: () => 'flight',
    compensate: async () => {
      await world.clock.sleep(60_000)
      log.push('cancelled')
    },
  })
  const finish = step({ name: 'FinishTrip', inputs: { flight: Flight }, output: Trip, run: trip })
  return graph({ name: 'trips', steps: [flight, finish] })
}

const limits = {
  'its timeout': { options: () => ({ timeout: '1s' as const }), code: 'EXECUTION_TIMEOUT', status: 'failed' },
  'its deadline': {
    options: (world: World) => ({ deadline: new Date(world.clock.now() + 1_000) }),
    code: 'EXECUTION_TIMEOUT',
    status: 'failed',
  },
} as const

test.each(['its timeout', 'its deadline'] as const)(
  'docket.execute rejects as soon as %s ends the execution, and the undoing goes on',
  async (which) => {
    const world = new World()
    const log: string[] = []
    const trips = tripsOf(world, log)
    const docket = world.process({ graphs: [trips] })
    const { options, code, status } = limits[which]
    const outcome = docket
      .execute(trips, Trip, {}, { id: 'a', ...options(world) })
      .catch((error: unknown) => ({ error, undone: [...log] }))
    await world.clock.advance(2_000)
    expect(await outcome).toMatchObject({ error: { code }, undone: [] })
    const handle = (await docket.get('a'))!
    expect((await handle.details()).status).toBe('compensating')
    expect(await world.clock.settle(handle.result().catch((error: unknown) => error))).toMatchObject({ code })
    expect(log).toEqual(['cancelled'])
    expect((await handle.details()).status).toBe(status)
  },
)

test.each(['before', 'while it is undone'] as const)(
  'docket.execute rejects as soon as its signal is aborted (%s), and the undoing goes on',
  async (when) => {
    const world = new World()
    const log: string[] = []
    const trips = tripsOf(world, log, () => {
      if (when === 'before') return new Promise(() => {})
      throw new Error('full')
    })
    const docket = world.process({ graphs: [trips] })
    const controller = new AbortController()
    let error: unknown
    docket.execute(trips, Trip, {}, { id: 'a', signal: controller.signal }).catch((thrown: unknown) => (error = thrown))
    await world.clock.advance(2_000)
    expect(error).toBeUndefined()
    controller.abort(new Error('enough'))
    await world.clock.advance(100)
    expect(error).toMatchObject({ code: when === 'before' ? 'EXECUTION_CANCELLED' : 'STEP_FAILED' })
    expect(log).toEqual([])
    await world.clock.advance(60_000)
    expect(log).toEqual(['cancelled'])
    const { status } = await (await docket.get('a'))!.details()
    expect(status).toBe(when === 'before' ? 'cancelled' : 'failed')
  },
)

test('what fails by itself is reported once all is undone', async () => {
  const world = new World()
  const log: string[] = []
  const trips = tripsOf(world, log, () => {
    throw new Error('full')
  })
  const docket = world.process({ graphs: [trips] })
  const outcome = docket.execute(trips, Trip, {}, { id: 'a', timeout: '1h' }).catch((error: unknown) => [error, ...log])
  expect(await world.clock.settle(outcome)).toMatchObject([{ code: 'STEP_FAILED' }, 'cancelled'])
})

test('an execution with a timeout that is handed over while it is undone leaves no timer behind', async () => {
  const world = new World()
  const trips = tripsOf(world, [], () => {
    throw new Error('full')
  })
  const docket = world.process({ graphs: [trips] })
  await docket.start(trips, Trip, {}, { id: 'a', timeout: '100d' })
  await world.clock.advance(1_000)
  expect((await (await docket.get('a'))!.details()).status).toBe('compensating')
  await world.clock.settle(docket.close())
  await world.clock.advance(120_000)
  expect(world.clock.pending).toBe(0)
})
