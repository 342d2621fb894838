import { describe, expect, test } from 'vitest'
import { dataType, graph, signal, step, subgraph, type } from '../../src/index.ts'
import type { AnyGraph, Docket } from '../../src/index.ts'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import { rejectionOf } from '../loose-api.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'

const Seed = dataType('Seed', type<number>())
const Go = dataType('Go', type<string>())
const Trip = dataType('Trip', type<string>())
const Weather = dataType('Weather', type<string>())
const Done = dataType('Done', type<string>())

/** A parent whose child waits, and beside it a step that is not on record. */
function families(look: () => Promise<string>, timeout?: string) {
  const trip = graph({
    name: 'trip',
    steps: [
      signal(Go, { inputs: { seed: Seed } }),
      step({ name: 'Ride', inputs: { go: Go }, output: Trip, run: ({ go }) => go }),
    ],
  })
  return graph({
    name: 'parent',
    ...(timeout !== undefined && { timeout }),
    steps: [
      subgraph(trip, Trip, { name: 'Child' }),
      step({ name: 'Look', inputs: { seed: Seed }, output: Weather, run: look }),
      step({ name: 'End', inputs: { trip: Trip, weather: Weather }, output: Done, run: ({ trip }) => trip }),
    ],
  })
}

/** A process that dies as soon as a child of its execution is on record as ended. */
function diesOnceEnded(world: World, graphs: readonly AnyGraph[], child: string): Docket {
  const store = alteredStore(world.store, async (method, ask, given) => {
    const answer: unknown = await ask()
    const commits = method === 'commit' ? (given[0] as readonly ExecutionCommit[]) : []
    if (commits.some(({ id, head }) => id === child && head?.status === 'cancelled')) {
      mortal.die()
      return new Promise(() => {})
    }
    return answer
  })
  const mortal = world.mortal({ graphs: [...graphs], lease: '2s', park: '1h' }, store)
  return mortal.docket
}

describe('a parent whose process dies when its child has ended with it, before its own end is written', () => {
  test('is cancelled in the next process, where it was cancelled', async () => {
    const world = new World()
    const parent = families(async () => 'fine')
    const docket = diesOnceEnded(world, [parent], 'a/Child')
    const handle = await world.clock.settle(docket.start(parent, Done, { Seed: 1 }, { id: 'a' }))
    await world.clock.advance(100)
    void handle.cancel('enough')
    await world.clock.advance(100)
    const survivor = world.process({ graphs: [parent], lease: '2s' })
    await world.clock.advance(10_000)
    const error = await world.clock.settle(rejectionOf((await survivor.get('a'))!.result()))
    expect(error).toMatchObject({ code: 'EXECUTION_CANCELLED', cause: 'enough' })
    expect((await world.store.get(['a', 'a/Child'])).map((one) => one?.status)).toEqual(['cancelled', 'cancelled'])
  })

  test('fails of what it failed of, though that would succeed now', async () => {
    const world = new World()
    let isFine = false
    const parent = families(async () => {
      if (isFine) return 'fine'
      await world.clock.sleep(1_000)
      throw new Error('a storm')
    })
    const docket = diesOnceEnded(world, [parent], 'a/Child')
    await world.clock.settle(docket.start(parent, Done, { Seed: 1 }, { id: 'a' }))
    await world.clock.advance(1_500)
    isFine = true
    const survivor = world.process({ graphs: [parent], lease: '2s' })
    await world.clock.advance(10_000)
    await expect(world.clock.settle((await survivor.get('a'))!.result())).rejects.toThrow('a storm')
  })

  test('fails of its timeout', async () => {
    const world = new World()
    const parent = families(() => new Promise(() => {}), '1s')
    const docket = diesOnceEnded(world, [parent], 'a/Child')
    await world.clock.settle(docket.start(parent, Done, { Seed: 1 }, { id: 'a' }))
    await world.clock.advance(1_500)
    const survivor = world.process({ graphs: [parent], lease: '2s' })
    await world.clock.advance(10_000)
    const error = await world.clock.settle(rejectionOf((await survivor.get('a'))!.result()))
    expect(error).toMatchObject({ code: 'EXECUTION_TIMEOUT' })
  })

  test('is cancelled as a whole, of a batch', async () => {
    const world = new World()
    const parent = families(async () => 'fine')
    const docket = diesOnceEnded(world, [parent], 'a/0/Child')
    const batch = await world.clock.settle(docket.startBatch(parent, Done, [{ Seed: 1 }, { Seed: 2 }], { id: 'a' }))
    await world.clock.advance(100)
    void batch.cancel('enough')
    await world.clock.advance(100)
    const survivor = world.process({ graphs: [parent], lease: '2s' })
    await world.clock.advance(10_000)
    const error = await world.clock.settle(rejectionOf((await survivor.get('a'))!.result()))
    expect(error).toMatchObject({ code: 'EXECUTION_CANCELLED', cause: 'enough' })
    const records = await world.store.get(['a', 'a/0/Child', 'a/1/Child'])
    expect(records.map((one) => one?.status)).toEqual(['cancelled', 'cancelled', 'cancelled'])
  })
})
