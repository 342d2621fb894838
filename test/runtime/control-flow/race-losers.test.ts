import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, execute, graph, race, step } from '../../../src/index.ts'
import type { ExecutionEvent } from '../../../src/index.ts'
import { VirtualTime } from '../virtual-time.ts'
import { inputs, pick, racers, Slow, Winner } from './racers.ts'

describe('what only a loser needs', () => {
  const Raw = dataType('Raw', z.string())
  const Cooked = dataType('Cooked', z.number())

  /** A long way to Slow: what it needs runs when the race is decided, or has not begun. */
  function longWay(clock: VirtualTime) {
    const log: string[] = []
    const raw = step({
      name: 'ReadRaw',
      inputs: {},
      output: Raw,
      run: async (_, { signal }) => {
        signal.addEventListener('abort', () => log.push(`raw: ${(signal.reason as Error).name}`))
        await clock.sleep(30)
        return 'raw'
      },
    })
    const cook = step({
      name: 'Cook',
      inputs: { raw: Raw },
      output: Cooked,
      run: () => void log.push('cooked') as never,
    })
    const slow = step({ name: 'MakeSlow', inputs: { cooked: Cooked }, output: Slow, run: ({ cooked }) => cooked })
    return { raw, cook, slow, log }
  }

  test('is aborted, or never starts', async () => {
    const clock = new VirtualTime(0)
    const { makeFast } = racers(clock)
    const { raw, cook, slow, log } = longWay(clock)
    const After = dataType('After', z.string())
    const after = step({
      name: 'After',
      inputs: { winner: Winner },
      output: After,
      run: async ({ winner }) => (await clock.sleep(100), String(winner)),
    })
    const declared = graph({ name: 'races', steps: [raw, cook, slow, makeFast, pick, after] })
    const events: ExecutionEvent[] = []
    const observers = [(event: ExecutionEvent): void => void events.push(event)]
    expect(await clock.settle(execute(declared, After, inputs, { clock, observers }))).toBe('fast o')
    expect(log).toEqual(['raw: RaceLostError'])
    const cancelled = events.filter((event) => event.type === 'step.cancelled')
    expect(cancelled).toMatchObject([{ step: 'ReadRaw', status: 'cancelled', reason: { race: 'Pick', port: 'fast' } }])
    expect(events.at(-1)).toMatchObject({ type: 'execution.ended', status: 'completed' })
  })

  test('goes on where something else on the way to the target needs it', async () => {
    const clock = new VirtualTime(0)
    const { makeFast } = racers(clock)
    const { raw, cook, slow, log } = longWay(clock)
    const After = dataType('After', z.string())
    const after = step({
      name: 'After',
      inputs: { winner: Winner, raw: Raw },
      output: After,
      run: ({ winner, raw }) => `${winner} ${raw}`,
    })
    const declared = graph({ name: 'races', steps: [raw, cook, slow, makeFast, pick, after] })
    expect(await clock.settle(execute(declared, After, inputs, { clock }))).toBe('fast o raw')
    expect(log).toEqual([])
  })

  test('goes on where another race still needs it, until that is decided too', async () => {
    const clock = new VirtualTime(0)
    const { makeFast, makeSlow, aborted } = racers(clock)
    const Third = dataType('Third', z.string())
    const Second = dataType('Second', z.union([z.string(), z.number()]))
    const After = dataType('After', z.string())
    const third = step({
      name: 'MakeThird',
      inputs: {},
      output: Third,
      run: async () => (await clock.sleep(20), 'third'),
    })
    const second = race({ name: 'PickSecond', inputs: { slow: Slow, third: Third }, output: Second })
    const after = step({
      name: 'After',
      inputs: { winner: Winner, second: Second },
      output: After,
      run: ({ winner, second }) => `${winner} ${second} ${clock.elapsed()}`,
    })
    const declared = graph({ name: 'races', steps: [makeFast, makeSlow, third, pick, second, after] })
    expect(await clock.settle(execute(declared, After, inputs, { clock }))).toBe('fast o third 20')
    expect(aborted['MakeSlow']).toMatchObject({ race: 'PickSecond', port: 'third' })
  })

  test('gives its slot of a concurrency limit back', async () => {
    const clock = new VirtualTime(0)
    const { makeFast } = racers(clock)
    const slow = step({
      name: 'MakeSlow',
      inputs: {},
      output: Slow,
      concurrency: 1,
      run: () => new Promise<number>(() => {}),
    })
    const declared = graph({ name: 'races', steps: [slow, makeFast, pick] })
    const both = Promise.all([
      execute(declared, Winner, inputs, { clock }),
      execute(declared, Winner, inputs, { clock }),
    ])
    expect(await clock.settle(both)).toEqual(['fast o', 'fast o'])
    expect(await clock.settle(execute(declared, Winner, inputs, { clock }))).toBe('fast o')
  })

  test('does not begin though it was ready: a race that another race has no more need of', async () => {
    const clock = new VirtualTime(0)
    const { makeFast, makeSlow } = racers(clock)
    const Last = dataType('Last', z.union([z.string(), z.number()]))
    const calls: string[] = []
    const first = race({
      name: 'Pick',
      inputs: pick.inputs,
      output: Winner,
      run: ({ value }) => {
        calls.push('first')
        return value
      },
    })
    const last = race({ name: 'PickLast', inputs: { winner: Winner, fast: pick.inputs.fast }, output: Last })
    for (const steps of [
      [makeFast, makeSlow, first, last],
      [last, first, makeSlow, makeFast],
    ]) {
      const declared = graph({ name: 'races', steps: steps as never }) as never
      expect(await clock.settle(execute(declared, Last as never, inputs as never, { clock }))).toBe('fast o')
    }
    expect(calls).toEqual([])
  })
})
