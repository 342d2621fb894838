/** What both processes know: three bookings, how each is undone, and the file with the executions. */
import { setTimeout as delay } from 'node:timers/promises'
import { createDocket, dataType, graph, step } from 'docket'
import type { Docket } from 'docket'
import { sqliteStore } from 'docket/stores/sqlite'
import { z } from 'zod'

const Traveller = dataType('Traveller', z.string())
const Flight = dataType('Flight', z.string())
const Hotel = dataType('Hotel', z.string())
const Car = dataType('Car', z.string())
const Trip = dataType('Trip', z.string())

const say = (text: string): void => console.log(`  process ${process.argv[3]}: ${text}`)

const bookFlight = step({
  name: 'BookFlight',
  inputs: { traveller: Traveller },
  output: Flight,
  run: ({ traveller }) => `flight of ${traveller}`,
  compensate: (flight) => say(`${flight} cancelled`),
})
const bookHotel = step({
  name: 'BookHotel',
  inputs: { traveller: Traveller, flight: Flight },
  output: Hotel,
  run: ({ traveller }) => `room of ${traveller}`,
  compensate: async (hotel, { signal, attempt }) => {
    say(`cancelling the ${hotel}`)
    if (attempt === 1) await delay(60_000, undefined, { signal }) // long enough to be killed meanwhile
    say(`${hotel} cancelled`)
  },
})
const rentCar = step({
  name: 'RentCar',
  inputs: { traveller: Traveller, hotel: Hotel },
  output: Car,
  run: ({ traveller }) => `car of ${traveller}`,
  compensate: (car) => say(`${car} cancelled`),
})
const pay = step({
  name: 'Pay',
  inputs: { flight: Flight, hotel: Hotel, car: Car },
  output: Trip,
  run: () => {
    throw new Error('the card is expired')
  },
})
const trips = graph({ name: 'trips', steps: [bookFlight, bookHotel, rentCar, pay] })

export function openTrips(file: string, options: { takeOver?: boolean } = {}): Docket {
  return createDocket({ graphs: [trips], store: sqliteStore(file), lease: '4s', ...options })
}

/** Books a trip, or goes on with it. */
export function bookTrip(docket: Docket, traveller: string): Promise<string> {
  return docket.execute(trips, Trip, { Traveller: traveller }, { id: `trip of ${traveller}` })
}
