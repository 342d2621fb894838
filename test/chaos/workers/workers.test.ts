import { expect, test } from 'vitest'
import type { LogLine } from '../chaos-log.ts'
import { limitsIn } from './limit-rules.ts'
import { runWorkers, workersPlan, workersText } from './workers-run.ts'

// The long form is `npm run chaos -- --workers`.
const isEven = Date.now() % 2 === 0
const places = [
  { store: 'redis', engine: 'bullmq' },
  { store: 'postgres', engine: isEven ? 'bullmq' : 'none' },
] as const
test.each(places)(
  'workers of two versions over $store, engine $engine, survive kills, stops, and what happens to store and engine, with their limits and their schedule',
  { timeout: 180_000 },
  async (place) => {
    const seed = Math.floor(Math.random() * 1e9)
    const outcome = await runWorkers(place, workersPlan(3_000, { workers: 3, pauseMs: 300, afterwards: 10 }), seed)
    console.log(workersText(place, seed, outcome))
    expect(outcome.violations).toEqual([])
    expect(outcome.ticks).toBeGreaterThan(2)
    expect(outcome.limits.most['calls']).toBeGreaterThan(0)
  },
)

/** A line about one step of an execution. */
const line = (
  kind: LogLine['kind'],
  at: number,
  worker: string,
  execution = '',
  more: Partial<LogLine> = {},
): LogLine => ({
  kind,
  at,
  worker,
  execution,
  step: 'Call',
  attempt: 1,
  seed: 0,
  ...more,
})
const three = ['x0', 'x3', 'x6'].map((id, index) => line('begin', 10 + index, `w${index}`, id))
const violationsIn = (lines: readonly LogLine[]): number => limitsIn(lines, 900).violations.length

test('three calls of a customer at the same time are found, whoever makes them', () => {
  expect(violationsIn(three)).toBe(1)
  expect(violationsIn([...three.slice(0, 2), line('end', 11, 'w0', 'x0'), three[2]!])).toBe(0)
  expect(violationsIn([...three.slice(0, 2), line('begin', 12, 'w2', 'x1', { seed: 1 })])).toBe(0)
})

test('what was killed holds no slot, and what stood still holds its own as long as its lease lasts', () => {
  const third = (at: number): LogLine => line('begin', at, 'w2', 'x6')
  const [first, second] = three as [LogLine, LogLine]
  expect(violationsIn([first, second, line('killed', 100, 'w0'), third(150)])).toBe(0)
  const stop = [line('stopped', 100, 'w0'), line('continued', 2_000, 'w0')]
  expect(violationsIn([first, second, stop[0]!, third(400), stop[1]!])).toBe(1)
  expect(violationsIn([first, second, stop[0]!, third(1_200), stop[1]!])).toBe(0)
  // It was stopped between its grant and its beginning.
  const late = line('begin', 2_050, 'w0', 'x0')
  expect(violationsIn([second, third(1_200), ...stop, late])).toBe(0)
})

test('more executions of a queue, or of a key of one, than may run are found', () => {
  const fetches = Array.from({ length: 6 }, (_, n) => line('begin', 10, 'w0', `x${n}`, { step: 'Fetch' }))
  expect(violationsIn(fetches.slice(1))).toBe(0)
  expect(violationsIn(fetches)).toBe(1)
  // Two steps of one execution are one.
  expect(violationsIn([...fetches.slice(1), line('begin', 11, 'w0', 'x1', { step: 'Stamp' })])).toBe(0)
  const renders = ['x0/Render', 'x3/Render'].map((id) => line('begin', 10, 'w0', id, { step: 'Render' }))
  expect(violationsIn(renders)).toBe(1)
})
