import { expect, test } from 'vitest'
import { dataType, graph, race, step, timer, type } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Hold = dataType('Hold', type<string>())
const Quote = dataType('Quote', type<string>())
const Seat = dataType('Seat', type<string>())
const Upgrade = dataType('Upgrade', type<string>())
const Patience = dataType('Patience', type<unknown>())
const Extra = dataType('Extra', type<unknown>())
const Trip = dataType('Trip', type<string>())

test('what a value that is there was made of is not undone with the losers of a race, though what led from one to the other is on no record, and begins anew after a takeover', async () => {
  const world = new World()
  const { clock } = world
  const undone: string[] = []
  const trips = graph({
    name: 'trips',
    steps: [
      step({ name: 'Hold', output: Hold, run: () => 'hold', compensate: () => void undone.push('Hold') }),
      step({
        name: 'Quote',
        inputs: { hold: Hold },
        output: Quote,
        run: async ({ hold }) => (await clock.sleep(1_000), `quote of ${hold}`),
      }),
      step({
        name: 'Book',
        inputs: { quote: Quote },
        output: Seat,
        persist: 'execution',
        run: ({ quote }) => `seat by ${quote}`,
      }),
      step({
        name: 'Upgrade',
        inputs: { quote: Quote },
        output: Upgrade,
        run: async () => (await clock.sleep(60_000), 'upgrade'),
      }),
      timer({ name: 'Patience', output: Patience, after: '5s' }),
      race({ name: 'Extra', inputs: { upgrade: Upgrade, patience: Patience }, output: Extra }),
      step({ name: 'Travel', inputs: { seat: Seat, extra: Extra }, output: Trip, run: ({ seat }) => seat }),
    ],
  })
  const former = world.mortal({ graphs: [trips], lease: '2s' })
  await clock.settle(former.docket.start(trips, Trip, {}, { id: 'a' }))
  await clock.advance(4_500)
  former.die()
  const next = world.process({ graphs: [trips], lease: '2s' })
  await clock.advance(30_000)
  const handle = (await clock.settle(next.get('a')))!
  expect(await clock.settle(handle.result())).toBe('seat by quote of hold')
  expect(undone).toEqual([])
})
