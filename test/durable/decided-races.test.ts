import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, graph, race, step } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Seed = dataType('Seed', z.string())
const Fast = dataType('Fast', z.string())
const Slow = dataType('Slow', z.string())
const Winner = dataType('Winner', z.string())
const Side = dataType('Side', z.string())
const Report = dataType('Report', z.string())
const inputs = { Seed: 's' }
const never = (): Promise<string> => new Promise(() => {})

/** What the functions do at the moment, and how often they were called. */
class Life {
  fast: () => string | Promise<string> = () => `fast ${this.calls.filter((call) => call === 'Fast').length}`
  slow: () => string | Promise<string> = never
  decide: (first: string) => string | Promise<string> = (first) => first
  readonly calls: string[] = []

  graph(persist?: 'execution') {
    const called = <Value>(name: string, value: () => Value): Value => {
      this.calls.push(name)
      return value()
    }
    const fast = step({
      name: 'Fast',
      inputs: { seed: Seed },
      output: Fast,
      persist,
      run: () => called('Fast', this.fast),
    })
    const slow = step({ name: 'Slow', inputs: { seed: Seed }, output: Slow, run: () => called('Slow', this.slow) })
    const decide = race({
      name: 'Decide',
      inputs: { fast: Fast, slow: Slow },
      output: Winner,
      run: ({ port, value }) => called('Decide', () => this.decide(`${port}: ${value}`)),
    })
    const side = step({
      name: 'Side',
      inputs: { seed: Seed },
      output: Side,
      persist: 'execution',
      run: () => called('Side', () => 'side'),
    })
    const report = step({
      name: 'Report',
      inputs: { winner: Winner, side: Side },
      output: Report,
      run: ({ winner, side: beside }) => `${winner}, ${beside}`,
    })
    return graph({ name: 'deciding', steps: [fast, slow, decide, side, report] })
  }
}

const fails = (): never => {
  throw new Error('not now')
}

describe('a fork', () => {
  test('from an input of a race makes the race anew, and all behind it', async () => {
    const world = new World()
    const life = new Life()
    const declared = life.graph('execution')
    const docket = world.process({ graphs: [declared] })
    expect(await world.clock.settle(docket.execute(declared, Report, inputs, { id: 'a' }))).toBe('fast: fast 1, side')
    const fork = await world.clock.settle(docket.fork('a', { from: 'Fast' }))
    expect(await world.clock.settle(fork.result())).toBe('fast: fast 2, side')
    expect(life.calls.filter((call) => call !== 'Slow')).toEqual(['Fast', 'Side', 'Decide', 'Fast', 'Decide'])
  })

  test('of an execution whose race was decided and then failed tries it again with its winner', async () => {
    const world = new World()
    const life = new Life()
    const declared = life.graph('execution')
    const docket = world.process({ graphs: [declared] })
    life.decide = fails
    const handle = await world.clock.settle(docket.start(declared, Report, inputs, { id: 'a' }))
    await expect(world.clock.settle(handle.result())).rejects.toMatchObject({ step: 'Decide' })
    const { steps } = (await handle.details())!
    expect(steps.find(({ step: name }) => name === 'Decide')).toMatchObject({ status: 'failed', output: undefined })
    life.decide = (first) => first
    life.fast = never
    life.slow = () => 'slow'
    const fork = await world.clock.settle(docket.fork('a', { from: 'Side', id: 'b' }))
    expect(await world.clock.settle(fork.result())).toBe('fast: fast 1, side')
    const anew = await world.clock.settle(docket.fork('a', { from: 'Fast', id: 'c' }))
    expect(await world.clock.settle(anew.result())).toBe('slow: slow, side')
  })
})

describe('a batch that is retried', () => {
  test('keeps what won the race of an item whose function had failed, also when the process dies of it', async () => {
    const world = new World()
    const life = new Life()
    life.decide = fails
    const declared = life.graph()
    const { docket, die } = world.mortal({ graphs: [declared], lease: '2s' })
    const batch = await world.clock.settle(docket.startBatch(declared, Winner, [inputs], { id: 'a' }))
    await expect(world.clock.settle(batch.result())).rejects.toMatchObject({ cause: { message: 'not now' } })
    life.fast = never
    life.slow = () => 'slow'
    const decided: string[] = []
    life.decide = (first) => {
      decided.push(first)
      return never()
    }
    await world.clock.settle(docket.retry('a'))
    await world.clock.advance(100)
    die()
    life.decide = (first) => {
      decided.push(first)
      return first
    }
    const other = world.process({ graphs: [declared] })
    await world.clock.advance(10_000)
    expect(await world.clock.settle((await other.get('a'))!.result())).toEqual(['fast: fast 1'])
    expect(decided).toEqual(['fast: fast 1', 'fast: fast 1'])
  })
})

describe('an execution that goes on after its race', () => {
  test.each([
    ['winner', 1, ['Decide']],
    ['loser', 2, []],
  ] as const)(
    'reports that the %s gave another value this time only where the race took it',
    async (_, changed, reported) => {
      const world = new World()
      let life = 0
      const value = (which: number): string => (life === 1 && which === changed ? 'another' : `value ${which}`)
      const fast = step({ name: 'Fast', inputs: { seed: Seed }, output: Fast, run: () => value(1) })
      const slow = step({
        name: 'Slow',
        inputs: { seed: Seed },
        output: Slow,
        run: async () => (await world.clock.sleep(100), value(2)),
      })
      const decide = race({ name: 'Decide', inputs: { fast: Fast, slow: Slow }, output: Winner })
      const report = step({
        name: 'Report',
        inputs: { winner: Winner, one: Fast, two: Slow },
        output: Report,
        run: ({ winner }) => (life === 0 ? never() : winner),
      })
      const declared = graph({ name: 'deciding', steps: [fast, slow, decide, report] })
      const { docket, die } = world.mortal({ graphs: [declared] })
      await docket.start(declared, Report, inputs, { id: 'a' })
      await world.clock.advance(1_000)
      die()
      life = 1
      const next = world.process({ graphs: [declared] })
      await world.clock.advance(60_000)
      expect(await world.clock.settle((await next.get('a'))!.result())).toBe('value 1')
      const events = world.events.flatMap((event) => (event.type === 'step.inputs-changed' ? [event.step] : []))
      expect(events).toEqual(reported)
    },
  )
})
