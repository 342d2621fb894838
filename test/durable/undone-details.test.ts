import { expect, test } from 'vitest'
import { dataType, graph, race, signal, step, timer, type } from '../../src/index.ts'
import { World } from './durable-time.ts'
import { Bill, Order, Outside } from './trips.ts'

const Seat = dataType('Seat', type<string>())
const Approval = dataType('Approval', type<string>())
const Expiry = dataType('Expiry', type<{ dueAt: Date }>())
const Decision = dataType('Decision', type<string>())

test('details of another process show, of an execution whose process died while it was undone, what completed, what failed and when what was undone', async () => {
  const world = new World()
  const outside = new Outside()
  outside.undo = (what) => (what === 'hotel' ? new Promise(() => {}) : undefined)
  const trips = outside.trips()
  const { docket, die } = world.mortal({ graphs: [trips] })
  const at = world.clock.now()
  await world.clock.settle(docket.start(trips, Bill, { Order: 'o1' }, { id: 'a' }))
  await world.clock.advance(1_000)
  const watcher = world.process({ graphs: [trips], takeOver: false })
  for (const isDead of [false, true]) {
    if (isDead) die()
    const { status, steps } = await world.clock.settle((await watcher.get('a'))!.details())
    expect(status).toBe('compensating')
    expect(steps.map((one) => [one.step, one.status, one.undo?.status])).toEqual([
      ['BookFlight', 'completed', undefined],
      ['BookHotel', 'completed', 'running'],
      ['BookCar', 'completed', 'undone'],
      ['BookSeat', 'completed', 'undone'],
      ['Bill', 'failed', undefined],
    ])
    const { startedAt, endedAt, dueAt } = steps[2]!.undo!
    expect([startedAt, endedAt, dueAt]).toEqual([new Date(at), new Date(at), undefined])
  }
})

test('a parked execution that was cancelled waits for nothing while it is undone', async () => {
  const world = new World()
  const book = step({
    name: 'Book',
    inputs: { order: Order },
    output: Seat,
    run: () => 'seat',
    compensate: () => world.clock.sleep(60_000),
  })
  const declared = graph({
    name: 'bookings',
    steps: [
      book,
      signal(Approval, { inputs: { seat: Seat } }),
      timer({ name: 'Expire', inputs: { seat: Seat }, output: Expiry, after: '1h' }),
      race({ name: 'Decide', inputs: { approval: Approval, expiry: Expiry }, output: Decision, run: () => 'decided' }),
    ],
  })
  const docket = world.process({ graphs: [declared] })
  await world.clock.settle(docket.start(declared, Decision, { Order: 'o1' }, { id: 'a' }))
  await world.clock.advance(11_000)
  expect((await world.store.get(['a']))[0]?.parkedAt).toBeDefined()
  await world.clock.settle(docket.close())
  for (const graphs of [[declared], []]) {
    const watcher = world.process({ graphs, takeOver: false })
    await world.clock.settle(watcher.cancel('a'))
    const { status, steps, situation } = await world.clock.settle((await watcher.get('a'))!.details())
    expect(status).toBe('compensating')
    expect(situation).not.toContain('waits for')
    const waits = steps.filter(({ step: name }) => name === 'Approval' || name === 'Expire')
    expect(waits).toMatchObject([
      { status: 'cancelled', waitsFor: undefined },
      { status: 'cancelled', waitsFor: undefined },
    ])
  }
})

test('a step that failed is shown with its error, though an uncertain attempt of it was undone, and is tried anew', async () => {
  const world = new World()
  const undone: string[] = []
  let begun = 0
  let isBroken = true
  const book = step({
    name: 'Book',
    inputs: { order: Order },
    output: Seat,
    persist: 'execution',
    retry: { maxAttempts: 2 },
    fallback: 'no seat',
    compensate: (_, { isUncertain }) => void undone.push(isUncertain ? 'uncertain' : 'certain'),
    run: async () => {
      begun++
      if (begun === 1) await new Promise(() => {})
      if (isBroken) throw new Error('no seat is free')
      return 'seat'
    },
  })
  const confirm = step({
    name: 'Confirm',
    inputs: { seat: Seat },
    output: Decision,
    persist: 'execution',
    run: ({ seat }) => {
      if (isBroken) throw new Error('nobody answers')
      return `confirmed ${seat}`
    },
  })
  const bookings = graph({ name: 'bookings', steps: [book, confirm] })
  const { docket: first, die } = world.mortal({ graphs: [bookings] })
  await world.clock.settle(first.start(bookings, Decision, { Order: 'o1' }, { id: 'a' }))
  await world.clock.advance(10)
  die()
  await world.clock.advance(60_000)
  await using docket = world.process({ graphs: [bookings] })
  const handle = (await docket.get('a'))!
  await expect(world.clock.settle(handle.result())).rejects.toThrow('nobody answers')
  const { steps } = await world.clock.settle(handle.details())
  expect(undone).toEqual(['uncertain'])
  expect(steps[0]).toMatchObject({
    step: 'Book',
    status: 'failed',
    attempt: 2,
    error: { message: 'no seat is free' },
    undo: { status: 'undone', isUncertain: true },
  })
  expect(steps[0]!.attempts.map(({ attempt }) => attempt)).toEqual([1, 2])
  isBroken = false
  expect(await world.clock.settle((await docket.retry('a')).result())).toBe('confirmed seat')
  expect(begun).toBe(3)
})
