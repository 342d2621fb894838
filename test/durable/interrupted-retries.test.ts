import { describe, expect, test } from 'vitest'
import { assign, setup } from 'xstate'
import { dataType, graph, machineStep, optional, signal, step, type } from '../../src/index.ts'
import type { AnyGraph, Docket } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Seed = dataType('Seed', type<number>())
const Ready = dataType('Ready', type<number>())
const Result = dataType('Result', type<number>())
const Flag = dataType('Flag', type<string>())
const Add = dataType('Add', type<number>())
const Total = dataType('Total', type<number>())

/** What failed is tried anew by a retry, whose process dies at the given time after it has begun. */
async function diesOfRetry(world: World, graphs: readonly AnyGraph[], ms: number): Promise<Docket> {
  const { docket: mortal, die } = world.mortal({ graphs: [...graphs], takeOver: false })
  await world.clock.settle(mortal.retry('a'))
  await world.clock.advance(ms)
  die()
  return mortal
}

/** A step that is on record and fails while it is down, behind one that is not and takes its time. */
function work(world: World, runs: string[], isDown: () => boolean, getReadyMs: number) {
  return graph({
    name: 'work',
    steps: [
      step({
        name: 'GetReady',
        inputs: { seed: Seed },
        output: Ready,
        run: async ({ seed }) => {
          await world.clock.sleep(getReadyMs)
          return seed
        },
      }),
      step({
        name: 'Work',
        inputs: { ready: Ready },
        output: Result,
        persist: 'execution',
        run: async ({ ready }) => {
          runs.push('Work')
          if (isDown()) throw new Error('it is down')
          await world.clock.sleep(200)
          return ready
        },
      }),
    ],
  })
}

/** A step that fails while it is down, and then takes its time, and does without a flag that does not come. */
function workWithoutFlag(world: World, isDown: () => boolean) {
  return step({
    name: 'Work',
    inputs: { seed: Seed, flag: optional(Flag) },
    output: Result,
    persist: 'execution',
    run: async ({ seed, flag }) => {
      if (isDown()) throw new Error('it is down')
      await world.clock.sleep(60_000)
      return flag === undefined ? seed : -1
    },
  })
}

describe('a step that failed, and is tried again by a process that dies', () => {
  test.each([
    ['before it began', 1_000, 1],
    ['while it ran', 0, 2],
  ])('is tried in the next process, where the first died %s', async (_, getReadyMs, tried) => {
    const world = new World()
    const runs: string[] = []
    let isDown = true
    const declared = work(world, runs, () => isDown, getReadyMs)
    const first = world.process({ graphs: [declared], takeOver: false })
    await expect(world.clock.settle(first.execute(declared, Result, { Seed: 1 }, { id: 'a' }))).rejects.toThrow('down')
    isDown = false
    await diesOfRetry(world, [declared], 100)
    expect(runs).toHaveLength(tried)
    const watcher = world.process({ graphs: [], takeOver: false })
    const { steps } = await (await watcher.get('a'))!.details()
    expect(steps).toMatchObject([{ step: 'Work', status: 'pending', attempt: 0, attempts: [{ attempt: 1 }] }])
    const survivor = world.process({ graphs: [declared] })
    await world.clock.advance(20_000)
    const handle = (await survivor.get('a'))!
    expect(await world.clock.settle(handle.result())).toBe(1)
    expect(runs.length).toBeGreaterThan(tried)
  })

  test('goes on where its graph has no such step any more', async () => {
    const world = new World()
    const declared = work(world, [], () => true, 1_000)
    const first = world.process({ graphs: [declared], takeOver: false })
    await expect(world.clock.settle(first.execute(declared, Result, { Seed: 1 }, { id: 'a' }))).rejects.toThrow('down')
    await diesOfRetry(world, [declared], 100)
    const other = graph({
      name: 'work',
      steps: [step({ name: 'Rework', inputs: { seed: Seed }, output: Result, run: ({ seed }) => seed * 10 })],
    })
    const survivor = world.process({ graphs: [other] })
    await world.clock.advance(20_000)
    expect(await world.clock.settle((await survivor.get('a'))!.result())).toBe(10)
  })
})

test('a machine that is retried by a process that dies before anything of it is written keeps its state', async () => {
  const world = new World()
  const till = machineStep({
    name: 'Till',
    machine: setup({
      types: {} as {
        context: { readonly total: number }
        output: number
        events: { type: 'ADD'; value: number } | { type: 'CLOSE'; value: string }
      },
    }).createMachine({
      context: { total: 0 },
      output: ({ context }) => context.total,
      initial: 'open',
      states: {
        open: {
          on: {
            ADD: { actions: assign({ total: ({ context, event }) => context.total + event.value }) },
            CLOSE: 'closed',
          },
        },
        closed: { type: 'final' },
      },
    }),
    inputs: { ready: Ready },
    output: Total,
    events: { ADD: Add, CLOSE: Flag },
  })
  const getReady = step({
    name: 'GetReady',
    inputs: { seed: Seed },
    output: Ready,
    run: async ({ seed }) => {
      await world.clock.sleep(1_000)
      return seed
    },
  })
  const tills = graph({ name: 'tills', steps: [getReady, till] })
  const first = world.process({ graphs: [tills], takeOver: false })
  const handle = await first.start(tills, Total, { Seed: 1 }, { id: 'a' })
  await world.clock.advance(2_000)
  expect(await world.clock.settle(handle.signal(Add, 5))).toBe('accepted')
  await world.clock.advance(1_000)
  await world.clock.settle(handle.cancel())
  await world.clock.settle(handle.result().catch(() => {}))
  await diesOfRetry(world, [tills], 500)
  const survivor = world.process({ graphs: [tills] })
  await world.clock.advance(20_000)
  const found = (await survivor.get('a'))!
  expect(await world.clock.settle(found.signal(Add, 2))).toBe('accepted')
  expect(await world.clock.settle(found.signal(Flag, 'closed'))).toBe('accepted')
  expect(await world.clock.settle(found.result())).toBe(7)
})

describe('of a batch that was retried', () => {
  test('what fails in the present life has failed for whoever goes on with it', async () => {
    const world = new World()
    const runs: string[] = []
    let isDown = true
    const declared = graph({
      name: 'flags',
      steps: [
        step({
          name: 'RaiseFlag',
          inputs: {},
          output: Flag,
          persist: 'execution',
          run: () => {
            runs.push('RaiseFlag')
            throw new Error('no flag')
          },
        }),
        workWithoutFlag(world, () => isDown),
      ],
    })
    const first = world.process({ graphs: [declared], takeOver: false })
    const batch = await first.startBatch(declared, Result, [{ Seed: 1 }, { Seed: 2 }], { id: 'a' })
    await expect(world.clock.settle(batch.result())).rejects.toThrow('it is down')
    isDown = false
    await diesOfRetry(world, [declared], 1_000)
    expect(runs).toHaveLength(2)
    const survivor = world.process({ graphs: [declared] })
    await world.clock.advance(20_000)
    expect(await world.clock.settle((await survivor.get('a'))!.result())).toEqual([1, 2])
    expect(runs).toHaveLength(2)
  })

  test('a wait that has timed out is over for whoever goes on with it, and what is sent is late', async () => {
    const world = new World()
    let isDown = true
    const declared = graph({
      name: 'waits',
      steps: [signal(Flag, { timeout: '5s' }), workWithoutFlag(world, () => isDown)],
    })
    const first = world.process({ graphs: [declared], takeOver: false })
    const batch = await first.startBatch(declared, Result, [{ Seed: 1 }], { id: 'a' })
    await expect(world.clock.settle(batch.result())).rejects.toThrow('it is down')
    isDown = false
    await diesOfRetry(world, [declared], 6_000)
    const survivor = world.process({ graphs: [declared] })
    const isBack = (): boolean =>
      world.events.some((event) => event.type === 'execution.resumed' && event.after === 'death')
    while (!isBack()) await world.clock.advance(500)
    const handle = (await survivor.get('a'))!
    const { steps } = await world.clock.settle(handle.details())
    expect(steps.find(({ step }) => step === 'Flag')).toMatchObject({ status: 'failed' })
    expect(await world.clock.settle(handle.signal(Flag, 'late'))).toBe('late')
    expect(await world.clock.settle(handle.result())).toEqual([1])
  })
})
