import { describe, expect, test } from 'vitest'
import { dataType, graph, step, type } from '../../src/index.ts'
import type { PersistPolicy } from '../../src/index.ts'
import { number } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { door, line, Third } from './line.ts'

const inputs = { Seed: 1 }

describe('persist', () => {
  const A = number('A')
  const B = number('B')
  const C = number('C')

  test('holds at the step before the graph’s default, and that before the docket’s', async () => {
    const world = new World()
    const own = graph({
      name: 'own',
      steps: [
        step({ name: 'ToB', inputs: { a: A }, output: B, persist: 'global', run: ({ a }) => a }),
        step({ name: 'ToC', inputs: { b: B }, output: C, run: ({ b }) => b }),
      ],
      defaults: { persist: 'execution' },
    })
    const docket = world.process({ graphs: [own], persist: 'global' })
    await world.clock.settle(docket.execute(own, C, { A: 1 }, { id: 'a' }))
    const scopes = world.events.flatMap((event) => (event.type === 'cache.miss' ? [[event.step, event.scope]] : []))
    expect(scopes).toEqual([['ToB', 'global']])
    const { steps } = await (await docket.get('a'))!.details()
    expect(steps.map(({ step: name }) => name)).toEqual(['ToB', 'ToC'])
  })

  test('of the docket is the policy of steps that have none', async () => {
    const world = new World()
    const { line: bare } = line({
      first: { persist: undefined },
      second: { persist: undefined },
      third: { persist: undefined },
    })
    const docket = world.process({ graphs: [bare], persist: 'execution' })
    await world.clock.settle(docket.execute(bare, Third, inputs, { id: 'a' }))
    const { steps } = await (await docket.get('a'))!.details()
    expect(steps.map(({ step: name, output }) => [name, output])).toEqual([
      ['First', 2],
      ['Second', 3],
      ['Third', 4],
    ])
  })

  test('of the docket is seen by observers as the scope of lookups', async () => {
    const world = new World()
    const { line: bare } = line({
      first: { persist: undefined },
      second: { persist: undefined },
      third: { persist: undefined },
    })
    const docket = world.process({ graphs: [bare], persist: 'global' })
    for (const id of ['a', 'b']) await world.clock.settle(docket.execute(bare, Third, inputs, { id }))
    const seen = world.events.flatMap((event) =>
      event.type === 'cache.miss' || event.type === 'cache.hit' ? [`${event.type} ${event.step} ${event.scope}`] : [],
    )
    expect(seen).toEqual([
      'cache.miss First global',
      'cache.miss Second global',
      'cache.miss Third global',
      'cache.hit First global',
      'cache.hit Second global',
      'cache.hit Third global',
    ])
  })

  test('that nobody asks for keeps the execution alone', async () => {
    const world = new World()
    const { line: bare } = line({
      first: { persist: undefined },
      second: { persist: undefined },
      third: { persist: undefined },
    })
    const docket = world.process({ graphs: [bare] })
    await world.clock.settle(docket.execute(bare, Third, inputs, { id: 'a' }))
    const details = await (await docket.get('a'))!.details()
    expect(details).toMatchObject({ status: 'completed', output: 4 })
    expect((await world.store.readSteps(['a'])).steps).toEqual([])
  })
})

/** Runs until Third hangs, dies, and lets another process go on. */
async function afterDeath(policies: Parameters<typeof line>[0]) {
  const world = new World()
  let isDead = false
  const third = { run: (value: number) => (isDead ? value + 1 : door().promise) }
  const { line: graph, runs } = line({ ...policies, third: { ...policies?.third, ...third } })
  const { docket, die } = world.mortal({ graphs: [graph] })
  await docket.start(graph, Third, inputs, { id: 'a' })
  await world.clock.advance(10)
  die()
  isDead = true
  const before = runs.splice(0)
  const survivor = world.process({ graphs: [graph] })
  const result = await world.clock.settle((await survivor.get('a'))!.result())
  return { world, before, runs, result, survivor }
}

describe('on resume', () => {
  test('a step that is not persisted runs again if what needs it has not ended', async () => {
    const { before, runs, result } = await afterDeath({ second: { persist: undefined } })
    expect(before).toEqual(['First', 'Second', 'Third'])
    expect(runs).toEqual(['Second', 'Third'])
    expect(result).toBe(4)
  })

  test('a step that is not persisted does not run again if all that need it are done', async () => {
    const { runs, result } = await afterDeath({ first: { persist: undefined } })
    expect(runs).toEqual(['Third'])
    expect(result).toBe(4)
  })

  test('all runs again of an execution that persists no step', async () => {
    const none = { persist: undefined }
    const { runs, result } = await afterDeath({ first: none, second: none, third: none })
    expect(runs).toEqual(['First', 'Second', 'Third'])
    expect(result).toBe(4)
  })

  test('a committed step keeps its result though a step above gives another one now, and an event reports it', async () => {
    const world = new World()
    const A = number('A')
    const B = number('B')
    const C = number('C')
    const D = number('D')
    const E = number('E')
    let price = 10
    let charges = 0
    let isDead = false
    const prices = graph({
      name: 'prices',
      steps: [
        step({ name: 'Price', inputs: { a: A }, output: B, run: () => price++ }),
        step({
          name: 'Charge',
          inputs: { price: B },
          output: C,
          persist: 'execution',
          run: ({ price: paid }) => (charges++, paid),
        }),
        step({ name: 'Wait', inputs: { paid: C }, output: D, run: ({ paid }) => (isDead ? paid : door().promise) }),
        step({
          name: 'Sum',
          inputs: { price: B, paid: D },
          output: E,
          run: ({ price: asked, paid }) => asked * 100 + paid,
        }),
      ],
    })
    const { docket, die } = world.mortal({ graphs: [prices] })
    await docket.start(prices, E, { A: 1 }, { id: 'a' })
    await world.clock.advance(10)
    die()
    isDead = true
    const survivor = world.process({ graphs: [prices] })
    expect(await world.clock.settle((await survivor.get('a'))!.result())).toBe(1_110)
    expect(charges).toBe(1)
    expect(world.events.filter(({ type: kind }) => kind === 'step.inputs-changed')).toMatchObject([{ step: 'Charge' }])
  })

  test('what an attempt brought after its timeout holds, though the next one was under way at the death', async () => {
    const world = new World()
    const gate = door()
    let turn = 0
    const first = {
      timeout: '1s',
      retry: { maxAttempts: 2, backoff: '1s' },
      run: () => (turn++ === 0 ? gate.promise : door().promise),
    } as const
    const { line: graph } = line({ first })
    const { docket, die } = world.mortal({ graphs: [graph] })
    await docket.start(graph, Third, inputs, { id: 'a' })
    await world.clock.advance(1_500)
    gate.resolve(10)
    await world.clock.advance(1_000)
    die()
    // What of the dead one goes on in this test's process is not counted.
    const { line: again, runs } = line({ first })
    const survivor = world.process({ graphs: [again] })
    expect(await world.clock.settle((await survivor.get('a'))!.result())).toBe(12)
    expect(runs).toEqual(['Second', 'Third'])
  })

  test('no event reports inputs that are the same again', async () => {
    const { world } = await afterDeath({ second: { persist: undefined } })
    expect(world.events.filter(({ type: kind }) => kind === 'step.inputs-changed')).toEqual([])
  })

  test('a global step’s result is the execution’s own, though it has expired', async () => {
    const policy: PersistPolicy = { scope: 'global', ttl: '1s' }
    let value = 10
    const { runs, result } = await afterDeath({ first: { persist: policy, run: () => value++ } })
    expect(runs).toEqual(['Third'])
    expect(result).toBe(12)
  })

  test('values keep their types', async () => {
    const world = new World()
    const Rich = dataType('Rich', type<Readonly<Record<string, unknown>>>())
    const Done = dataType('Done', type<Readonly<Record<string, unknown>>>())
    const rich = {
      at: new Date(5),
      map: new Map([['a', 1n]]),
      set: new Set([1]),
      nothing: undefined,
      bytes: new Uint8Array([1, 2]),
    }
    let isDead = false
    let got: unknown
    const values = graph({
      name: 'values',
      steps: [
        step({ name: 'Make', inputs: { a: number('A') }, output: Rich, persist: 'execution', run: () => rich }),
        step({
          name: 'Use',
          inputs: { rich: Rich },
          output: Done,
          persist: 'execution',
          run: ({ rich: made }) => {
            got = made
            return isDead ? made : door<Readonly<Record<string, unknown>>>().promise
          },
        }),
      ],
    })
    const { docket, die } = world.mortal({ graphs: [values] })
    await docket.start(values, Done, { A: 1 }, { id: 'a' })
    await world.clock.advance(10)
    die()
    isDead = true
    const survivor = world.process({ graphs: [values] })
    expect(await world.clock.settle((await survivor.get('a'))!.result())).toStrictEqual(rich)
    expect(got).toStrictEqual(rich)
    expect((await survivor.list()).executions[0]!.output).toStrictEqual(rich)
  })
})
