import { expect } from 'vitest'
import { dataType, graph, step, type } from '../../src/index.ts'
import type { Docket } from '../../src/index.ts'
import type { World } from './durable-time.ts'

export const Order = dataType('Order', type<string>())
export const Flight = dataType('Flight', type<string>())
export const Hotel = dataType('Hotel', type<string>())
const Car = dataType('Car', type<string>())
const Seat = dataType('Seat', type<string>())
export const Bill = dataType('Bill', type<string>())

/** The world outside: what is booked under which key, and all that happened there in order. */
export class Outside {
  readonly booked = new Map<string, string>()
  readonly log: string[] = []
  readonly keys: string[] = []
  readonly cancelled: string[] = []
  /** What the bill is charged with. */
  bill: () => string | Promise<string> = () => {
    throw new Error('no credit')
  }
  undo: (what: string, attempt: number) => unknown = () => {}

  /** Four bookings, each after the other, and a bill that the last step sends. */
  trips() {
    const book = (what: string, from: string, key: string): string => {
      this.booked.set(key, what)
      this.log.push(`book ${what}`)
      this.keys.push(key)
      return `${what} after ${from}`
    }
    const cancel = async (what: string, key: string, attempt: number): Promise<void> => {
      await this.undo(what, attempt)
      this.booked.delete(key)
      this.log.push(`cancel ${what}`)
      if (!this.cancelled.includes(what)) this.cancelled.push(what)
    }
    const flight = step({
      name: 'BookFlight',
      inputs: { order: Order },
      output: Flight,
      run: ({ order }, { idempotencyKey }) => book('flight', order, idempotencyKey),
      compensate: {
        run: (output, { stepIdempotencyKey, inputs, attempt }) => {
          expect(output ?? 'flight after o1').toBe('flight after o1')
          expect(inputs).toEqual({ order: 'o1' })
          return cancel('flight', stepIdempotencyKey, attempt)
        },
        retry: { maxAttempts: 3, backoff: '1s' },
      },
    })
    const hotel = step({
      name: 'BookHotel',
      inputs: { flight: Flight },
      output: Hotel,
      run: ({ flight }, { idempotencyKey }) => book('hotel', flight, idempotencyKey),
      compensate: (_, { stepIdempotencyKey, inputs, attempt }) => {
        expect(inputs).toEqual({ flight: 'flight after o1' })
        return cancel('hotel', stepIdempotencyKey, attempt)
      },
    })
    const car = step({
      name: 'BookCar',
      inputs: { hotel: Hotel },
      output: Car,
      run: ({ hotel }, { idempotencyKey }) => book('car', hotel, idempotencyKey),
      compensate: (_, { stepIdempotencyKey, attempt }) => cancel('car', stepIdempotencyKey, attempt),
    })
    const seat = step({
      name: 'BookSeat',
      inputs: { car: Car },
      output: Seat,
      run: ({ car }, { idempotencyKey }) => book('seat', car, idempotencyKey),
      compensate: (_, { stepIdempotencyKey, attempt }) => cancel('seat', stepIdempotencyKey, attempt),
    })
    const bill = step({ name: 'Bill', inputs: { seat: Seat }, output: Bill, run: () => this.bill() })
    return graph({ name: 'trips', steps: [flight, hotel, car, seat, bill] })
  }
}

export const backwards = ['seat', 'car', 'hotel', 'flight']

export async function endOf(world: World, docket: Docket, id = 'a'): Promise<unknown> {
  return world.clock.settle((await docket.get(id))!.result().catch((error: unknown) => error))
}
