import { expect, test } from 'vitest'
import { placeMaker } from '../place.ts'
import { violationsOf } from './check-history.ts'
import type { Operated } from './check-history.ts'
import { runRegister } from './register-run.ts'

const newPlace = await placeMaker()

test.each([
  ['function', 'sqlite'],
  ['function', 'postgres'],
  ['machine', 'sqlite'],
] as const)(
  'updates of a register, a %s, whose processes are killed on %s have one order, in which each finds what the one before it left',
  async (of, kind) => {
    const place = await newPlace(kind)
    const { operations, kills, violations } = await runRegister(place.address, 10_000, 1, of)
    expect(violations).toEqual([])
    // How many there are is the machine's business: about a hundred where it is idle.
    expect(operations).toBeGreaterThan(3)
    expect(kills).toBeGreaterThan(3)
  },
  60_000,
)

const operated = (id: string, kind: Operated['kind'], amount: number, times: [number, number], answer: number[]) => {
  const [turn, before, after] = answer as [number, number, number]
  return { id, kind, amount, calledAt: times[0], answeredAt: times[1], answer: { turn, before, after } }
}

test('a history in which a value is lost, comes twice, or overtakes another one is found out', () => {
  const first = operated('a', 'write', 5, [0, 10], [1, 0, 5])
  expect(violationsOf([first, operated('b', 'add', 2, [5, 20], [2, 5, 7])])).toEqual([])
  expect(violationsOf([first, operated('b', 'add', 2, [5, 20], [2, 0, 2])])).toEqual([
    'b found 0 where 5 had been left',
  ])
  expect(violationsOf([first, operated('b', 'add', 2, [5, 20], [3, 5, 7])])).toEqual(['b has turn 3 in the place 2'])
  expect(violationsOf([first, operated('b', 'read', 2, [5, 20], [2, 5, 7])])).toEqual(['b left 7, not 5'])
  // It was answered when the first one had not been called.
  expect(
    violationsOf([operated('a', 'write', 5, [50, 60], [1, 0, 5]), operated('b', 'add', 2, [5, 20], [2, 5, 7])]),
  ).toEqual(['b was answered before a was called, and comes after it'])
})
