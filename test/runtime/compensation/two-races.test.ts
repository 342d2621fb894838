import { expect, test } from 'vitest'
import { dataType, execute, graph, optional, race, step, type } from '../../../src/index.ts'
import { VirtualTime } from '../virtual-time.ts'

const Order = dataType('Order', type<string>())
const Fast = dataType('Fast', type<string>())
const Hold = dataType('Hold', type<string>())
const Seat = dataType('Seat', type<string>())
const Meal = dataType('Meal', type<string>())
const Place = dataType('Place', type<string>())
const Food = dataType('Food', type<string>())
const Trip = dataType('Trip', type<string>())

test.each(['seat', 'meal'])(
  'what the losers of two races that are decided at once did is undone in the order of the whole: a hold after the %s that was made of it',
  async (slow) => {
    const clock = new VirtualTime()
    const log: string[] = []
    const declared = graph({
      name: 'trips',
      steps: [
        step({
          name: 'AskFast',
          inputs: { order: Order },
          output: Fast,
          run: async () => (await clock.sleep(100), 'fast'),
        }),
        step({
          name: 'HoldAll',
          inputs: { order: Order },
          output: Hold,
          run: () => 'hold',
          compensate: () => void log.push('release the hold'),
        }),
        ...[
          { name: 'BookSeat', output: Seat, what: 'seat' },
          { name: 'BookMeal', output: Meal, what: 'meal' },
        ].map(({ name, output, what }) =>
          step({
            name,
            inputs: { hold: Hold },
            output,
            run: async () => (await clock.sleep(what === slow ? 500 : 10_000), what),
            compensate: { run: () => void log.push(`cancel the ${what}`), wait: '1s' },
          }),
        ),
        race({ name: 'ChoosePlace', inputs: { fast: Fast, seat: Seat }, output: Place }),
        race({ name: 'ChooseFood', inputs: { fast: Fast, meal: Meal }, output: Food }),
        step({
          name: 'Go',
          inputs: { place: Place, food: optional(Food) },
          output: Trip,
          run: async () => (await clock.sleep(5_000), 'gone'),
        }),
      ],
    } as never)
    const trip = execute(declared as never, Trip as never, { Order: 'o' } as never, { clock })
    expect(await clock.settle(trip)).toBe('gone')
    await clock.advance(20_000)
    expect(log.at(-1)).toBe('release the hold')
    expect(log.toSorted()).toEqual(['cancel the meal', 'cancel the seat', 'release the hold'])
  },
)
