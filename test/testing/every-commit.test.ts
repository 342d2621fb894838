import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { dataType, durableStep, graph, step, type } from '../../src/index.ts'
import { atEveryCommit } from '../../src/testing/index.ts'
import { Approval, expenses, Notice } from './expenses.ts'

const Traveller = dataType('Traveller', type<string>())
const Flight = dataType('Flight', type<string>())
const Hotel = dataType('Hotel', type<string>())
const Car = dataType('Car', type<string>())
const Tour = dataType('Tour', type<string>())
const Trip = dataType('Trip', type<string>())

test('a wait for an approval or a time ends alike wherever its process dies', async () => {
  const expired = await atEveryCommit({ graphs: [expenses] }, async (docket) => {
    const lunch = await docket.start(expenses, Notice, { Expense: { euros: 1 } }, { id: 'lunch' })
    return lunch.result()
  })
  expect(expired.commits).toContain('commit: execution waiting, execution parked')
  expect(expired.crashes).toBe(2 * expired.commits.length)

  const approved = await atEveryCommit({ graphs: [expenses] }, async (docket) => {
    const lunch = await docket.start(expenses, Notice, { Expense: { euros: 1 } }, { id: 'lunch' })
    await docket.advance('1d')
    const answer = await lunch.signal(Approval, { by: 'Ada' }, { id: 'approval' })
    return [answer, await lunch.result()]
  })
  expect(approved.commits.some((commit) => commit.startsWith('post: '))).toBe(true)
})

test('four bookings are undone in order wherever the process dies', async () => {
  const tried = await atEveryCommit({ graphs: [tripsOf([])] }, async (docket) => {
    const undone: string[] = []
    const trips = tripsOf(undone)
    await docket.restart({ graphs: [trips] })
    const trip = await docket.start(trips, Trip, { Traveller: 'Ada' }, { id: 'trip' })
    const error = await trip.result().catch((thrown: unknown) => String(thrown))
    // Once more where the process died between an undoing and its commit.
    return [error, undone.filter((name, n) => undone[n - 1] !== name)]
  })
  expect(tried.commits.filter((commit) => commit.includes('undoing')).length).toBeGreaterThanOrEqual(8)
})

test('a scenario that ends otherwise after a crash fails, and the commit and both ends are named', async () => {
  const notes = graph({
    name: 'notes',
    steps: [
      step({ name: 'Note', inputs: { who: Traveller }, output: Trip, persist: 'execution', run: ({ who }) => who }),
    ],
  })
  let runs = 0
  const tried = atEveryCommit({ graphs: [notes] }, async (docket) => {
    runs++
    await docket.execute(notes, Trip, { Traveller: 'Ada' }, { id: 'note' })
    return runs
  })
  await expect(tried).rejects.toThrow(
    /it ends otherwise where the process dies right before commit 1 of \d+ \(create: execution of notes\):\nwithout a crash: .*returned: 1.*\nwith it: .*returned: 2/s,
  )
})

test('an assertion that fails without a crash is thrown as it is', async () => {
  const tried = atEveryCommit({ graphs: [expenses] }, async (docket) => {
    const lunch = await docket.start(expenses, Notice, { Expense: { euros: 1 } }, { id: 'lunch' })
    expect(await lunch.result()).toBe('1 euros: approved by nobody')
  })
  await expect(tried).rejects.toThrow("expected '1 euros: expired' to be '1 euros: approved by nobody'")
})

test('the next process goes on though the dead one was at work on a call, and so does time', async () => {
  const booked = graph({
    name: 'booked',
    steps: [
      durableStep({
        name: 'Book',
        output: Trip,
        receives: [Traveller],
        run: async (_, ctx) => {
          const [who, flight] = await Promise.all([
            ctx.receive(Traveller),
            ctx.step('book', () => delay(5).then(() => 'a flight')),
          ])
          return `${flight} for ${who.value}`
        },
      }),
    ],
  })
  await atEveryCommit({ graphs: [booked] }, async (docket) => {
    const trip = await docket.start(booked, Trip, {}, { id: 'trip' })
    await trip.signal(Traveller, 'Ada', { id: 'ada' })
    expect(await trip.result()).toBe('a flight for Ada')
  })
})

test('a step that must not be tried again shows where a crash interrupts it', async () => {
  const once = graph({
    name: 'once',
    steps: [
      step({ name: 'Note', inputs: { who: Traveller }, output: Trip, persist: 'execution', run: ({ who }) => who }),
    ],
  })
  const tried = await atEveryCommit({ graphs: [once], limit: 1 }, (docket) =>
    docket.execute(once, Trip, { Traveller: 'Ada' }, { id: 'note' }),
  )
  expect(tried.crashes).toBe(2)
})

test('options, a limit and a scenario that are none are refused', async () => {
  await expect(atEveryCommit({ graphs: [expenses] }, 3 as never)).rejects.toThrow('the scenario must be a function')
  await expect(atEveryCommit(undefined as never, async () => {})).rejects.toThrow('options must be an object')
  for (const limit of [0, -1, Number.NaN, '1' as never])
    await expect(atEveryCommit({ graphs: [expenses], limit }, async () => {})).rejects.toThrow('limit must be')
  // One that awaits nothing, as where it starts something and lets go of it.
  const unheard = atEveryCommit({ graphs: [expenses] }, (() => 'at once') as never)
  expect(await unheard).toEqual({ commits: [], crashes: 0 })
})

function tripsOf(undone: string[]) {
  const book = <Name extends string>(name: Name) => ({ name, compensate: () => void undone.push(name) })
  return graph({
    name: 'trips',
    steps: [
      step({ ...book('BookFlight'), inputs: { who: Traveller }, output: Flight, run: () => 'flight' }),
      step({ ...book('BookHotel'), inputs: { flight: Flight }, output: Hotel, run: () => 'hotel' }),
      step({ ...book('RentCar'), inputs: { hotel: Hotel }, output: Car, run: () => 'car' }),
      step({ ...book('BookTour'), inputs: { car: Car }, output: Tour, run: () => 'tour' }),
      step({
        name: 'Pay',
        inputs: { tour: Tour },
        output: Trip,
        run: (): string => {
          throw new Error('the card is expired')
        },
      }),
    ],
  })
}
