import { expect, test } from 'vitest'
import { dataType, graph, step, subgraph, type } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Seed = dataType('Seed', type<number>())
const Room = dataType('Room', type<string>())
const Seat = dataType('Seat', type<string>())
const Bag = dataType('Bag', type<string>())
const Trip = dataType('Trip', type<string>())

test('what a dead process was undoing is undone though the parent that waits for it has the only slot', async () => {
  const world = new World()
  const seen: string[] = []
  let dead: string | undefined
  const steps = (process: string) =>
    graph({
      name: 'hotel',
      steps: [
        step({
          name: 'Book',
          inputs: { seed: Seed },
          output: Room,
          run: () => {
            seen.push(`booked by ${process}`)
            return 'a room'
          },
          compensate: async () => {
            await world.clock.sleep(5_000)
            // A dead process does nothing.
            if (process === dead) await new Promise(() => {})
            seen.push(`undone by ${process}`)
          },
        }),
        step({
          name: 'Seat',
          inputs: { room: Room },
          output: Seat,
          run: (_, { signal }) => world.clock.sleep(600_000, signal).then(() => 'a seat'),
        }),
      ],
    })
  const of = (process: string) => {
    const hotel = steps(process)
    const trip = graph({
      name: 'trip',
      steps: [
        subgraph(hotel, Seat),
        // Has the slot while its child begins.
        step({
          name: 'Pack',
          inputs: { seed: Seed },
          output: Bag,
          run: () => world.clock.sleep(500).then(() => 'a bag'),
        }),
        step({ name: 'Go', inputs: { seat: Seat, bag: Bag }, output: Trip, run: () => 'a trip' }),
      ],
    })
    return { trip, graphs: [trip, hotel] }
  }
  const { trip, graphs } = of('the parent’s')
  const queues = { default: { concurrency: 5 } }
  const parents = world.process({ graphs, queues, work: { default: 1 }, lease: '2s' })
  const childs = world.mortal({ graphs: of('the child’s').graphs, queues, work: { default: 5 }, lease: '2s' })
  const handle = await world.clock.settle(parents.start(trip, Trip, { Seed: 1 }, { id: 'trip' }))
  await world.clock.advance(1_000)
  expect(seen).toEqual(['booked by the child’s'])
  const cancelled = handle.cancel('enough')
  await world.clock.advance(1_000)
  childs.die()
  dead = 'the child’s'
  await world.clock.advance(15_000)
  await cancelled
  expect(seen).toEqual(['booked by the child’s', 'undone by the parent’s'])
  const records = await world.store.get(['trip', 'trip/hotel'])
  expect(records.map((one) => one?.status)).toEqual(['cancelled', 'cancelled'])
})
