import { expect, test } from 'vitest'
import { dataType, graph, step, type } from '../../src/index.ts'
import type { StepError } from '../../src/index.ts'
import { World } from './durable-time.ts'
import { fatalAt } from './fatal-commit.ts'
import { backwards, Bill, endOf, Flight, Hotel, Order, Outside } from './trips.ts'

test('a docket undoes what an execution did, and its records and details say what was undone', async () => {
  const world = new World()
  const outside = new Outside()
  outside.undo = (what, attempt) => {
    if (what === 'hotel' || (what === 'flight' && attempt === 1)) throw new Error(`${what} is closed`)
  }
  const trips = outside.trips()
  const docket = world.process({ graphs: [trips] })
  const handle = await docket.start(trips, Bill, { Order: 'o1' }, { id: 'a' })
  const error = (await world.clock.settle(handle.result().catch((thrown: unknown) => thrown))) as StepError
  expect(error).toMatchObject({ code: 'STEP_FAILED', step: 'Bill', undoErrors: [{ step: 'BookHotel' }] })
  expect(outside.cancelled).toEqual(['seat', 'car', 'flight'])
  const { status, steps, error: stored } = await handle.details()
  expect(status).toBe('failed')
  expect(stored).toMatchObject({
    code: 'STEP_FAILED',
    undoErrors: [{ code: 'COMPENSATION_FAILED', step: 'BookHotel' }],
  })
  const undos = steps.map(({ step: name, undo }) => [name, undo?.status, undo?.attempt])
  expect(undos).toEqual([
    ['BookFlight', 'undone', 2],
    ['BookHotel', 'failed', 1],
    ['BookCar', 'undone', 1],
    ['BookSeat', 'undone', 1],
    ['Bill', undefined, undefined],
  ])
  expect(steps[1]!.undo!.error).toMatchObject({ message: 'hotel is closed' })
})

test.each(['before', 'after'] as const)(
  'a process that dies right %s any of its commits leaves the same end: all is undone, in order, and it has failed',
  async (when) => {
    let wasFatal = true
    for (let n = 1; wasFatal; n++) {
      const world = new World()
      const outside = new Outside()
      const trips = outside.trips()
      let hasDied = false
      const fatal = fatalAt(world.store, n, when, () => {
        hasDied = true
        die()
      })
      const { docket, die } = world.mortal({ graphs: [trips], lease: '2s' }, fatal)
      void docket.start(trips, Bill, { Order: 'o1' }, { id: 'a' }).then(
        (handle) => handle.result().catch(() => {}),
        () => {},
      )
      await world.clock.advance(5_000)
      wasFatal = hasDied
      if (!hasDied) die()
      const next = world.process({ graphs: [trips], lease: '2s' })
      await world.clock.advance(10_000)
      const label = `died ${when} commit ${n}`
      if ((await next.get('a')) === undefined) continue
      expect(await endOf(world, next), label).toMatchObject({ code: 'STEP_FAILED', step: 'Bill' })
      expect([...outside.booked.values()], label).toEqual([])
      expect(outside.cancelled, label).toEqual(backwards)
      expect((await (await next.get('a'))!.details()).status, label).toBe('failed')
      await next.close()
      expect(n).toBeLessThan(60)
    }
  },
)

test('an execution that is cancelled undoes what it did, also one that nobody runs', async () => {
  const world = new World()
  const outside = new Outside()
  outside.bill = () => new Promise(() => {})
  const trips = outside.trips()
  const first = world.process({ graphs: [trips] })
  const handle = await first.start(trips, Bill, { Order: 'o1' }, { id: 'a' })
  await world.clock.advance(100)
  await handle.cancel(new Error('changed my mind'))
  expect(await endOf(world, first)).toMatchObject({ code: 'EXECUTION_CANCELLED' })
  expect(outside.cancelled).toEqual(backwards)
  // A process that dies with it leaves it to the one that cancels it, which does not know the graph.
  const other = new Outside()
  other.bill = () => new Promise(() => {})
  const trips2 = other.trips()
  const { docket, die } = world.mortal({ graphs: [trips2], lease: '2s' })
  await docket.start(trips2, Bill, { Order: 'o1' }, { id: 'b' })
  await world.clock.advance(100)
  die()
  await world.clock.settle(first.close())
  await world.clock.advance(5_000)
  const watcher = world.process({ graphs: [], takeOver: false })
  await world.clock.settle(watcher.cancel('b'))
  const last = world.process({ graphs: [trips2] })
  expect(await endOf(world, last, 'b')).toMatchObject({ code: 'EXECUTION_CANCELLED' })
  expect(other.cancelled).toEqual(backwards)
})

test('a retry runs what was undone again, under new keys, and undoes it again', async () => {
  const world = new World()
  const outside = new Outside()
  const trips = outside.trips()
  const docket = world.process({ graphs: [trips] })
  await docket.start(trips, Bill, { Order: 'o1' }, { id: 'a' })
  await endOf(world, docket)
  await docket.retry('a')
  expect(await endOf(world, docket)).toMatchObject({ code: 'STEP_FAILED' })
  expect(outside.log).toHaveLength(16)
  expect(new Set(outside.keys).size).toBe(8)
  outside.bill = () => 'paid'
  await docket.retry('a')
  expect(await endOf(world, docket)).toBe('paid')
  expect(new Set(outside.keys).size).toBe(12)
  expect(outside.booked.size).toBe(4)
})

test('an execution that is compensating when its docket closes is undone by another one, which does not undo twice', async () => {
  const world = new World()
  const outside = new Outside()
  outside.undo = (what) => (what === 'hotel' ? world.clock.sleep(60_000) : undefined)
  const trips = outside.trips()
  const first = world.process({ graphs: [trips] })
  await first.start(trips, Bill, { Order: 'o1' }, { id: 'a' })
  await world.clock.advance(1_000)
  expect(outside.cancelled).toEqual(['seat', 'car'])
  expect((await (await first.get('a'))!.details()).status).toBe('compensating')
  await world.clock.settle(first.close())
  outside.undo = () => {}
  const second = world.process({ graphs: [trips] })
  expect(await endOf(world, second)).toMatchObject({ code: 'STEP_FAILED', step: 'Bill' })
  expect(outside.log.filter((line) => line === 'cancel car')).toHaveLength(1)
  expect(outside.cancelled).toEqual(backwards)
})

test('a fork leaves alone what the original did', async () => {
  const world = new World()
  const outside = new Outside()
  outside.bill = () => 'paid'
  const trips = outside.trips()
  const docket = world.process({ graphs: [trips] })
  await docket.start(trips, Bill, { Order: 'o1' }, { id: 'a' })
  expect(await endOf(world, docket)).toBe('paid')
  outside.bill = () => {
    throw new Error('no credit')
  }
  const { id } = await docket.fork('a', { from: 'BookSeat', id: 'b' })
  expect(await endOf(world, docket, id)).toMatchObject({ code: 'STEP_FAILED' })
  expect(outside.cancelled).toEqual(['seat'])
})

test.each([1, 2])(
  'a step of %i attempts whose process died in its function is undone as uncertain where another one fails before it begins again',
  async (maxAttempts) => {
    const world = new World()
    const log: unknown[] = []
    let isFirst = true
    const Go = dataType('Go', type<string>())
    // In the first life it never comes; in the next one it fails before the flight begins.
    const check = step({
      name: 'Check',
      inputs: { order: Order },
      output: Hotel,
      run: () => {
        if (isFirst) return new Promise<never>(() => {})
        throw new Error('sold out')
      },
    })
    const go = step({ name: 'Go', output: Go, run: () => (isFirst ? 'go' : new Promise<never>(() => {})) })
    const flight = step({
      name: 'BookFlight',
      inputs: { order: Order, go: Go },
      output: Flight,
      retry: { maxAttempts },
      run: () => {
        log.push('book')
        return new Promise<never>(() => {})
      },
      compensate: (output, { isUncertain, inputs }) => void log.push([output, isUncertain, inputs]),
    })
    const bill = step({ name: 'Bill', inputs: { flight: Flight, hotel: Hotel }, output: Bill, run: () => 'paid' })
    const trips = graph({ name: 'trips', steps: [check, go, flight, bill] })
    const { docket, die } = world.mortal({ graphs: [trips], lease: '2s' })
    await docket.start(trips, Bill, { Order: 'o1' }, { id: 'a' })
    await world.clock.advance(100)
    die()
    isFirst = false
    const next = world.process({ graphs: [trips], lease: '2s' })
    await world.clock.advance(5_000)
    expect(await endOf(world, next)).toMatchObject({ code: 'STEP_FAILED', step: 'Check' })
    expect(log).toEqual(['book', [undefined, true, { order: 'o1', go: 'go' }]])
    await next.close()
  },
)
