import { describe, expect, test } from 'vitest'
import { all, explain, graph, optional, race, untypedGraph } from '../../../src/index.ts'
import type { GraphError } from '../../../src/index.ts'
import { VirtualTime } from '../virtual-time.ts'
import { Fast, inputs, Order, pick, ports, racers, Slow, Winner } from './racers.ts'

const problemsOf = (steps: readonly unknown[]): readonly string[] => {
  try {
    untypedGraph({ name: 'races', steps: steps as never })
    return []
  } catch (error) {
    return (error as GraphError).problems.map(({ message }) => message)
  }
}
const declare = (declaration: object): unknown => race({ name: 'Pick', output: Winner, ...declaration } as never)

describe('explain', () => {
  test('shows a race as what it is, in text and in Mermaid', () => {
    const clock = new VirtualTime(0)
    const { makeFast, makeSlow } = racers(clock)
    const plan = explain(graph({ name: 'races', steps: [makeFast, makeSlow, pick] }), Winner, inputs)
    expect(plan.steps.map(({ name, kind }) => [name, kind])).toEqual([
      ['MakeFast', 'step'],
      ['MakeSlow', 'step'],
      ['Pick', 'race'],
    ])
    expect(String(plan)).toContain('Pick      run      race(Fast, Slow) → Winner')
    expect(plan.toMermaid()).toContain('step2{{"Pick"}}')
  })

  test('shows a race that an override decides with that input alone', () => {
    const clock = new VirtualTime(0)
    const { makeFast, makeSlow } = racers(clock)
    const races = graph({ name: 'races', steps: [makeFast, makeSlow, pick] })
    const plan = explain(races, Winner, inputs, { overrides: { Fast: 'given' } })
    expect(plan.edges).toEqual([{ from: 'Fast', to: 'Pick', type: 'Fast' }])
    expect(String(plan)).toContain('Pick  run      race(Fast) → Winner')
    expect(plan.toMermaid()).not.toContain('undefined')
  })
})

describe('graph() refuses', () => {
  const clock = new VirtualTime(0)
  const { makeFast, makeSlow } = racers(clock)

  test.each([
    [
      'a race of one',
      { inputs: { fast: Fast } },
      'step "Pick" is a race of one: give it at least two inputs, or make it a step',
    ],
    ['a race of none', { inputs: {} }, 'step "Pick" is a race of none: give it at least two inputs, or make it a step'],
    [
      'an optional input',
      { inputs: { fast: optional(Fast), slow: Slow } },
      'step "Pick": its input "fast" is optional("Fast"), but a race goes on without an input that fails: take "Fast" as it is',
    ],
    [
      'an input that gathers a batch',
      { inputs: { fast: all(Fast), slow: Slow } },
      'step "Pick": its input "fast" is all("Fast"), which waits for all items of a batch: a race can\'t take it; take the type that a step makes of them',
    ],
    [
      'two inputs of one type',
      { inputs: { one: Fast, two: Fast } },
      'step "Pick": its inputs "one" and "two" are both "Fast"; each must be of another type',
    ],
    [
      'an input that the caller gives',
      { inputs: { order: Order, fast: Fast } },
      'step "Pick": its input "order" takes "Order", which no step produces; what callers give is there from the start and would always win: a race is between what steps make',
    ],
    [
      'global results',
      { inputs: ports, persist: 'global' },
      "step \"Pick\": a race can't be persisted with scope 'global', since what comes first differs from one execution to the next; in a docket it is always persisted for its execution",
    ],
    ['an unknown option', { inputs: ports, tiemout: 3 }, /^step "Pick" has the unknown option "tiemout"/],
    ['a run that is no function', { inputs: ports, run: 3 }, 'step "Pick" has no run function; run is 3'],
  ])('%s', (_, declaration, message) => {
    expect(problemsOf([makeFast, makeSlow, declare(declaration)])).toEqual([
      typeof message === 'string' ? message : expect.stringMatching(message),
    ])
  })

  test('no race without a function: it hands its winner on', () => {
    expect(problemsOf([makeFast, makeSlow, declare({ inputs: ports, run: undefined })])).toEqual([])
  })
})
