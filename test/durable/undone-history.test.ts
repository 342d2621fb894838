import { expect, test } from 'vitest'
import { encryption } from '../../src/codecs/index.ts'
import { dataType, graph, step, type } from '../../src/index.ts'
import type { ExecutionHandle, StepInfo } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Order = dataType('Order', type<string>())
const Flight = dataType('Flight', type<string>())
const Hotel = dataType('Hotel', type<string>())
const Bill = dataType('Bill', type<string>())
const codecs = [encryption({ keys: { k: new Uint8Array(32).fill(1) }, current: 'k', isRequired: true })]

/** A flight that is booked at the second attempt, a hotel at the first, a bill that fails; each takes 100 ms, and so does each undoing, but for that of `stuck`. */
function trips(world: World, persist: 'execution' | undefined, stuck?: 'flight', flightName = 'BookFlight') {
  const undoing = (what: string) => async (): Promise<void> => {
    await (what === stuck ? new Promise(() => {}) : world.clock.sleep(100))
  }
  const kept = { ...(persist !== undefined && { persist }) }
  const flight = step({
    name: flightName,
    ...(flightName !== 'BookFlight' && { formerly: 'BookFlight' }),
    inputs: { order: Order },
    output: Flight,
    ...kept,
    retry: { maxAttempts: 2, backoff: () => 50 },
    run: async (_, { attempt }) => {
      await world.clock.sleep(100)
      if (attempt === 1) throw new Error('no answer')
      return 'flight'
    },
    compensate: undoing('flight'),
  })
  const hotel = step({
    name: 'BookHotel',
    inputs: { flight: Flight },
    output: Hotel,
    ...kept,
    run: async () => {
      await world.clock.sleep(100)
      return 'hotel'
    },
    compensate: undoing('hotel'),
  })
  const bill = step({
    name: 'Bill',
    inputs: { hotel: Hotel },
    output: Bill,
    ...kept,
    run: async (): Promise<string> => {
      await world.clock.sleep(100)
      throw new Error('no credit')
    },
  })
  return graph({ name: 'trips', steps: [flight, hotel, bill] })
}

/** The history of each step, in milliseconds since `at`. */
async function historyOf(world: World, handle: ExecutionHandle<unknown>, at: number) {
  const since = (date: Date | undefined): number | undefined => date && date.getTime() - at
  const { steps } = await world.clock.settle(handle.details())
  return steps.map(({ attempt, attempts, startedAt, endedAt, status, undo }: StepInfo) => ({
    status,
    attempt,
    times: [since(startedAt), since(endedAt)],
    attempts: attempts.map((one) => [
      one.attempt,
      since(one.startedAt),
      since(one.endedAt),
      one.error instanceof Error ? one.error.message : one.error,
    ]),
    undone: undo && [undo.status, since(undo.startedAt), since(undo.endedAt)],
  }))
}

const ofFlight = {
  status: 'completed',
  attempt: 2,
  times: [0, 250],
  attempts: [
    [1, 0, 100, 'no answer'],
    [2, 150, 250, undefined],
  ],
}
const ofHotel = { status: 'completed', attempt: 1, times: [250, 350], attempts: [[1, 250, 350, undefined]] }

test.each([undefined, 'execution'] as const)(
  'details show when each step ran that was undone, its attempts, and when it was undone (persist: %s)',
  async (persist) => {
    const world = new World()
    const declared = trips(world, persist)
    const docket = world.process({ graphs: [declared], codecs })
    const at = world.clock.now()
    const started = await world.clock.settle(docket.start(declared, Bill, { Order: 'o' }, { id: 'a' }))
    await expect(world.clock.settle(started.result())).rejects.toThrow('no credit')
    const watcher = world.process({ graphs: [declared], codecs, takeOver: false })
    const [flight, hotel] = await historyOf(world, (await watcher.get('a'))!, at)
    expect(flight).toEqual({ ...ofFlight, undone: ['undone', 550, 650] })
    expect(hotel).toEqual({ ...ofHotel, undone: ['undone', 450, 550] })
    const stranger = world.process({ graphs: [], codecs, takeOver: false })
    const known = await historyOf(world, (await stranger.get('a'))!, at)
    expect(known).toContainEqual({ ...ofFlight, undone: ['undone', 550, 650] })
  },
)

test('a step that is not persisted has no attempts on record once its execution has ended: none is shown, but for that which the execution failed with', async () => {
  const world = new World()
  const Simple = dataType('Simple', type<string>())
  const Doubled = dataType('Doubled', type<string>())
  const Ended = dataType('Ended', type<string>())
  const simple = step({ name: 'Simple', inputs: { order: Order }, output: Simple, run: () => 'a' })
  const doubled = step({ name: 'Double', inputs: { simple: Simple }, output: Doubled, run: () => 'aa' })
  const end = step({
    name: 'End',
    inputs: { doubled: Doubled },
    output: Ended,
    retry: { maxAttempts: 2, backoff: () => 0 },
    run: (): string => {
      throw new Error('no end')
    },
  })
  const plain = graph({ name: 'plain', steps: [simple, doubled, end] })
  const docket = world.process({ graphs: [plain] })
  const handle = await world.clock.settle(docket.start(plain, Ended, { Order: 'o' }, { id: 'a' }))
  await expect(world.clock.settle(handle.result())).rejects.toThrow('no end')
  const { steps } = await world.clock.settle(handle.details())
  expect(steps.map((one) => [one.step, one.status, one.attempt])).toEqual([
    ['Simple', 'completed', undefined],
    ['Double', 'completed', undefined],
    ['End', 'failed', 2],
  ])
})

test.each(['BookFlight', 'ReserveFlight'])(
  'the history stays where the process dies while it is undone, and another one goes on (the first step is called %s there)',
  async (name) => {
    const world = new World()
    const declared = trips(world, 'execution', 'flight')
    const { docket: mortal, die } = world.mortal({ graphs: [declared], codecs })
    const at = world.clock.now()
    await world.clock.settle(mortal.start(declared, Bill, { Order: 'o' }, { id: 'a' }))
    await world.clock.advance(1_000)
    die()
    await world.clock.advance(60_000)
    const docket = world.process({ graphs: [trips(world, 'execution', undefined, name)], codecs })
    const handle = (await docket.get('a'))!
    await expect(world.clock.settle(handle.result())).rejects.toThrow('no credit')
    const [flight, hotel] = await historyOf(world, handle, at)
    expect(flight).toMatchObject({ ...ofFlight, undone: ['undone', 550, expect.any(Number)] })
    expect(hotel).toEqual({ ...ofHotel, undone: ['undone', 450, 550] })
  },
)

test('what was undone under a former name has its history under the new one', async () => {
  const world = new World()
  const Done = dataType('Done', type<string>())
  let isBroken = true
  const booking = (name: string) => {
    const book = step({
      name,
      ...(name !== 'Book' && { formerly: 'Book' }),
      inputs: { order: Order },
      output: Flight,
      run: () => 'seat',
      compensate: () => {},
    })
    const first = step({
      name: 'First',
      inputs: { order: Order },
      output: Hotel,
      persist: 'execution',
      run: () => 'hotel',
      compensate: () => (isBroken ? new Promise(() => {}) : undefined),
    })
    const done = step({
      name: 'Done',
      inputs: { flight: Flight, hotel: Hotel },
      output: Done,
      run: (): string => {
        throw new Error('no credit')
      },
    })
    return graph({ name: 'bookings', steps: [first, book, done] })
  }
  const before = booking('Book')
  const { docket: mortal, die } = world.mortal({ graphs: [before], codecs })
  await world.clock.settle(mortal.start(before, Done, { Order: 'o' }, { id: 'a' }))
  await world.clock.advance(1_000)
  die()
  isBroken = false
  await world.clock.advance(60_000)
  const handle = (await world.process({ graphs: [booking('Reserve')], codecs }).get('a'))!
  await expect(world.clock.settle(handle.result())).rejects.toThrow('no credit')
  const { steps } = await world.clock.settle(handle.details())
  expect(steps.find((one) => one.step === 'Reserve')).toMatchObject({
    status: 'completed',
    attempt: 1,
    attempts: [{ attempt: 1 }],
    undo: { status: 'undone' },
  })
})

test('details show the history of what was undone of the items of a batch', async () => {
  const world = new World()
  const declared = trips(world, 'execution')
  const docket = world.process({ graphs: [declared], codecs })
  const at = world.clock.now()
  const batch = await world.clock.settle(
    docket.startBatch(declared, Bill, [{ Order: 'o' }], { id: 'b', onError: 'collect' }),
  )
  await world.clock.settle(batch.result())
  const watcher = world.process({ graphs: [declared], codecs, takeOver: false })
  const shown = await historyOf(world, (await watcher.get('b'))!, at)
  expect(shown).toContainEqual({ ...ofFlight, undone: ['undone', 550, 650] })
  expect(shown).toContainEqual({ ...ofHotel, undone: ['undone', 450, 550] })
})
