import { describe, expect, test } from 'vitest'
import { encryption } from '../../src/codecs/index.ts'
import { dataType, graph, race, step, type } from '../../src/index.ts'
import type { Docket, MigrateHook } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Order = dataType('Order', type<string>())
const Flight = dataType('Flight', type<string>())
const Hotel = dataType('Hotel', type<string>())
const Bill = dataType('Bill', type<string>())
const never = (): Promise<never> => new Promise(() => {})

/** Two bookings, each after the other, and a bill that fails; `names`: what the bookings are called, and were called before. */
class Trips {
  readonly log: string[] = []
  readonly keys = new Map<string, string>()
  undo: (what: string) => unknown = () => {}
  book: (what: string) => string | Promise<string> = (what) => what

  graph(names: { readonly flight: string; readonly hotel: string }, knows = false) {
    const booking = (what: string) => async (_: unknown, context: { stepIdempotencyKey: string; inputs: object }) => {
      expect(context.stepIdempotencyKey).toBe(this.keys.get(what))
      await this.undo(what)
      this.log.push(`cancel ${what} ${JSON.stringify(context.inputs)}`)
    }
    const book = (what: string, key: string): string | Promise<string> => {
      this.keys.set(what, key)
      this.log.push(`book ${what}`)
      return this.book(what)
    }
    const flight = step({
      name: names.flight,
      ...(knows && { formerly: 'BookFlight' }),
      inputs: { order: Order },
      output: Flight,
      run: (_, { idempotencyKey }) => book('flight', idempotencyKey),
      compensate: booking('flight'),
    })
    const hotel = step({
      name: names.hotel,
      ...(knows && { formerly: 'BookHotel' }),
      inputs: { flight: Flight },
      output: Hotel,
      run: (_, { idempotencyKey }) => book('hotel', idempotencyKey),
      compensate: booking('hotel'),
    })
    const bill = step({
      name: 'Bill',
      inputs: { hotel: Hotel },
      output: Bill,
      run: (): string => {
        throw new Error('no credit')
      },
    })
    return graph({ name: 'trips', steps: [flight, hotel, bill] })
  }
}

const old = { flight: 'BookFlight', hotel: 'BookHotel' }
const now = { flight: 'ReserveFlight', hotel: 'ReserveRoom' }
const codec = encryption({ keys: { k: new Uint8Array(32).fill(1) }, current: 'k', isRequired: true })

/** The same records under the present names of their steps. */
const rename: MigrateHook = (execution) => {
  const names: Readonly<Record<string, string>> = { BookFlight: now.flight, BookHotel: now.hotel }
  const steps = Object.entries(execution.steps).map(([name, record]) => [names[name] ?? name, record])
  return { ...execution, steps: Object.fromEntries(steps) as typeof execution.steps }
}

async function endOf(world: World, docket: Docket): Promise<unknown> {
  return world.clock.settle((await docket.get('a'))!.result().catch((error: unknown) => error))
}

describe.each(['formerly', 'migrate'] as const)('what was done under names that %s knows', (how) => {
  const options = how === 'migrate' ? { codecs: [codec], migrate: { trips: rename } } : { codecs: [codec] }
  const graphNow = (trips: Trips) => trips.graph(now, how === 'formerly')

  test('is undone with its inputs and its key, also over one more death', async () => {
    const world = new World()
    const trips = new Trips()
    trips.undo = never
    const before = trips.graph(old)
    const { docket, die } = world.mortal({ graphs: [before], codecs: [codec] })
    await docket.start(before, Bill, { Order: 'o1' }, { id: 'a' })
    await world.clock.advance(100)
    die()
    await world.clock.advance(60_000)
    const { docket: second, die: dieAgain } = world.mortal({ graphs: [graphNow(trips)], ...options })
    await world.clock.advance(60_000)
    expect((await (await second.get('a'))!.details()).status).toBe('compensating')
    dieAgain()
    trips.undo = () => {}
    const third = world.process({ graphs: [graphNow(trips)], ...options })
    await world.clock.advance(60_000)
    expect(await endOf(world, third)).toMatchObject({ code: 'STEP_FAILED', step: 'Bill' })
    expect(trips.log).toEqual([
      'book flight',
      'book hotel',
      'cancel hotel {"flight":"flight"}',
      'cancel flight {"order":"o1"}',
    ])
    const { steps } = await (await third.get('a'))!.details()
    expect(steps.map(({ step: name, undo }) => [name, undo?.status])).toEqual([
      ['ReserveFlight', 'undone'],
      ['ReserveRoom', 'undone'],
      ['Bill', undefined],
    ])
  })

  test('and may have been done by a process that died of it, is undone as uncertain', async () => {
    const world = new World()
    const trips = new Trips()
    trips.book = (what) => (what === 'hotel' ? never() : what)
    const before = trips.graph(old)
    const { docket, die } = world.mortal({ graphs: [before], codecs: [codec] })
    await docket.start(before, Bill, { Order: 'o1' }, { id: 'a' })
    await world.clock.advance(100)
    die()
    trips.book = () => {
      throw new Error('full')
    }
    await world.clock.advance(60_000)
    const second = world.process({ graphs: [graphNow(trips)], ...options })
    await world.clock.advance(60_000)
    expect(await endOf(world, second)).toMatchObject({ code: 'STEP_FAILED', step: 'ReserveRoom' })
    expect(trips.log.slice(-2)).toEqual(['cancel hotel {"flight":"flight"}', 'cancel flight {"order":"o1"}'])
  })
})

test.each(['the identity', 'one that renames the race'])(
  '%s as a migration keeps the winner of a race',
  async (which) => {
    const world = new World()
    const Fast = dataType('Fast', type<string>())
    const Slow = dataType('Slow', type<string>())
    const Winner = dataType('Winner', type<string>())
    const seen: unknown[] = []
    let isFirst = true
    const racing = (name: string, version: number) => {
      const fast = step({
        name: 'MakeFast',
        inputs: { order: Order },
        output: Fast,
        run: () => (isFirst ? 'fast' : never()),
      })
      const slow = step({
        name: 'MakeSlow',
        inputs: { order: Order },
        output: Slow,
        run: () => (isFirst ? never() : 'slow'),
      })
      const decide = race({
        name,
        inputs: { fast: Fast, slow: Slow },
        output: Winner,
        run: (first) => (isFirst ? never() : `${first.port}: ${first.value}`),
      })
      const bill = step({
        name: `Bill${version}`,
        inputs: { winner: Winner },
        output: Bill,
        run: ({ winner }) => winner,
      })
      return graph({ name: 'racing', steps: [fast, slow, decide, bill] })
    }
    const before = racing('Decide', 1)
    const { docket, die } = world.mortal({ graphs: [before], codecs: [codec] })
    await docket.start(before, Bill, { Order: 'o1' }, { id: 'a' })
    await world.clock.advance(100)
    die()
    isFirst = false
    const name = which === 'the identity' ? 'Decide' : 'Choose'
    const migrate: MigrateHook = (execution) => {
      const { Decide, ...rest } = execution.steps
      seen.push(Decide!.first)
      return { ...execution, steps: { ...rest, [name]: Decide! } }
    }
    const second = world.process({ graphs: [racing(name, 2)], codecs: [codec], migrate: { racing: migrate } })
    await world.clock.advance(60_000)
    expect(await endOf(world, second)).toBe('fast: fast')
    expect(seen).toEqual([{ port: 'fast', value: 'fast' }])
  },
)
