import { describe, expect, test } from 'vitest'
import { dataType, graph, optional, step, StepError, type } from '../../src/index.ts'
import type { Docket } from '../../src/index.ts'
import { World } from './durable-time.ts'
import { door, line, Seed, Third } from './line.ts'

const inputs = { Seed: 1 }
const maxAttempts = 3

/** A line whose second step hangs, or fails at once, in each attempt; the numbers of those that began. */
function trying(attempts: number[], fails = false) {
  return line({
    second: {
      retry: { maxAttempts, backoff: 0 },
      run: (_, { attempt }) => {
        attempts.push(attempt)
        if (fails) throw new Error('no')
        return door().promise
      },
    },
  }).line
}

/** The same graph as another version has it: it has no second step, and can't go on with what that one began. */
function strangerTo() {
  const one = step({ name: 'One', inputs: { seed: Seed }, output: Third, run: () => 1 })
  return graph({ name: 'line', steps: [one] })
}

async function endOf(world: World, docket: Docket): Promise<unknown> {
  return world.clock.settle((await docket.get('a'))!.result().catch((error: unknown) => error))
}

describe('an attempt that a process died of', () => {
  test.each([0, 1, 3])('is counted though %i processes had the execution since, and released it', async (others) => {
    const world = new World()
    const attempts: number[] = []
    const tried = trying(attempts)
    for (let death = 0; death < maxAttempts; death++) {
      const { docket, die } = world.mortal({ graphs: [tried], lease: '2s' })
      if (death === 0) await docket.start(tried, Third, inputs, { id: 'a' })
      await world.clock.advance(death === 0 ? 100 : 10_000)
      expect(attempts).toHaveLength(death + 1)
      die()
      await world.clock.advance(5_000)
      // As the store has it: somebody owned it for a moment, did not run it, and let it go.
      for (let other = 0; other < others; other++) {
        const owner = `stranger-${death}-${other}`
        await world.store.renewOwner(owner, 60_000)
        const [acquired] = await world.store.acquire({ owner, ids: ['a'], limit: 1 })
        const { epoch } = acquired!.execution
        const at = world.clock.now()
        await world.store.commit([{ id: 'a', owner, epoch, at, steps: [], head: { isReleased: true } }])
      }
    }
    const last = world.process({ graphs: [tried] })
    expect(await endOf(world, last)).toBeInstanceOf(StepError)
    expect(attempts).toEqual([1, 2, 3])
  })

  test('is neither the last nor counted with maxAttempts: 1: the step begins again, as attempt 1', async () => {
    const world = new World()
    const attempts: number[] = []
    const once = (hangs: boolean) =>
      line({
        second: {
          persist: 'execution',
          retry: { maxAttempts: 1 },
          run: (value, { attempt }) => {
            attempts.push(attempt)
            return hangs ? door().promise : value
          },
        },
      }).line
    const held = once(true)
    for (let death = 0; death < 3; death++) {
      const { docket, die } = world.mortal({ graphs: [held], lease: '2s' })
      if (death === 0) await docket.start(held, Third, inputs, { id: 'a' })
      await world.clock.advance(death === 0 ? 100 : 10_000)
      die()
      await world.clock.advance(5_000)
    }
    expect(await endOf(world, world.process({ graphs: [once(false)] }))).not.toBeInstanceOf(Error)
    expect(attempts).toEqual([1, 1, 1, 1])
  })

  test('is counted where the next process can’t go on with its records', async () => {
    const world = new World()
    const attempts: number[] = []
    const tried = trying(attempts)
    for (let death = 0; death < maxAttempts; death++) {
      const { docket, die } = world.mortal({ graphs: [tried], lease: '2s' })
      if (death === 0) await docket.start(tried, Third, inputs, { id: 'a' })
      await world.clock.advance(death === 0 ? 100 : 10_000)
      die()
      const stranger = world.process({ graphs: [strangerTo()], lease: '2s' })
      await world.clock.advance(5_000)
      await stranger.close()
    }
    expect(world.events.filter(({ type }) => type === 'execution.incompatible').length).toBeGreaterThanOrEqual(2)
    expect(await endOf(world, world.process({ graphs: [tried] }))).toBeInstanceOf(StepError)
    expect(attempts).toEqual([1, 2, 3])
  })
})

describe('an attempt that a process gave up', () => {
  test.each([1, 2, 3])('has its number again elsewhere: attempt %i, through three processes', async (failing) => {
    const world = new World()
    const attempts: number[] = []
    const { line: failingOften } = line({
      second: {
        retry: { maxAttempts, backoff: 0 },
        run: (_, { attempt }) => {
          attempts.push(attempt)
          if (attempt < failing) throw new Error('no')
          return door().promise
        },
      },
    })
    for (let turn = 0; turn < 3; turn++) {
      const docket = world.process({ graphs: [failingOften] })
      if (turn === 0) await docket.start(failingOften, Third, inputs, { id: 'a' })
      await world.clock.advance(5_000)
      await world.clock.settle(docket.close({ deadline: 0 }))
    }
    const first = Array.from({ length: failing }, (_, index) => index + 1)
    expect(attempts).toEqual([...first, failing, failing])
    const last = world.process({ graphs: [trying(attempts, true)] })
    expect(await endOf(world, last)).toBeInstanceOf(StepError)
    expect(attempts.filter((attempt) => attempt > maxAttempts)).toEqual([])
  })

  test('takes nothing back of one that another process died of', async () => {
    const world = new World()
    const attempts: number[] = []
    const tried = trying(attempts)
    const { docket, die } = world.mortal({ graphs: [tried], lease: '2s' })
    await docket.start(tried, Third, inputs, { id: 'a' })
    await world.clock.advance(100)
    die()
    for (let turn = 0; turn < 2; turn++) {
      const next = world.process({ graphs: [tried], lease: '2s' })
      await world.clock.advance(5_000)
      await world.clock.settle(next.close({ deadline: 0 }))
    }
    expect(attempts).toEqual([1, 2, 2])
  })
})

test('a step that is recorded together with one that kills keeps an attempt to be called in', async () => {
  const world = new World()
  const calls: string[] = []
  let life = { isDead: false, die: (): void => {} }
  const K = dataType('K', type<number>())
  const P = dataType('P', type<number>())
  const Out = dataType('Out', type<number>())
  const step2 = { inputs: { seed: Seed }, persist: 'execution', retry: { maxAttempts: 2, backoff: 0 } } as const
  const kills = step({
    ...step2,
    name: 'Kill',
    output: K,
    run: (_, { attempt }) => {
      if (life.isDead) return door<number>().promise
      calls.push(`Kill ${attempt}`)
      life.isDead = true
      life.die()
      return door<number>().promise
    },
  })
  const charges = step({
    ...step2,
    name: 'Charge',
    output: P,
    run: (_, { attempt }) => {
      if (life.isDead) return door<number>().promise
      calls.push(`Charge ${attempt}`)
      return 7
    },
  })
  const combine = step({ name: 'Combine', inputs: { k: optional(K), p: P }, output: Out, run: ({ p }) => p })
  const both = graph({ name: 'both', steps: [kills, charges, combine] })
  for (let death = 0; death < 2; death++) {
    const { docket, die } = world.mortal({ graphs: [both], lease: '2s' })
    life = { isDead: false, die }
    if (death === 0) await docket.start(both, Out, { Seed: 1 }, { id: 'a' })
    await world.clock.advance(10_000)
    expect(life.isDead).toBe(true)
    await world.clock.advance(5_000)
  }
  life = { isDead: false, die: () => {} }
  expect(await endOf(world, world.process({ graphs: [both] }))).toBe(7)
  expect(calls).toEqual(['Kill 1', 'Kill 2', 'Charge 2'])
})
