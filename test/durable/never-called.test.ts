import { expect, test } from 'vitest'
import { dataType, graph, step, type } from '../../src/index.ts'
import type { Codec } from '../../src/core/contracts/codec.ts'
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

test('a step whose inputs a codec was still at work on when its docket was closed was never called, and is not undone', async () => {
  const world = new World()
  const { clock } = world
  const log: string[] = []
  let logins = 0
  const trips = graph({
    name: 'trips',
    steps: [
      step({
        name: 'Log in',
        output: Room,
        run: () => {
          if (logins++ > 0) throw new Error('locked')
          return 'a token'
        },
      }),
      step({
        name: 'Pay',
        inputs: { token: Room },
        output: Payment,
        run: () => (log.push('paid'), 'paid'),
        compensate: () => void log.push('paid back'),
      }),
    ],
  })
  const slow: Codec = {
    name: 'slow',
    encode: async (bytes, identity) => {
      if (identity.includes('"inputs"') && identity.includes('Pay')) await clock.sleep(1_000)
      return bytes
    },
    decode: (bytes) => bytes,
  }
  const options = { graphs: [trips], codecs: [slow], lease: '2s' } as const
  const docket = world.process(options)
  await clock.settle(docket.start(trips, Payment, {}, { id: 'a' }))
  await clock.advance(100)
  await clock.settle(docket.close({ deadline: 0 }))
  const next = world.process(options)
  await clock.advance(30_000)
  const handle = (await clock.settle(next.get('a')))!
  expect((await clock.settle(handle.details())).status).toBe('failed')
  expect(log).toEqual([])
})
