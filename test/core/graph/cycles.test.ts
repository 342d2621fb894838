import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { all, optional, step } from '../../../src/index.ts'
import type { GraphError } from '../../../src/index.ts'
import { graphOf, number, thrownBy } from '../../loose-api.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)

const [A, B] = [number('A'), number('B')]

/** A step from some types to one, named after what it makes. */
function make(output: string, ...inputs: readonly string[]) {
  return step({
    name: `make ${output}`,
    inputs: Object.fromEntries(inputs.map((name) => [name, number(name)])),
    output: number(output),
    run: () => 1,
  })
}

function problemsOf(steps: readonly unknown[]) {
  return (thrownBy(() => graphOf(steps)) as GraphError).problems
}

const turned = (cycle: readonly string[]) =>
  cycle
    .slice(0, -1)
    .map((name, at) => `${name}→${cycle[at + 1]}`)
    .toSorted()

describe('cycles', () => {
  test.each<readonly [string, readonly (readonly string[])[], string]>([
    ['of one', [['A', 'A']], 'A → A'],
    [
      'of two',
      [
        ['A', 'B'],
        ['B', 'A'],
      ],
      'A → B → A',
    ],
    [
      'of three',
      [
        ['B', 'A'],
        ['C', 'B'],
        ['A', 'C'],
      ],
      'A → B → C → A',
    ],
  ])('%s are named in the direction of the data', (_, edges, text) => {
    const problems = problemsOf(edges.map(([output, ...inputs]) => make(output!, ...inputs)))
    expect(problems).toHaveLength(1)
    const told = /: (.+?);/.exec(problems[0]!.message)![1]!.split(' → ')
    // The same cycle may be told from any of its types.
    const names = text.split(' → ')
    expect(told[0]).toBe(told.at(-1))
    expect(told).toHaveLength(names.length)
    expect(turned(told)).toEqual(turned(names))
  })

  test('of 10,000 types are found, and named whole', () => {
    const length = 10_000
    const problems = problemsOf(Array.from({ length }, (_, index) => make(`N${index}`, `N${(index + 1) % length}`)))
    expect(problems).toHaveLength(1)
    expect(problems[0]!.message.split(' → ')).toHaveLength(length + 1)
  })

  test('that have nothing in common are all reported', () => {
    const problems = problemsOf([
      make('A', 'B'),
      make('B', 'A'),
      make('C', 'C'),
      make('D', 'E'),
      make('E', 'F'),
      make('F', 'D'),
    ])
    expect(problems.map(({ kind }) => kind)).toEqual(['cycle', 'cycle', 'cycle'])
  })

  test('through optional and all(T) ports are cycles too', () => {
    const viaOptional = [
      step({ name: 'a', inputs: { b: optional(B) }, output: A, run: () => 1 }),
      step({ name: 'b', inputs: { a: A }, output: B, run: () => 1 }),
    ]
    const viaAll = [
      step({ name: 'a', inputs: { b: all(B) }, output: A, run: () => 1 }),
      step({ name: 'b', inputs: { a: A }, output: B, run: () => 1 }),
    ]
    for (const steps of [viaOptional, viaAll]) expect(problemsOf(steps)).toMatchObject([{ kind: 'cycle' }])
  })

  test('leave out the way that leads to them', () => {
    const [problem] = problemsOf([make('Target', 'X'), make('X', 'A'), make('A', 'B'), make('B', 'A')])
    expect(problem!.message).not.toContain('X')
    expect(problem!.message).not.toContain('Target')
  })

  test('a diamond is none', () => {
    expect(graphOf([make('T', 'L', 'R'), make('L', 'A'), make('R', 'A'), make('A')]).name).toBeDefined()
  })

  test(`are reported exactly for the random graphs that have one, and what is reported is one (seed ${seed})`, () => {
    const edges = fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 14 })
    fc.assert(
      fc.property(edges, (pairs) => {
        const needs = new Map(Array.from({ length: 8 }, (_, index) => [`N${index}`, new Set<string>()]))
        for (const [to, from] of pairs) needs.get(`N${to}`)!.add(`N${from}`)
        const steps = [...needs].map(([output, inputs]) => make(output, ...inputs))
        const reaches = (start: string): boolean => {
          const seen = new Set<string>()
          const open = [...needs.get(start)!]
          for (const name of open) {
            if (name === start) return true
            if (seen.has(name)) continue
            seen.add(name)
            open.push(...needs.get(name)!)
          }
          return false
        }
        const isCyclic = [...needs.keys()].some(reaches)
        if (!isCyclic) {
          graphOf(steps)
          return
        }
        for (const { kind, message } of problemsOf(steps)) {
          expect(kind).toBe('cycle')
          const told = /cycle: (.+?);/.exec(message)![1]!.split(' → ')
          expect(told[0]).toBe(told.at(-1))
          for (let at = 1; at < told.length; at++) expect(needs.get(told[at]!)!.has(told[at - 1]!), message).toBe(true)
          expect(new Set(told).size).toBe(told.length - 1)
        }
      }),
      { seed },
    )
  })
})
