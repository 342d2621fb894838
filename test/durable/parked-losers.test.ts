import { expect, test } from 'vitest'
import { dataType, graph, race, step, timer, type } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Order = dataType('Order', type<string>())
const Booking = dataType('Booking', type<string>())
const Expiry = dataType('Expiry', type<string>())
const Outcome = dataType('Outcome', type<string>())
const Report = dataType('Report', type<string>())

test('an execution is parked after a takeover, though a step that has lost its race was to be tried again', async () => {
  const world = new World()
  const orders = graph({
    name: 'orders',
    steps: [
      step({
        name: 'Book',
        inputs: { order: Order },
        output: Booking,
        retry: { maxAttempts: 5, backoff: '10s' },
        run: () => Promise.reject(new Error('full')),
        compensate: () => undefined,
      }),
      timer({ name: 'Expire', output: Expiry, after: '1s', value: () => 'too late' }),
      race({ name: 'Either', inputs: { booking: Booking, expiry: Expiry }, output: Outcome }),
      timer({
        name: 'Wait',
        inputs: { outcome: Outcome },
        output: Report,
        after: '1h',
        value: ({ outcome }) => outcome,
      }),
    ],
  })
  const options = { graphs: [orders], park: '2s' } as const
  const first = world.mortal(options)
  await world.clock.settle(first.docket.start(orders, Report, { Order: 'o' }, { id: 'a' }))
  await world.clock.advance(2_000)
  first.die()
  const heir = world.process(options)
  await world.clock.advance(30_000)
  expect((await world.store.get(['a']))[0]).toMatchObject({ status: 'waiting', owner: undefined })
  await world.clock.advance(3_600_000)
  expect(await world.clock.settle((await world.clock.settle(heir.get('a')))!.result())).toBe('too late')
})
