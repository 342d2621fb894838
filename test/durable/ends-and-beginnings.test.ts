import { expect, test } from 'vitest'
import { memoryStore } from '../../stores/memory/index.ts'
import { compression } from '../../src/codecs/index.ts'
import { dataType, graph, OptionError, step, StoreError, type } from '../../src/index.ts'
import { rejectionOf } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { door, First, line, Second, Seed, Third } from './line.ts'
import { outage, WatchedStore } from './watched-store.ts'

const input = { Seed: 1 }

test('a fallback that took the place of a result survives a crash', async () => {
  const world = new World()
  let tries = 0
  const gate = door()
  const declared = graph({
    name: 'falls-back',
    steps: [
      step({
        name: 'Risky',
        inputs: { seed: Seed },
        output: First,
        persist: 'execution',
        retry: { maxAttempts: 2 },
        fallback: -1,
        run: () => {
          tries++
          throw new Error('no luck')
        },
      }),
      step({
        name: 'Do',
        inputs: { first: First },
        output: Second,
        persist: 'execution',
        run: async ({ first }) => (await gate.promise) + first,
      }),
    ],
  })
  const { docket, die } = world.mortal({ graphs: [declared] })
  await docket.start(declared, Second, input, { id: 'a' })
  await world.clock.advance(100)
  die()
  const survivor = world.process({ graphs: [declared] })
  await world.clock.advance(10_000)
  gate.resolve(10)
  expect(await world.clock.settle((await survivor.get('a'))!.result())).toBe(9)
  expect(tries).toBe(2)
})

/** A graph whose input has a declared version. */
function graphOf(version: string, gate: Promise<number>) {
  const In = dataType('In', type<number>(), { version })
  return {
    In,
    graph: graph({
      name: 'versions',
      steps: [step({ name: 'S', inputs: { i: In }, output: First, persist: 'execution', run: () => gate })],
    }),
  }
}

test('an input whose data type has another version now is reported, not used', async () => {
  const world = new World()
  const old = graphOf('1', new Promise(() => {}))
  const { docket, die } = world.mortal({ graphs: [old.graph] })
  await docket.start(old.graph, First, { In: 1 }, { id: 'a' })
  die()
  const current = graphOf('2', Promise.resolve(1))
  const survivor = world.process({ graphs: [current.graph] })
  await world.clock.advance(10_000)
  const [info] = (await survivor.list()).executions
  expect(info!.incompatible.join()).toMatch(/input "In" was given in version 1, and is version 2 now/)
})

test('an execution that was purged while a function of it ran on can be started anew', async () => {
  const world = new World()
  let lives = 0
  const { line: declared } = line({
    second: { run: (value) => (++lives === 1 ? new Promise<number>(() => {}) : value) },
  })
  const docket = world.process({ graphs: [declared] })
  const first = await docket.start(declared, Third, input, { id: 'a' })
  await world.clock.advance(10)
  await first.cancel()
  await world.clock.advance(10)
  await world.clock.settle(docket.delete('a'))
  const again = await docket.start(declared, Third, input, { id: 'a' })
  expect(await world.clock.settle(again.result())).toBe(3)
})

test('a step’s deadline holds behind a write that has no limit', async () => {
  const world = new World()
  const watched = new WatchedStore(world.store)
  watched.before = ({ name }) => {
    if (name === 'commit') throw outage()
  }
  const { line: declared } = line({ first: { timeout: 300 } })
  const docket = world.process({ graphs: [declared], store: watched.store })
  const handle = await docket.start(declared, Third, input, { id: 'a' })
  const rejection = rejectionOf(handle.result())
  await world.clock.advance(1_000)
  expect(world.events).toContainEqual(expect.objectContaining({ type: 'step.ended', step: 'First', status: 'failed' }))
  watched.mend()
  const error = (await world.clock.settle(rejection)) as Error
  expect(error.cause).toBeInstanceOf(StoreError)
})

test('a timeout counts what processes owned that died before they wrote anything else', async () => {
  const world = new World()
  const { line: declared } = line({ second: { run: () => new Promise<number>(() => {}) }, timeout: '60s' })
  for (let life = 0; life < 2; life++) {
    const { docket, die } = world.mortal({ graphs: [declared] })
    if (life === 0) await docket.start(declared, Third, input, { id: 'a' })
    await world.clock.advance(40_000)
    die()
    await world.clock.advance(6_000)
  }
  const last = world.process({ graphs: [declared] })
  await world.clock.advance(1_000)
  const handle = await last.get('a')
  await expect(world.clock.settle(handle!.result())).rejects.toMatchObject({ code: 'EXECUTION_TIMEOUT' })
})

test('the reason of a cancellation reaches whoever waits in another process', async () => {
  const world = new World()
  const { line: declared } = line({ second: { run: () => new Promise<number>(() => {}) } })
  const owner = world.process({ graphs: [declared] })
  const handle = await owner.start(declared, Third, input, { id: 'a' })
  const outcome = rejectionOf(handle.result())
  await world.clock.advance(10)
  await world.clock.settle(world.process({ graphs: [declared] }).cancel('a', new Error('customer called')))
  await world.clock.advance(1_000)
  expect(String(((await outcome) as Error).cause)).toContain('customer called')
})

test('codecs and a store of a step’s own are refused together', () => {
  const world = new World()
  const own = memoryStore()
  const { line: declared } = line({ first: { persist: { scope: 'global', store: own } } })
  expect(() => world.process({ graphs: [declared], codecs: [compression()] })).toThrow(OptionError)
})
