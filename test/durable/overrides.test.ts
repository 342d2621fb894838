import { createActor, toPromise } from 'xstate'
import { describe, expect, test } from 'vitest'
import { dataType, ExecutionConflictError, fromGraph, graph, step, type } from '../../src/index.ts'
import type { MigrateHook } from '../../src/index.ts'
import { number, rejectionOf } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { door, First, line, Second, Seed, Third } from './line.ts'

const overrides = { First: 41 }

/** A process that has begun Second of "line", with 41 in the place of First, and died; nobody has a Seed. */
async function leftBehind() {
  const world = new World()
  const { line: old } = line({ second: { run: () => door().promise } })
  const { docket, die } = world.mortal({ graphs: [old] })
  await docket.start(old, Third, {}, { id: 'a', overrides })
  await world.clock.advance(10)
  die()
  await world.clock.advance(6_000)
  return world
}

const inputsAsOverrides: MigrateHook = ({ inputs, ...execution }) => ({ ...execution, inputs: {}, overrides: inputs })

function firstStep(runs: string[] = []) {
  return step({
    name: 'First',
    inputs: { value: Seed },
    output: First,
    run: ({ value }) => (runs.push('First'), value),
  })
}

describe('overrides of an execution', () => {
  test('hold in the process that goes on with it', async () => {
    const world = await leftBehind()
    const { line: graph, runs } = line()
    const docket = world.process({ graphs: [graph] })
    expect(await world.clock.settle((await docket.get('a'))!.result())).toBe(43)
    expect(runs).toEqual(['Second', 'Third'])
  })

  test('are in its details and in the list, apart from its inputs', async () => {
    const world = await leftBehind()
    const docket = world.process({ graphs: [line().line], takeOver: false })
    expect(await (await docket.get('a'))!.details()).toMatchObject({ inputs: {}, overrides })
    expect((await docket.list()).executions).toMatchObject([{ inputs: {}, overrides }])
  })

  test('are part of what its id stands for, in every process', async () => {
    const world = await leftBehind()
    const { line: graph } = line()
    const docket = world.process({ graphs: [graph] })
    const again = docket.execute(graph, Third, {}, { id: 'a', overrides })
    expect(await world.clock.settle(again)).toBe(43)
    for (const other of [
      () => docket.start(graph, Third, {}, { id: 'a', overrides: { First: 42 } }),
      () => docket.start(graph, Third, { Seed: 41 }, { id: 'a' }),
    ])
      expect(await world.clock.settle(rejectionOf(other()))).toBeInstanceOf(ExecutionConflictError)
  })

  test('hold in a fork of it, and when it is retried', async () => {
    const world = new World()
    let fails = true
    const { line: graph, runs } = line({
      third: {
        run: (value) => {
          if (fails) throw new Error('out of paper')
          return value + 1
        },
      },
    })
    const docket = world.process({ graphs: [graph] })
    const handle = await docket.start(graph, Third, {}, { id: 'a', overrides })
    await world.clock.settle(rejectionOf(handle.result()))
    fails = false
    const fork = await docket.fork('a', { from: 'Second', id: 'b' })
    expect(await world.clock.settle(fork.result())).toBe(43)
    expect((await fork.details()).overrides).toEqual(overrides)
    expect(await world.clock.settle((await docket.retry('a')).result())).toBe(43)
    await expect(docket.fork('a', { from: 'First' })).rejects.toThrow('"First" was given in overrides')
    expect(runs).toEqual(['Second', 'Third', 'Second', 'Third', 'Third'])
  })

  test('hold where it goes on as an actor, out of its docket', async () => {
    const world = new World()
    const { line: graph } = line({ second: { run: () => door().promise } })
    const docket = world.process({ graphs: [graph] })
    const handle = await docket.start(graph, Third, {}, { id: 'a', overrides })
    await world.clock.advance(10)
    const snapshot = JSON.parse(JSON.stringify(await world.clock.settle(handle.detach()))) as Awaited<
      ReturnType<typeof handle.detach>
    >
    const { line: healthy, runs } = line()
    const actor = createActor(fromGraph(healthy, Third), { input: { Seed: 0 }, snapshot }).start()
    expect(await toPromise(actor)).toBe(43)
    expect(runs).toEqual(['Second', 'Third'])
  })

  test('hold for all actors of durable logic, and in the process that goes on with one', async () => {
    const world = new World()
    const { line: old } = line({ second: { run: () => door().promise } })
    const { docket, die } = world.mortal({ graphs: [old] })
    createActor(docket.logic(old, Third, { id: 'a', overrides }), { input: {} }).start()
    await world.clock.advance(10)
    die()
    await world.clock.advance(6_000)
    const { line: graph, runs } = line()
    const other = world.process({ graphs: [graph] })
    expect(
      await world.clock.settle(
        toPromise(createActor(other.logic(graph, Third, { id: 'a', overrides }), { input: {} }).start()),
      ),
    ).toBe(43)
    expect(runs).toEqual(['Second', 'Third'])
  })

  test('are no inputs: a call that gives them among its inputs is refused, and nothing is written', async () => {
    const world = new World()
    const { line: graph } = line()
    const docket = world.process({ graphs: [graph] })
    for (const call of [
      () => docket.start(graph, Third, { Seed: 1, First: 2 } as never, { id: 'a', overrides: { Second: 3 } }),
      () => docket.execute(graph, Third, { Seed: 1, First: 2 } as never),
      () => docket.startBatch(graph, Third, [{ Seed: 1, First: 2 }] as never, { id: 'a' }),
      () => docket.startBatch(graph, Third, [{ Seed: 1 }], { id: 'a', shared: { First: 2 } as never }),
    ])
      expect(await world.clock.settle(rejectionOf(call()))).toMatchObject({
        code: 'INPUT_INVALID',
        message: expect.stringContaining('overrides: { First: … }') as string,
      })
    expect((await docket.list()).executions).toEqual([])
  })
})

describe('a graph that has changed', () => {
  const second = step({ name: 'Second', inputs: { value: First }, output: Second, run: ({ value }) => value + 1 })
  const third = step({ name: 'Third', inputs: { value: Second }, output: Third, run: ({ value }) => value + 1 })
  const makeSeed = step({ name: 'MakeSeed', output: Seed, run: () => 1 })

  test('takes an override whose step is gone as the input that it is now', async () => {
    const world = await leftBehind()
    const docket = world.process({ graphs: [graph({ name: 'line', steps: [second, third] })] })
    expect(await world.clock.settle((await docket.get('a'))!.result())).toBe(43)
  })

  test.each(['execution', 'batch'])('keeps the overrides of an %s whose types have other names now', async (kind) => {
    const world = new World()
    const { line: old } = line({ second: { run: () => door().promise } })
    const { docket, die } = world.mortal({ graphs: [old] })
    await (kind === 'batch'
      ? docket.startBatch(old, Third, [{}], { id: 'a', overrides })
      : docket.start(old, Third, {}, { id: 'a', overrides }))
    await world.clock.advance(10)
    die()
    await world.clock.advance(6_000)
    const One = dataType('One', type<number>(), { formerly: 'First' })
    const ran: string[] = []
    const renamed = graph({
      name: 'line',
      steps: [
        step({ name: 'First', inputs: { value: Seed }, output: One, run: () => (ran.push('First'), 0) }),
        step({ name: 'Second', inputs: { value: One }, output: Second, run: ({ value }) => value + 1 }),
        third,
      ],
    })
    const other = world.process({ graphs: [renamed] })
    const handle = (await other.get('a'))!
    expect(await world.clock.settle(handle.result())).toEqual(kind === 'batch' ? [43] : 43)
    expect(ran).toEqual([])
    expect((await handle.details()).overrides).toEqual({ One: 41 })
  })

  test('does not take an input for the result of the step that makes it now', async () => {
    const world = new World()
    const { line: old } = line({ first: { run: () => door().promise } })
    const { docket, die } = world.mortal({ graphs: [old] })
    await docket.start(old, Third, { Seed: 7 }, { id: 'a' })
    await world.clock.advance(10)
    die()
    await world.clock.advance(6_000)
    const runs: string[] = []
    const changed = graph({ name: 'line', steps: [makeSeed, firstStep(runs), second, third] })
    const reason = 'input "Seed" was given by its caller, and step "MakeSeed" makes it now'
    const other = world.process({ graphs: [changed] })
    await world.clock.advance(5_000)
    expect((await other.list()).executions).toMatchObject([{ status: 'running', incompatible: [reason] }])
    expect(runs).toEqual([])
    await other.close()
    // A migration says what it means.
    const migrating = world.process({ graphs: [changed], migrate: { line: inputsAsOverrides } })
    expect(await world.clock.settle((await migrating.get('a'))!.result())).toBe(9)
    expect(await (await migrating.get('a'))!.details()).toMatchObject({ inputs: {}, overrides: { Seed: 7 } })
  })

  test('shows overrides to its migration, which may leave them as they are', async () => {
    const world = await leftBehind()
    const seen: unknown[] = []
    const migrate: MigrateHook = (execution) => (seen.push(execution.inputs, execution.overrides), execution)
    const changed = graph({
      name: 'line',
      steps: [firstStep(), second, third, step({ name: 'New', output: number('New'), run: () => 1 })],
    })
    const docket = world.process({ graphs: [changed], migrate: { line: migrate } })
    expect(await world.clock.settle((await docket.get('a'))!.result())).toBe(43)
    expect(seen).toEqual([{}, overrides])
  })

  const Scale = number('Scale')
  const scaled = step({
    name: 'Second',
    inputs: { value: Seed, scale: Scale },
    output: Second,
    persist: 'execution',
    run: ({ value, scale }) => (value < 0 ? door().promise : value * scale),
  })
  const plain = graph({ name: 'line', steps: [scaled, third] })

  test.each([
    [
      'what its items gave',
      graph({ name: 'line', steps: [scaled, third, makeSeed] }),
      'input of its items "Seed" was given by its caller, and step "MakeSeed" makes it now',
    ],
    [
      'what was shared',
      graph({ name: 'line', steps: [scaled, third, step({ name: 'Rate', output: Scale, run: () => 2 })] }),
      'shared input "Scale" was given by its caller, and step "Rate" makes it now',
    ],
    [
      'an input that its items had to give',
      graph({
        name: 'line',
        steps: [step({ name: 'Second', inputs: { scale: Scale }, output: Second, run: () => 1 }), third],
      }),
      'its items give "Seed", which nothing needs now',
    ],
    [
      'an input that is needed now',
      graph({
        name: 'line',
        steps: [
          step({
            name: 'Second',
            inputs: { s: Scale, seed: Seed, more: number('More') },
            output: Second,
            run: () => 1,
          }),
          third,
        ],
      }),
      'its items were started without "More", which is needed now',
    ],
  ] as const)('leaves a batch alone that does not fit: %s', async (_, changed, reason) => {
    const world = new World()
    const { docket, die } = world.mortal({ graphs: [plain] })
    // What comes from outside may say too much: that row alone fails, then as now.
    const items = [{ Seed: 1 }, { Seed: -1 }, { Seed: 2, Second: 0 }] as { Seed: number }[]
    await docket.startBatch(plain, Third, items, { id: 'a', shared: { Scale: 3 }, onError: 'collect' })
    await world.clock.advance(10)
    die()
    await world.clock.advance(6_000)
    const other = world.process({ graphs: [changed] })
    await world.clock.advance(5_000)
    const [info] = (await other.list()).executions
    expect(info).toMatchObject({ id: 'a', status: 'running', incompatible: [reason] })
  })

  test('goes on with a batch that fits, also where a row of it says too much', async () => {
    const world = new World()
    const { docket, die } = world.mortal({ graphs: [plain] })
    const items = [{ Seed: -1 }, { Seed: 2, Second: 0 }] as { Seed: number }[]
    await docket.startBatch(plain, Third, items, { id: 'a', shared: { Scale: 3 }, onError: 'collect' })
    await world.clock.advance(10)
    die()
    await world.clock.advance(6_000)
    const changed = graph({
      name: 'line',
      steps: [
        step({
          name: 'Second',
          inputs: { value: Seed, scale: Scale },
          output: Second,
          run: ({ value, scale }) => value * scale,
        }),
        third,
      ],
    })
    const other = world.process({ graphs: [changed] })
    expect(await world.clock.settle((await other.get('a'))!.result())).toMatchObject([
      { value: -2 },
      { error: { code: 'INPUT_INVALID', item: 1 } },
    ])
  })
})

describe('overrides of a batch', () => {
  test('hold for all its items, in the process that goes on with it too', async () => {
    const world = new World()
    const { line: old } = line({ third: { run: (value) => (value === 42 ? door().promise : value) } })
    const { docket, die } = world.mortal({ graphs: [old] })
    const request = { id: 'a', overrides } as const
    await docket.startBatch(old, Third, [{}, {}], request)
    await world.clock.advance(10)
    die()
    await world.clock.advance(6_000)
    const { line: graph, runs } = line()
    const other = world.process({ graphs: [graph] })
    const handle = (await other.get('a'))!
    expect(await world.clock.settle(handle.result())).toEqual([43, 43])
    expect(runs).not.toContain('First')
    expect(await handle.details()).toMatchObject({ inputs: {}, overrides })
    const same = await other.startBatch(graph, Third, [{}, {}], request)
    expect(await world.clock.settle(same.result())).toEqual([43, 43])
    const asUndefined = { ...request, overrides: { ...overrides, Second: undefined } }
    expect(await world.clock.settle((await other.startBatch(graph, Third, [{}, {}], asUndefined)).result())).toEqual([
      43, 43,
    ])
    const different = other.startBatch(graph, Third, [{}, {}], { id: 'a', overrides: { First: 1 } })
    expect(await world.clock.settle(rejectionOf(different))).toBeInstanceOf(ExecutionConflictError)
  })
})
