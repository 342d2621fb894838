// A trip of three bookings: when a later one fails, the earlier ones are cancelled, the last one first.
import { dataType, execute, explain, graph, step, StepError } from 'docket'
import { z } from 'zod'

const Traveller = dataType('Traveller', z.object({ name: z.string() }))
const Flight = dataType('Flight', z.object({ id: z.string() }))
const Hotel = dataType('Hotel', z.object({ id: z.string() }))
const Trip = dataType('Trip', z.object({ flight: z.string(), hotel: z.string() }))

const airline = {
  book: async (name: string) => ({ id: `flight of ${name}` }),
  cancel: async (id: string) => console.log(`cancelled: ${id}`),
}
const hotels = {
  book: async (name: string, flight: string) => ({ id: `room of ${name}, after the ${flight}` }),
  cancel: async (id: string) => console.log(`cancelled: ${id}`),
  findByKey: async (key: string): Promise<string | undefined> => (key === '' ? 'a room' : undefined),
}

// #region undoing
const bookFlight = step({
  name: 'BookFlight',
  inputs: { traveller: Traveller },
  output: Flight,
  run: ({ traveller }) => airline.book(traveller.name),
  compensate: async (flight) => {
    if (flight !== undefined) await airline.cancel(flight.id)
  },
})
const bookHotel = step({
  name: 'BookHotel',
  inputs: { traveller: Traveller, flight: Flight },
  output: Hotel,
  timeout: '30s',
  run: ({ traveller, flight }) => hotels.book(traveller.name, flight.id),
  compensate: {
    // An attempt that timed out may have booked a room that nobody heard of.
    run: async (hotel, { stepIdempotencyKey }) => {
      const id = hotel?.id ?? (await hotels.findByKey(stepIdempotencyKey))
      if (id !== undefined) await hotels.cancel(id)
    },
    retry: { maxAttempts: 10, backoff: '1s' },
  },
})
// #endregion
const pay = step({
  name: 'Pay',
  inputs: { flight: Flight, hotel: Hotel },
  output: Trip,
  run: ({ flight, hotel }) => {
    if (flight.id.includes('Ada')) throw new Error('the card is expired')
    return { flight: flight.id, hotel: hotel.id }
  },
})
const trips = graph({ name: 'trips', steps: [bookFlight, bookHotel, pay] })

console.log(String(explain(trips, Trip, { Traveller: { name: 'Ada' } })))
console.log(await execute(trips, Trip, { Traveller: { name: 'Bob' } }))
// #region catching
try {
  await execute(trips, Trip, { Traveller: { name: 'Ada' } })
} catch (error) {
  // All is undone by now. What could not be undone stands beside the error.
  if (error instanceof StepError) console.log(error.message, error.undoErrors ?? 'and nothing of it is left')
}
// #endregion
