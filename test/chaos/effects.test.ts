import { expect, test } from 'vitest'
import type { LogLine } from './chaos-log.ts'
import { effectsOf } from './effects.ts'

const steps = [{ name: 'Charge', from: [], scope: 'execution' }] as const

type Line = Pick<LogLine, 'kind' | 'at'> & Partial<LogLine>

/** A step begins in one process at 0 ms, and in another one at 500 ms; `more` is what happened besides. */
function judged(...more: readonly Line[]): ReturnType<typeof effectsOf> {
  const begin = {
    kind: 'begin',
    execution: 'x',
    step: 'Charge',
    attempt: 1,
    idempotencyKey: 'k',
    from: {},
    n: 1,
  } as const
  const lines = [
    { ...begin, worker: 'w1', at: 0 },
    { ...begin, worker: 'w2', turn: 2, at: 500 },
    ...more.map((line) => ({ worker: 'w1', ...line })),
  ]
  return effectsOf(
    lines.toSorted((one, other) => one.at - other.at),
    'redis',
    steps,
  )
}

const causes = (line: Line): unknown => judged(line).counts.causes
const alive = {
  kind: 'begin',
  execution: 'y',
  step: 'Charge',
  attempt: 1,
  idempotencyKey: 'y',
  from: {},
  n: 1,
} as const

test('an effect that is had twice while the first process lives is a violation', () => {
  expect(judged().violations).toEqual(['x Charge ran in w1 and again in w2 for no reason'])
})

test('what keeps the first process from writing is a reason', () => {
  expect(causes({ kind: 'killed', at: 300 })).toEqual({ killed: 1 })
  expect(causes({ kind: 'closing', at: 300 })).toEqual({ closed: 1 })
  expect(causes({ kind: 'lost', execution: 'x', at: 700 })).toEqual({ 'lease lost': 1 })
})

test('a process that has lost its lease may end before it says so, but does not live on without saying it', () => {
  expect(judged({ ...alive, at: 600 }, { kind: 'killed', at: 650 })).toMatchObject({
    counts: { causes: { 'lease lost unheard': 1 } },
    violations: [],
  })
  expect(causes({ kind: 'closing', at: 650 })).toEqual({ 'lease lost unheard': 1 })
  expect(judged({ ...alive, at: 600 }, { kind: 'killed', at: 5_000 }).violations).toHaveLength(1)
})

test('what a process does in the turn in which it wakes up was decided before it was stopped; what it does later was not', () => {
  const asleep = [
    { kind: 'ready', worker: 'w2', turn: 1, at: 1 },
    { kind: 'stopped', worker: 'w2', at: 2 },
    { kind: 'continued', worker: 'w2', at: 480 },
  ] as const
  const wokenIn = (turn: number) => [...asleep, { ...alive, worker: 'w2', turn, at: 490 }]
  expect(judged(...wokenIn(2)).violations).toEqual([])
  expect(judged(...wokenIn(1)).violations).toHaveLength(1)
})
