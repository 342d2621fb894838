import { dataType, graph, step, type } from '../../../src/index.ts'
import type { CompensateContext } from '../../../src/core/language/compensation.ts'

const Order = dataType('Order', type<string>())
const Flight = dataType('Flight', type<string>())
const Hotel = dataType('Hotel', type<string>())
const Car = dataType('Car', type<string>())
export const Trip = dataType('Trip', type<string>())

/** Four steps, each after the other, that book and cancel; the last one is what the test makes of it. */
export function tripOf(
  log: string[],
  trip: (car: string, signal: AbortSignal) => string | Promise<string>,
  undo: (what: string, context: CompensateContext) => unknown = () => {},
) {
  const booking =
    <Inputs>(what: string) =>
    async (output: string | undefined, context: CompensateContext<Inputs>): Promise<void> => {
      await undo(what, context)
      log.push(`cancel ${what}: ${output}`)
    }
  const book = (what: string, after: string): string => {
    log.push(`book ${what}`)
    return `${what} of ${after}`
  }
  const bookFlight = step({
    name: 'BookFlight',
    inputs: { order: Order },
    output: Flight,
    run: ({ order }) => book('flight', order),
    compensate: booking('flight'),
  })
  const bookHotel = step({
    name: 'BookHotel',
    inputs: { flight: Flight },
    output: Hotel,
    run: ({ flight }) => book('hotel', flight),
    compensate: booking('hotel'),
  })
  const bookCar = step({
    name: 'BookCar',
    inputs: { hotel: Hotel },
    output: Car,
    run: ({ hotel }) => book('car', hotel),
    compensate: booking('car'),
  })
  const finish = step({
    name: 'FinishTrip',
    inputs: { car: Car },
    output: Trip,
    run: ({ car }, { signal }) => trip(car, signal),
    compensate: booking('trip'),
  })
  return graph({ name: 'trips', steps: [bookFlight, bookHotel, bookCar, finish] })
}
