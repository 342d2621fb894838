import { expect, test } from 'vitest'
import { dataType, graph, step, type } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Room = dataType('Room', type<string>())
const Token = dataType('Token', type<() => string>())
const Payment = dataType('Payment', type<string>())

test('a step whose inputs could not be stored was never called, and is not undone by who goes on with the undoing', async () => {
  const world = new World()
  const { clock } = world
  const log: string[] = []
  const trips = graph({
    name: 'trips',
    steps: [
      step({
        name: 'Book',
        output: Room,
        run: () => 'room 1',
        compensate: async () => {
          log.push('cancelling')
          await clock.sleep(10_000)
          log.push('cancelled')
        },
      }),
      step({ name: 'Log in', inputs: { room: Room }, output: Token, run: () => () => 'a secret' }),
      step({
        name: 'Pay',
        inputs: { token: Token },
        output: Payment,
        run: () => (log.push('paid'), 'paid'),
        compensate: () => void log.push('paid back'),
      }),
    ],
  })
  const { docket, die } = world.mortal({ graphs: [trips], lease: '2s' })
  await clock.settle(docket.start(trips, Payment, {}, { id: 'a' }))
  await clock.advance(1_000)
  expect(log).toEqual(['cancelling'])
  die()
  const next = world.process({ graphs: [trips], lease: '2s' })
  await clock.advance(30_000)
  const handle = (await clock.settle(next.get('a')))!
  expect((await clock.settle(handle.details())).status).toBe('failed')
  expect(log).toContain('cancelled')
  expect(log).not.toContain('paid back')
})
