import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  AbortExecutionError,
  dataType,
  execute,
  graph,
  optional,
  race,
  RaceLostError,
  step,
  StepError,
  StepTimeoutError,
} from '../../../src/index.ts'
import type { ExecutionEvent } from '../../../src/index.ts'
import { VirtualTime } from '../virtual-time.ts'
import { fail, Fast, inputs, pick, ports, racers, Slow, Winner } from './racers.ts'

const abortAll = (): never => {
  throw new AbortExecutionError('stop it all')
}

describe('a race', () => {
  test('has the value of the step that succeeds first, and aborts the other with a RaceLostError', async () => {
    const clock = new VirtualTime(0)
    const { makeFast, makeSlow, aborted } = racers(clock)
    const declared = graph({ name: 'races', steps: [makeFast, makeSlow, pick] })
    expect(await clock.settle(execute(declared, Winner, inputs, { clock }))).toBe('fast o')
    expect(aborted).toEqual({ MakeSlow: expect.any(RaceLostError) })
    expect(aborted['MakeSlow']).toMatchObject({ code: 'RACE_LOST', race: 'Pick', port: 'fast', step: 'MakeSlow' })
    expect(clock.elapsed()).toBe(10)
  })

  test('gives its function the port that came first, and its value', async () => {
    const clock = new VirtualTime(0)
    const { makeFast, makeSlow } = racers(clock, { fast: fail('down') })
    const Text = dataType('Text', z.string())
    const tell = race({
      name: 'Tell',
      inputs: ports,
      output: Text,
      run: (first) => (first.port === 'fast' ? first.value.toUpperCase() : first.value.toFixed(1)),
    })
    const declared = graph({ name: 'races', steps: [makeFast, makeSlow, tell] })
    expect(await clock.settle(execute(declared, Text, inputs, { clock }))).toBe('7.0')
  })

  test('goes on with the other when one fails, and fails with an AggregateError in the order of declaration when all do', async () => {
    const clock = new VirtualTime(0)
    const { makeFast, makeSlow } = racers(clock, { fast: fail('fast is down'), slow: fail('slow is down') })
    const backwards = race({ name: 'Pick', inputs: { slow: Slow, fast: Fast }, output: Winner })
    const declared = graph({ name: 'races', steps: [makeFast, makeSlow, backwards] })
    const error = await clock.settle(execute(declared, Winner, inputs, { clock }).catch((thrown: unknown) => thrown))
    expect(error).toBeInstanceOf(StepError)
    expect(error).toMatchObject({ step: 'Pick', path: ['Winner'] })
    const { cause } = error as StepError
    expect(cause).toBeInstanceOf(AggregateError)
    expect((cause as AggregateError).errors).toMatchObject([
      { step: 'MakeSlow', cause: { message: 'slow is down' } },
      { step: 'MakeFast', cause: { message: 'fast is down' } },
    ])
    expect((error as Error).message).toMatch(
      /^step "Pick" failed: no input of the race "Pick" came: slow: .*slow is down; fast: .*fast is down$/,
    )
  })

  test('of which an input is skipped, because something above it failed, takes the other', async () => {
    const Source = dataType('Source', z.string())
    const clock = new VirtualTime(0)
    const { makeSlow } = racers(clock)
    const source = step({ name: 'ReadSource', inputs: {}, output: Source, run: fail('no source') as () => string })
    const fast = step({ name: 'MakeFast', inputs: { source: Source }, output: Fast, run: ({ source }) => source })
    const declared = graph({ name: 'races', steps: [source, fast, makeSlow, pick] })
    expect(await clock.settle(execute(declared, Winner, inputs, { clock }))).toBe(7)
  })

  test('falls back where it has a fallback, which gets no input when none came', async () => {
    const clock = new VirtualTime(0)
    const { makeFast, makeSlow } = racers(clock, { fast: fail('a'), slow: fail('b') })
    const seen: unknown[] = []
    const safe = race({
      name: 'Pick',
      inputs: ports,
      output: Winner,
      fallback: (error, first) => {
        seen.push(error, first)
        return 'nobody'
      },
    })
    const declared = graph({ name: 'races', steps: [makeFast, makeSlow, safe] })
    expect(await clock.settle(execute(declared, Winner, inputs, { clock }))).toBe('nobody')
    expect(seen).toEqual([expect.any(AggregateError), undefined])
  })

  test('that fails is tolerated as an optional input, and can be an input of another race', async () => {
    const clock = new VirtualTime(0)
    const { makeFast, makeSlow } = racers(clock, { fast: fail('a'), slow: fail('b') })
    const Shown = dataType('Shown', z.string())
    const Other = dataType('Other', z.string())
    const Last = dataType('Last', z.union([z.string(), z.number()]))
    const show = step({
      name: 'Show',
      inputs: { winner: optional(Winner) },
      output: Shown,
      run: ({ winner }) => String(winner),
    })
    const other = step({
      name: 'MakeOther',
      inputs: {},
      output: Other,
      run: async () => (await clock.sleep(90), 'other'),
    })
    const last = race({ name: 'PickLast', inputs: { winner: Winner, other: Other }, output: Last })
    const declared = graph({ name: 'races', steps: [makeFast, makeSlow, pick, show, other, last] })
    expect(await clock.settle(execute(declared, Shown, inputs, { clock }))).toBe('undefined')
    expect(await clock.settle(execute(declared, Last, inputs, { clock }))).toBe('other')
  })

  test('is stopped, with the whole execution, by an input that aborts it', async () => {
    const clock = new VirtualTime(0)
    const { makeFast, makeSlow } = racers(clock, { fast: abortAll })
    const declared = graph({ name: 'races', steps: [makeFast, makeSlow, pick] })
    const ended = execute(declared, Winner, inputs, { clock })
    await expect(clock.settle(ended)).rejects.toMatchObject({ step: 'MakeFast' })
  })

  test('retries and times out as its function does, with the same input', async () => {
    const clock = new VirtualTime(0)
    const { makeFast, makeSlow } = racers(clock)
    const tries: unknown[] = []
    const tried = race({
      name: 'Pick',
      inputs: ports,
      output: Winner,
      timeout: 20,
      retry: { maxAttempts: 3 },
      run: async (first) => {
        tries.push(first)
        if (tries.length === 1) throw new Error('once')
        if (tries.length === 2) await clock.sleep(1_000)
        return first.value
      },
    })
    const declared = graph({ name: 'races', steps: [makeFast, makeSlow, tried] })
    const events: ExecutionEvent[] = []
    const observers = [(event: ExecutionEvent): void => void events.push(event)]
    expect(await clock.settle(execute(declared, Winner, inputs, { clock, observers }))).toBe('fast o')
    expect(tries).toEqual(Array.from({ length: 3 }, () => ({ port: 'fast', value: 'fast o' })))
    const failed = events.filter((event) => event.type === 'attempt.failed')
    expect(failed.map(({ error }) => error instanceof StepTimeoutError)).toEqual([false, true])
  })

  test('does not wait for an input that never comes', async () => {
    const clock = new VirtualTime(0)
    const { makeFast } = racers(clock)
    const never = step({ name: 'Never', inputs: {}, output: Slow, run: () => new Promise<number>(() => {}) })
    const declared = graph({ name: 'races', steps: [never, makeFast, pick] })
    expect(await clock.settle(execute(declared, Winner, inputs, { clock }))).toBe('fast o')
  })
})

describe('the winner', () => {
  test('is the value that came first, where two come in one turn', async () => {
    const one = step({ name: 'One', inputs: {}, output: Fast, run: () => Promise.resolve('one') })
    const two = step({ name: 'Two', inputs: {}, output: Slow, run: () => Promise.resolve(2) })
    const inOrder = graph({ name: 'races', steps: [one, two, pick] })
    expect(await execute(inOrder, Winner, {})).toBe('one')
    const backwards = race({ name: 'Pick', inputs: { slow: Slow, fast: Fast }, output: Winner })
    expect(await execute(graph({ name: 'races', steps: [one, two, backwards] }), Winner, {})).toBe(2)
  })

  test('stays the winner when a loser comes later, though it is needed elsewhere and goes on', async () => {
    const clock = new VirtualTime(0)
    const { makeFast, makeSlow, aborted } = racers(clock)
    const Both = dataType('Both', z.string())
    const both = step({
      name: 'Both',
      inputs: { winner: Winner, slow: Slow },
      output: Both,
      run: ({ winner, slow }) => `${winner} ${slow}`,
    })
    const declared = graph({ name: 'races', steps: [makeFast, makeSlow, pick, both] })
    expect(await clock.settle(execute(declared, Both, inputs, { clock }))).toBe('fast o 7')
    expect(aborted).toEqual({})
  })

  test('is a value that may be undefined', async () => {
    const Maybe = dataType('Maybe', z.string().optional())
    const Any = dataType('Any', z.union([z.string().optional(), z.number()]))
    const maybe = step({ name: 'Maybe', inputs: {}, output: Maybe, run: () => undefined })
    const never = step({ name: 'Never', inputs: {}, output: Slow, run: () => new Promise<number>(() => {}) })
    const any = race({ name: 'Pick', inputs: { slow: Slow, maybe: Maybe }, output: Any })
    expect(await execute(graph({ name: 'races', steps: [never, maybe, any] }), Any, {})).toBeUndefined()
  })
})
