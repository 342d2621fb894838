import { expect, test } from 'vitest'
import { dataType, event, eventType, graph, race, signal, step, timer, type } from '../../src/index.ts'
import type { Codec } from '../../src/core/contracts/codec.ts'
import { World } from './durable-time.ts'

const Approval = dataType('Approval', type<string>())
const Denial = dataType('Denial', type<string>())
const Packed = eventType('Packed', type<string>())
const First = dataType('First', type<string>())
const Pause = dataType('Pause', type<unknown>())
const Report = dataType('Report', type<string>())

const reports = graph({
  name: 'reports',
  steps: [
    signal(Approval),
    signal(Denial),
    event(Packed, { key: () => 'a' }),
    race({ name: 'First', inputs: { approval: Approval, denial: Denial, packed: Packed }, output: First }),
    timer({ name: 'Pause', output: Pause, after: '1h' }),
    step({ name: 'Report', inputs: { first: First, pause: Pause }, output: Report, run: ({ first }) => first }),
  ],
})

test('waits that lose their race as an execution goes on that was parked are over, for their senders as well, and nothing of them wakes it', async () => {
  const world = new World()
  const docket = world.process({ graphs: [reports], park: 0 })
  const handle = await world.clock.settle(docket.start(reports, Report, {}, { id: 'a' }))
  await world.clock.advance(5_000)
  expect(await world.clock.settle(handle.signal(Approval, 'yes'))).toBe('accepted')
  await world.clock.advance(5_000)
  const { steps } = await handle.details()
  expect(steps.find(({ step }) => step === 'Denial')).toMatchObject({ status: 'cancelled' })
  expect(steps.find(({ step }) => step === 'Packed')).toMatchObject({ status: 'cancelled' })
  expect(await world.clock.settle(handle.signal(Denial, 'no'))).toBe('late')
  await world.clock.advance(5_000)
  const before = world.events.length
  expect(await world.clock.settle(docket.emit(Packed, 'a', 'parcel'))).toBe('accepted')
  await world.clock.advance(10_000)
  expect(world.events.slice(before)).toEqual([])
  await world.clock.advance(3_600_000)
  expect(await world.clock.settle(handle.result())).toBe('yes')
  await docket.close()
})

test('a wait that loses its race while a codec is at work on the note that it waits is over on record, and its event wakes nobody', async () => {
  const world = new World()
  const { clock } = world
  const slow: Codec = {
    name: 'slow',
    encode: async (bytes, identity) => {
      if (identity.includes('Packed')) await clock.sleep(1_000)
      return bytes
    },
    decode: (bytes) => bytes,
  }
  const docket = world.process({ graphs: [reports], codecs: [slow], park: 10 })
  const handle = await clock.settle(docket.start(reports, Report, {}, { id: 'a', signals: { Approval: 'yes' } }))
  await clock.advance(5_000)
  const { steps } = await handle.details()
  expect(steps.find(({ step: name }) => name === 'Packed')).toMatchObject({ status: 'cancelled' })
  expect(await world.store.oldWaits(Number.MAX_SAFE_INTEGER, 10)).toEqual([])
  const before = world.events.length
  expect(await clock.settle(docket.emit(Packed, 'a', 'parcel'))).toBe('accepted')
  await clock.advance(10_000)
  expect(world.events.slice(before)).toEqual([])
  await clock.advance(3_600_000)
  expect(await clock.settle(handle.result())).toBe('yes')
  await docket.close()
})
