import { describe, expect, test } from 'vitest'
import { createActor, toPromise } from 'xstate'
import { z } from 'zod'
import { all, dataType, execute, executeBatch, fromGraph, graph, race, step } from '../../../src/index.ts'
import { VirtualTime } from '../virtual-time.ts'
import { fail, Fast, inputs, Order, pick, ports, racers, Slow, Winner } from './racers.ts'

describe('overrides', () => {
  test('of an input decide the race at once: no other input is made', async () => {
    const clock = new VirtualTime(0)
    const { makeFast } = racers(clock)
    const slow = step({ name: 'MakeSlow', inputs: {}, output: Slow, run: fail('must not run') as () => number })
    const declared = graph({ name: 'races', steps: [makeFast, slow, pick] })
    expect(await execute(declared, Winner, {} as never, { overrides: { Fast: 'given' } })).toBe('given')
    expect(await executeBatch(declared, Winner, [{}, {}] as never, { overrides: { Fast: 'given' } })).toEqual([
      'given',
      'given',
    ])
  })
})

describe('a batch', () => {
  test('has a race for each item, and gives the slots of losers to other items', async () => {
    const clock = new VirtualTime(0)
    const { makeFast } = racers(clock)
    const slow = step({
      name: 'MakeSlow',
      inputs: { order: Order },
      output: Slow,
      run: ({ order }) => (order === 'a' ? 1 : new Promise<number>(() => {})),
    })
    const After = dataType('After', z.string())
    const after = step({
      name: 'After',
      inputs: { winner: Winner },
      output: After,
      run: ({ winner }) => String(winner),
    })
    const declared = graph({ name: 'races', steps: [makeFast, slow, pick, after] })
    const items = ['a', 'b', 'c', 'd'].map((Order) => ({ Order }))
    const results = clock.settle(executeBatch(declared, After, items, { clock, concurrency: 1 }))
    expect(await results).toEqual(['1', 'fast b', 'fast c', 'fast d'])
  })

  test('of items that share an input of a race has the value of whichever comes first to each', async () => {
    const clock = new VirtualTime(0)
    const Config = dataType('Config', z.number())
    const shared = step({
      name: 'Share',
      inputs: { config: Config },
      output: Slow,
      run: async ({ config }) => (await clock.sleep(20), config),
    })
    const own = step({
      name: 'MakeFast',
      inputs: { order: Order },
      output: Fast,
      run: async ({ order }) => (await clock.sleep(order === 'quick' ? 10 : 500), order),
    })
    const declared = graph({ name: 'races', steps: [shared, own, pick] })
    const items = [{ Order: 'quick' }, { Order: 'idle' }]
    const results = clock.settle(executeBatch(declared, Winner, items, { clock, shared: { Config: 3 } }))
    expect(await results).toEqual(['quick', 3])
  })

  test('of items whose shared input fails takes the own one, and fails with both errors where that fails as well', async () => {
    const shared = step({ name: 'Share', inputs: {}, output: Slow, run: fail('shared') as () => number })
    const own = step({
      name: 'MakeFast',
      inputs: { order: Order },
      output: Fast,
      run: async ({ order }) => {
        if (order === 'bad') throw new Error('own')
        return order
      },
    })
    const declared = graph({ name: 'races', steps: [shared, own, pick] })
    const outcomes = await executeBatch(declared, Winner, [{ Order: 'good' }, { Order: 'bad' }], { onError: 'collect' })
    expect(outcomes[0]).toEqual({ value: 'good' })
    expect(outcomes[1]!.error).toMatchObject({ step: 'Pick', item: 1 })
    expect((outcomes[1]!.error!.cause as AggregateError).errors).toMatchObject([
      { step: 'MakeFast' },
      { step: 'Share' },
    ])
  })

  test('can gather what races made', async () => {
    const Count = dataType('Count', z.number())
    const clock = new VirtualTime(0)
    const { makeFast, makeSlow } = racers(clock)
    const count = step({ name: 'Count', inputs: { all: all(Winner) }, output: Count, run: ({ all }) => all.length })
    const declared = graph({ name: 'races', steps: [makeFast, makeSlow, pick, count] })
    const items = [{ Order: 'a' }, { Order: 'b' }]
    expect(await clock.settle(executeBatch(declared, Count, items, { clock }))).toEqual([2, 2])
    expect(await clock.settle(execute(declared, Count, inputs, { clock }))).toBe(1)
  })
})

describe('an actor', () => {
  test('shows the loser as cancelled, and a restored one keeps the winner though the loser is there by then', async () => {
    const clock = new VirtualTime(0)
    const { makeFast, makeSlow } = racers(clock)
    let isStuck = true
    const stuck = race({
      name: 'Pick',
      inputs: ports,
      output: Winner,
      run: (first) => (isStuck ? new Promise<string>(() => {}) : `${first.port}: ${first.value}`),
    })
    const declared = graph({ name: 'races', steps: [makeFast, makeSlow, stuck] })
    const logic = fromGraph(declared, Winner)
    const actor = createActor(logic, { input: inputs, clock }).start()
    await clock.advance(20)
    const { steps } = actor.getSnapshot().context
    expect(steps['Pick']).toMatchObject({ status: 'running', first: { port: 'fast', value: 'fast o' } })
    expect(steps['MakeSlow']).toMatchObject({ status: 'cancelled', error: { code: 'RACE_LOST' } })
    const snapshot = JSON.parse(JSON.stringify(actor.getPersistedSnapshot())) as never
    actor.stop()
    isStuck = false
    const again = createActor(logic, { snapshot, input: inputs, clock }).start()
    expect(await clock.settle(toPromise(again))).toBe('fast: fast o')
  })

  test('that is restored before its race is decided goes on with it, and counts what failed', async () => {
    const clock = new VirtualTime(0)
    const { makeFast, makeSlow } = racers(clock, { fast: fail('down'), slow: fail('down too') })
    const declared = graph({ name: 'races', steps: [makeFast, makeSlow, pick] })
    const logic = fromGraph(declared, Winner)
    const actor = createActor(logic, { input: inputs, clock }).start()
    await clock.advance(20)
    const snapshot = JSON.parse(JSON.stringify(actor.getPersistedSnapshot())) as never
    actor.stop()
    const again = createActor(logic, { snapshot, input: inputs, clock })
    again.subscribe({ error: () => {} })
    again.start()
    const error = await clock.settle(toPromise(again).catch((thrown: unknown) => thrown))
    expect((error as { cause: AggregateError }).cause.errors).toMatchObject([
      { step: 'MakeFast' },
      { step: 'MakeSlow' },
    ])
  })
})
