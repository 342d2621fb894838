import { createActor, toPromise, waitFor } from 'xstate'
import { expect, test } from 'vitest'
import { fromGraph } from '../../../src/index.ts'
import { VirtualTime } from '../virtual-time.ts'
import { Trip, tripOf } from './saga.ts'

const full = (): never => {
  throw new Error('full')
}

test('an actor is compensating while its steps are undone, and shows how far that is', async () => {
  const clock = new VirtualTime()
  const log: string[] = []
  const trips = tripOf(log, full, (what, { attempt }) => {
    if (what === 'hotel' && attempt === 1) throw new Error('closed')
    return clock.sleep(1_000)
  })
  const actor = createActor(fromGraph(trips, Trip), { clock, input: { Order: 'o1' } })
  const states: string[] = []
  actor.subscribe({
    next: ({ value, status, context }) => {
      const undos = Object.entries(context.undos ?? {}).map(([step, undo]) => `${step} ${undo.status}`)
      states.push(`${value} ${status} ${undos.join(', ')}`)
    },
    error: () => {},
  })
  actor.start()
  const failed = toPromise(actor).catch((error: unknown) => error)
  expect(await clock.settle(failed)).toMatchObject({ step: 'FinishTrip', undoErrors: [{ step: 'BookHotel' }] })
  expect(states.filter((state) => state.startsWith('compensating'))).toEqual([
    'compensating active ',
    'compensating active BookCar running',
    'compensating active BookCar undone',
    'compensating active BookHotel running, BookCar undone',
    'compensating active BookHotel failed, BookCar undone',
    'compensating active BookFlight running, BookHotel failed, BookCar undone',
    'compensating active BookFlight undone, BookHotel failed, BookCar undone',
  ])
  expect(actor.getSnapshot().context.undos).toMatchObject({
    BookFlight: { status: 'undone', isUncertain: false, attempt: 1 },
    BookHotel: { status: 'failed', error: new Error('closed') },
  })
})

test('an actor that is restored while it compensates goes on with what is not undone yet', async () => {
  const log: string[] = []
  const clock = new VirtualTime()
  const first = createActor(
    fromGraph(
      tripOf(log, full, (what) => (what === 'flight' ? clock.sleep(1e9) : undefined)),
      Trip,
    ),
    { clock, input: { Order: 'o1' } },
  )
  first.subscribe({ error: () => {} })
  first.start()
  await waitFor(first, ({ context }) => context.undos?.['BookHotel']?.status === 'undone')
  const snapshot = JSON.parse(JSON.stringify(first.getPersistedSnapshot())) as never
  log.length = 0
  const second = createActor(fromGraph(tripOf(log, full), Trip), { snapshot, input: { Order: 'o1' } })
  const outcome = toPromise(second).catch((error: unknown) => error)
  second.start()
  expect(await outcome).toMatchObject({ code: 'STEP_FAILED', step: 'FinishTrip' })
  expect(log).toEqual(['cancel flight: flight of o1'])
})

test('an actor that is restored and then fails undoes what an earlier process did, and what it may have done', async () => {
  const log: string[] = []
  const clock = new VirtualTime()
  const first = createActor(
    fromGraph(
      tripOf(log, () => clock.sleep(1e9).then(() => 'trip')),
      Trip,
    ),
    {
      clock,
      input: { Order: 'o1' },
    },
  )
  first.start()
  await clock.advance(10)
  const snapshot = JSON.parse(JSON.stringify(first.getPersistedSnapshot())) as never
  log.length = 0
  const second = createActor(fromGraph(tripOf(log, full), Trip), { snapshot, input: { Order: 'o1' } })
  const outcome = toPromise(second).catch((error: unknown) => error)
  second.start()
  await outcome
  expect(log).toEqual([
    'cancel trip: undefined',
    'cancel car: car of hotel of flight of o1',
    'cancel hotel: hotel of flight of o1',
    'cancel flight: flight of o1',
  ])
})

test('an actor that is stopped is undone all the same', async () => {
  const log: string[] = []
  const clock = new VirtualTime()
  const trips = tripOf(log, (_, signal) => clock.sleep(1e9, signal).then(() => 'trip'))
  const actor = createActor(fromGraph(trips, Trip), { clock, input: { Order: 'o1' } })
  actor.start()
  await clock.advance(10)
  actor.stop()
  await clock.advance(10_000)
  expect(actor.getSnapshot().status).toBe('stopped')
  expect(log.slice(3)).toHaveLength(4)
})

test('an actor that goes on from a snapshot is not undone when the one it was taken of is stopped', async () => {
  const log: string[] = []
  const clock = new VirtualTime()
  let isOpen = false
  const trips = tripOf(log, async (_, signal) => {
    if (!isOpen) await clock.sleep(1e9, signal)
    return 'trip'
  })
  const logic = fromGraph(trips, Trip)
  const first = createActor(logic, { clock, input: { Order: 'o1' } }).start()
  await clock.advance(10)
  const snapshot = JSON.parse(JSON.stringify(first.getPersistedSnapshot())) as never
  first.stop()
  await clock.advance(20_000)
  expect(first.getSnapshot().status).toBe('stopped')
  expect(log.filter((line) => line.startsWith('cancel'))).toEqual([])
  isOpen = true
  const second = createActor(logic, { clock, snapshot, input: { Order: 'o1' } })
  const outcome = toPromise(second)
  second.start()
  expect(await clock.settle(outcome)).toBe('trip')
})

test('an actor that is stopped while it compensates leaves the rest to the one that goes on from its snapshot', async () => {
  const log: string[] = []
  const clock = new VirtualTime()
  const trips = tripOf(log, full, (_, { signal }) => clock.sleep(1_000, signal))
  const first = createActor(fromGraph(trips, Trip), { clock, input: { Order: 'o1' } })
  first.subscribe({ error: () => {} })
  first.start()
  await clock.advance(1_500)
  const snapshot = JSON.parse(JSON.stringify(first.getPersistedSnapshot())) as never
  first.stop()
  const undone = log.length
  await clock.advance(20_000)
  expect(log).toHaveLength(undone)
  const second = createActor(fromGraph(trips, Trip), { clock, snapshot, input: { Order: 'o1' } })
  const outcome = toPromise(second).catch((error: unknown) => error)
  second.start()
  expect(await clock.settle(outcome)).toMatchObject({ code: 'STEP_FAILED', step: 'FinishTrip' })
  expect(second.getSnapshot().context.undos).toMatchObject({
    BookCar: { status: 'undone' },
    BookHotel: { status: 'undone' },
    BookFlight: { status: 'undone' },
  })
})
