import { expect, test } from 'vitest'
import { dataType, durableStep, graph, signal, step, type } from '../../src/index.ts'
import type { Codec } from '../../src/core/contracts/codec.ts'
import { World } from './durable-time.ts'
import { Approval, minute, recordOf } from './parked-orders.ts'

const Rest = dataType('Rest', type<string>())
const Trip = dataType('Trip', type<string>())

const trips = graph({
  name: 'trips',
  steps: [
    durableStep({
      name: 'Sleep',
      inputs: {},
      output: Rest,
      run: async (_, ctx) => {
        await ctx.sleep('1h')
        return 'rested'
      },
    }),
    signal(Approval),
    step({
      name: 'Leave',
      inputs: { rest: Rest, approval: Approval },
      output: Trip,
      run: ({ rest, approval }) => `${rest}, for ${approval.by}`,
    }),
  ],
})

/** Takes a second to encode what a function begins with, and so what its first verb came to. */
function slowIn({ clock }: World): Codec {
  return {
    name: 'slow',
    encode: async (bytes, identity) => {
      if (identity.includes('$begin'))
        await new Promise<void>((resolve) => void clock.setTimeout(() => resolve(), 1_000))
      return bytes
    },
    decode: (bytes) => bytes,
  }
}

test('a sleep that a codec is still at work on is on record before its execution is parked: a wake does not start it over', async () => {
  const world = new World()
  const { clock } = world
  const options = { graphs: [trips], codecs: [slowIn(world)], park: 10 }
  const handle = await clock.settle(world.process(options).start(trips, Trip, {}, { id: 'a' }))
  await clock.advance(10 * minute)
  expect(await recordOf(world)).toMatchObject({ status: 'waiting', owner: undefined })
  expect(await clock.settle(handle.signal(Approval, { by: 'Ada' }))).toBe('accepted')
  await clock.advance(50 * minute)
  expect(await recordOf(world)).toMatchObject({ status: 'completed' })
})

test('what is to be parked at once looks now and then whether a codec is done, not without a pause', async () => {
  const world = new World()
  const { clock } = world
  let timers = 0
  const counted = {
    now: () => clock.now(),
    elapsed: () => clock.elapsed(),
    setTimeout: (handler: () => void, ms: number) => {
      timers++
      return clock.setTimeout(handler, ms)
    },
    clearTimeout: (handle: number) => clock.clearTimeout(handle),
  }
  const options = { graphs: [trips], codecs: [slowIn(world)], park: 0, clock: counted }
  await clock.settle(world.process(options).start(trips, Trip, {}, { id: 'a' }))
  await clock.advance(900)
  expect(timers).toBeLessThan(100)
  await clock.advance(10_000)
  expect(await recordOf(world)).toMatchObject({ status: 'waiting', owner: undefined })
})

test('a sleep that a codec is still at work on goes along where its docket is closed', async () => {
  const world = new World()
  const { clock } = world
  const options = { graphs: [trips], codecs: [slowIn(world)] }
  const docket = world.process(options)
  await clock.settle(docket.start(trips, Trip, {}, { id: 'a' }))
  await clock.advance(500)
  const closed = docket.close()
  await clock.advance(10 * minute)
  await clock.settle(closed)
  const next = world.process(options)
  const handle = (await clock.settle(next.get('a')))!
  expect(await clock.settle(handle.signal(Approval, { by: 'Ada' }))).toBe('accepted')
  await clock.advance(50 * minute)
  expect(await recordOf(world)).toMatchObject({ status: 'completed' })
})
