import { expect, test } from 'vitest'
import { dataType, graph, step, type } from '../../src/index.ts'
import type { Docket } from '../../src/index.ts'
import { World } from './durable-time.ts'
import { backwards, Bill, endOf, Flight, Hotel, Order, Outside } from './trips.ts'

test.each([
  [undefined, 3],
  [2, 2],
])(
  'an undoing that kills its process ends as one that failed (maxAttempts %s), and keeps no other from being undone',
  async (maxAttempts, tries) => {
    const world = new World()
    const log: string[] = []
    let die: (() => void) | undefined
    const deadly = (): Promise<void> => {
      log.push('deadly')
      die?.()
      return new Promise(() => {})
    }
    const retry = maxAttempts === undefined ? {} : { retry: { maxAttempts } }
    const flight = step({
      name: 'BookFlight',
      inputs: { order: Order },
      output: Flight,
      run: () => 'flight',
      compensate: { run: deadly, ...retry },
    })
    const hotel = step({
      name: 'BookHotel',
      inputs: { order: Order },
      output: Hotel,
      run: () => 'hotel',
      compensate: { run: () => void log.push('cancel hotel'), ...retry },
    })
    const bill = step({
      name: 'Bill',
      inputs: { flight: Flight, hotel: Hotel },
      output: Bill,
      run: (): string => {
        throw new Error('no credit')
      },
    })
    const trips = graph({ name: 'trips', steps: [flight, hotel, bill] })
    const processOf = (): Docket => {
      const mortal = world.mortal({ graphs: [trips], lease: '2s', maxRecoveries: 1 })
      die = mortal.die
      return mortal.docket
    }
    await processOf().start(trips, Bill, { Order: 'o1' }, { id: 'a' })
    let last: Docket | undefined
    for (let life = 0; life < 5; life++) {
      await world.clock.advance(10_000)
      last = processOf()
    }
    await world.clock.advance(10_000)
    expect(await endOf(world, last!)).toMatchObject({
      code: 'STEP_FAILED',
      step: 'Bill',
      undoErrors: [{ code: 'COMPENSATION_FAILED', step: 'BookFlight', attempt: tries, cause: { code: 'LEASE_LOST' } }],
    })
    expect(log.filter((line) => line === 'deadly')).toHaveLength(tries)
    const { steps } = await (await last!.get('a'))!.details()
    expect(steps.map(({ undo }) => undo?.status)).toEqual(['failed', 'undone', undefined])
  },
)

test('an undoing that is handed over has used up no attempt', async () => {
  const world = new World()
  const outside = new Outside()
  const attempts: number[] = []
  let isOver = false
  outside.undo = (what, attempt) => {
    if (what !== 'seat') return undefined
    attempts.push(attempt)
    return isOver ? undefined : new Promise(() => {})
  }
  const trips = outside.trips()
  for (let life = 0; life < 5; life++) {
    const docket = world.process({ graphs: [trips] })
    if (life === 0) await docket.start(trips, Bill, { Order: 'o1' }, { id: 'a' })
    await world.clock.advance(10_000)
    await world.clock.settle(docket.close())
  }
  isOver = true
  const last = world.process({ graphs: [trips] })
  await world.clock.advance(10_000)
  const error = await endOf(world, last)
  expect(error).toMatchObject({ code: 'STEP_FAILED', step: 'Bill' })
  expect(error).not.toHaveProperty('undoErrors')
  expect(new Set(attempts)).toEqual(new Set([1]))
  expect(outside.cancelled).toEqual(backwards)
})

test('what is undone is shown as completed before; undo errors are kept, however large they are', async () => {
  const world = new World()
  const outside = new Outside()
  outside.undo = (what) => {
    if (what === 'hotel' || what === 'car') throw new Error(what.repeat(50_000))
  }
  const trips = outside.trips()
  const docket = world.process({ graphs: [trips], maxValueBytes: 8_000 })
  await docket.start(trips, Bill, { Order: 'o1' }, { id: 'a' })
  await endOf(world, docket)
  await world.clock.settle(docket.close())
  const reader = world.process({ graphs: [trips] })
  expect(await endOf(world, reader)).toMatchObject({
    code: 'STEP_FAILED',
    step: 'Bill',
    undoErrors: [
      { code: 'COMPENSATION_FAILED', step: 'BookCar' },
      { code: 'COMPENSATION_FAILED', step: 'BookHotel' },
    ],
  })
  const { steps } = await (await reader.get('a'))!.details()
  expect(steps.map(({ step: name, status, undo }) => [name, status, undo?.status])).toEqual([
    ['BookFlight', 'completed', 'undone'],
    ['BookHotel', 'completed', 'failed'],
    ['BookCar', 'completed', 'failed'],
    ['BookSeat', 'completed', 'undone'],
    ['Bill', 'failed', undefined],
  ])
})

test('a fork of an execution that is being undone does anew what the original undoes', async () => {
  const world = new World()
  const outside = new Outside()
  outside.undo = (what) => (what === 'seat' ? world.clock.sleep(60_000) : undefined)
  const trips = outside.trips()
  const docket = world.process({ graphs: [trips] })
  await docket.start(trips, Bill, { Order: 'o1' }, { id: 'a' })
  await world.clock.advance(1_000)
  outside.bill = () => 'paid'
  const { id } = await docket.fork('a', { from: 'Bill', id: 'b' })
  expect(await endOf(world, docket, id)).toBe('paid')
  expect(outside.log.filter((line) => line === 'book flight')).toHaveLength(2)
  expect(await endOf(world, docket)).toMatchObject({ code: 'STEP_FAILED' })
  expect([...outside.booked.values()].toSorted()).toEqual(['car', 'flight', 'hotel', 'seat'])
})

test('a retry runs again what was made of what was undone, under another key', async () => {
  const world = new World()
  const outside = new Outside()
  const Letter = dataType('Letter', type<string>())
  const Sent = dataType('Sent', type<string>())
  const letters: string[] = []
  let fails = true
  const trips = outside.trips()
  const write = step({
    name: 'Write',
    inputs: { flight: Flight },
    output: Letter,
    persist: 'execution',
    run: ({ flight }, { idempotencyKey }) => {
      letters.push(idempotencyKey)
      return `you have ${flight}`
    },
  })
  const send = step({
    name: 'Send',
    inputs: { letter: Letter },
    output: Sent,
    run: ({ letter }) => {
      if (fails) throw new Error('no stamps')
      return letter
    },
  })
  const sending = graph({ name: 'letters', steps: [trips.steps[0]!, write, send] })
  const docket = world.process({ graphs: [sending] })
  const handle = await docket.start(sending, Sent, { Order: 'o1' }, { id: 'a' })
  await world.clock.settle(handle.result().catch(() => {}))
  expect(outside.log).toEqual(['book flight', 'cancel flight'])
  fails = false
  await docket.retry('a')
  expect(await endOf(world, docket)).toBe('you have flight after o1')
  expect(outside.log).toEqual(['book flight', 'cancel flight', 'book flight'])
  expect([...outside.booked.values()]).toEqual(['flight'])
  expect(new Set(letters).size).toBe(2)
  await docket.close()
})
