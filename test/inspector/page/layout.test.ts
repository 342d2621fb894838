import fc from 'fast-check'
import { expect, test } from 'vitest'
import { layOut } from '../../../src/inspector/page/graph/layered-layout.ts'
import { planGraph, statesOf } from '../../../src/inspector/page/graph/plan-graph.ts'
import { layOutChart } from '../../../src/inspector/page/machine/chart-layout.ts'
import { activePaths, statechartOf } from '../../../src/inspector/page/machine/statechart.ts'
import { durationText } from '../../../src/inspector/page/text/time-text.ts'
import { shortText, visibleText } from '../../../src/inspector/page/text/visible-text.ts'
import { squeezedTime } from '../../../src/inspector/page/timeline/squeezed-time.ts'
import { timelineRows } from '../../../src/inspector/page/timeline/timeline-rows.ts'
import { manySteps } from './hard-plans.ts'
import { packing } from './packing.ts'
import { stepView } from './step-views.ts'

const graphs = fc
  .integer({ min: 1, max: 40 })
  .chain((count) =>
    fc.tuple(
      fc.constant(count),
      fc.array(fc.tuple(fc.nat({ max: count - 1 }), fc.nat({ max: count - 1 })), { maxLength: 120 }),
      fc.array(fc.integer({ min: 10, max: 90 }), { minLength: count, maxLength: count }),
    ),
  )

test('no box of a graph lies on another, whatever its arrows are, circles too', () => {
  fc.assert(
    fc.property(graphs, ([count, arrows, heights]) => {
      const widths = heights.map((height) => height * 2)
      const from = arrows.map(([start]) => start)
      const to = arrows.map(([, end]) => end)
      const { x, y, width, height } = layOut({ widths, heights, from, to, gapX: 20, gapY: 8 })
      for (let one = 0; one < count; one++) {
        expect(x[one]! + widths[one]!).toBeLessThanOrEqual(width)
        expect(y[one]! + heights[one]!).toBeLessThanOrEqual(height)
        for (let other = 0; other < one; other++) {
          const isApart =
            x[one]! + widths[one]! <= x[other]! ||
            x[other]! + widths[other]! <= x[one]! ||
            y[one]! + heights[one]! <= y[other]! + 1e-6 ||
            y[other]! + heights[other]! <= y[one]! + 1e-6
          expect(isApart, `${one} and ${other}`).toBe(true)
        }
      }
    }),
  )
})

test('every arrow of a plan leads to the right', () => {
  const steps = manySteps(2_000)
  const { nodes, from, to } = planGraph(steps)
  const sizes = nodes.map(() => 10)
  const { x } = layOut({ widths: sizes, heights: sizes, from, to, gapX: 5, gapY: 5 })
  expect(from.length).toBeGreaterThan(5_000)
  expect(from.filter((start, arrow) => x[start]! >= x[to[arrow]!]!)).toEqual([])
})

test('steps that differ in numbers alone are one box, unless their neighbours or kinds differ', () => {
  const pages = Array.from({ length: 6 }, (_, index) => stepView(`Fetch ${index}`, { dependsOn: ['List'] }))
  const odd = stepView('Fetch 77', { dependsOn: ['List'], kind: 'remote' })
  const steps = [stepView('List'), ...pages, odd, stepView('Total', { dependsOn: pages.map(({ step }) => step) })]
  const folded = planGraph(steps)
  expect(folded.nodes.map(({ label, steps: own }) => [label, own.length])).toEqual([
    ['List', 1],
    ['Fetch …', 6],
    ['Fetch 77', 1],
    ['Total', 1],
  ])
  expect(folded.from.length).toBe(3)
  expect(planGraph(steps, new Set(), false).nodes.length).toBe(9)
  expect(planGraph(steps, new Set([folded.nodes[1]!.id])).nodes.length).toBe(9)
  const failed = steps.map((step) => (step.step === 'Fetch 3' ? { ...step, status: 'failed' } : step))
  expect(statesOf(folded, failed)[1]).toEqual({
    status: 'failed',
    counts: new Map([
      ['completed', 5],
      ['failed', 1],
    ]),
  })
})

const stretches = fc.array(fc.tuple(fc.nat({ max: 1_000_000 }), fc.nat({ max: 5_000 })), {
  minLength: 1,
  maxLength: 30,
})

test('squeezed time never goes backwards, and leads back to the time it is of', () => {
  fc.assert(
    fc.property(stretches, (given) => {
      const scale = squeezedTime(given.map(([from, length]) => ({ from, to: from + length })))
      const times = given.flatMap(([from, length]) => [from, from + length]).toSorted((one, two) => one - two)
      let before = -1
      for (const time of times) {
        const place = scale.placeOf(time)
        expect(place).toBeGreaterThanOrEqual(Math.max(before, 0))
        expect(place).toBeLessThanOrEqual(1)
        expect(Math.abs(scale.timeAt(place) - time)).toBeLessThan(1)
        before = place
      }
    }),
  )
})

test('a day without work between two seconds with it is narrower than these', () => {
  const day = 86_400_000
  const scale = squeezedTime([
    { from: 0, to: 1_000 },
    { from: day, to: day + 1_000 },
  ])
  expect(scale.squeezed).toEqual([{ from: 1_000, to: day, at: expect.any(Number), end: expect.any(Number) }])
  expect(scale.placeOf(day) - scale.placeOf(1_000)).toBeLessThan(0.1)
})

const at = (ms: number): string => new Date(1_000_000 + ms).toISOString()

test('a row of the timeline has the wait for a turn, each attempt, and the pause between them', () => {
  const failed = { attempt: 1, startedAt: at(500), endedAt: at(700), error: { name: 'Error', message: 'no' } }
  const step = stepView('Charge', {
    queuedAt: at(0),
    startedAt: at(500),
    endedAt: at(1_500),
    attempts: [failed, { attempt: 2, startedAt: at(1_000), endedAt: at(1_500) }],
  })
  const { rows } = timelineRows([step, stepView('Never', { status: 'skipped' })], Date.now())
  expect(rows.length).toBe(1)
  expect(rows[0]!.bars.map(({ sort, from, to, status }) => [sort, from - 1_000_000, to - 1_000_000, status])).toEqual([
    ['delay', 0, 500, 'queued'],
    ['work', 500, 700, 'failed'],
    ['pause', 700, 1_000, 'retrying'],
    ['work', 1_000, 1_500, 'completed'],
  ])
})

test('a statechart has the states of a machine, nested, with where its transitions lead', () => {
  const root = statechartOf(JSON.stringify(packing))!
  const paths = (state: typeof root): readonly string[] => [state.path, ...state.children.flatMap(paths)]
  expect(paths(root)).toEqual([
    '',
    'picking',
    'missing',
    'packing',
    'packing.boxing',
    'packing.labelled',
    'packing.weighed',
    'done',
    'cancelled',
  ])
  const boxing = root.children[2]!.children[0]!
  expect(boxing.transitions.map(({ event, targets }) => [event, targets])).toEqual([
    ['printLabel done', ['packing.labelled']],
    ['printLabel failed', ['missing']],
  ])
  expect(root.children[0]!.transitions[0]).toMatchObject({ guard: 'allItemsPicked', targets: ['packing'] })
  expect([...activePaths({ packing: 'boxing' })]).toEqual(['packing', 'packing.boxing'])
  const { boxes } = layOutChart(root)
  const boxOf = (path: string) => boxes.find(({ state }) => state.path === path)!
  const [outer, inner] = [boxOf('packing'), boxOf('packing.boxing')]
  expect(inner.x > outer.x && inner.y > outer.y && inner.x + inner.width < outer.x + outer.width).toBe(true)
})

test('what is no machine is none, and a machine of strangers is drawn as far as it can be', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.string(), (value, name) => {
      activePaths(value)
      statechartOf(value)
      const states = {
        [name]: value,
        b: { on: { go: value, back: [value] }, after: value, states: value, invoke: value },
      }
      for (const machine of [
        { id: value, initial: value, states },
        { states, transitions: [value, { target: [value] }] },
      ]) {
        const root = statechartOf(machine)
        if (root !== undefined) layOutChart(root)
      }
    }),
  )
  expect(statechartOf('{"states":')).toBeUndefined()
  expect(statechartOf(null)).toBeUndefined()
  const circle = statechartOf({ id: 'm', states: { a: { on: { x: '#m', y: '#nowhere.at.all', z: '.b' } } } })!
  expect(() => layOutChart(circle)).not.toThrow()
})

test('what can’t be seen in a text is spelled out, and what is too long is cut', () => {
  expect(visibleText('a\u001B[2J\u202Eb\u0000')).toBe(String.raw`a\u001b[2J\u202eb\u0000`)
  expect(visibleText('مرحبا 👩‍💻\n')).toBe('مرحبا 👩‍💻\n')
  expect(shortText('x'.repeat(10_000), 50)).toHaveLength(50)
})

test.each([
  [0, '0 ms'],
  [999.4, '999 ms'],
  [1_500, '1.5 s'],
  [59_960, '1 min'],
  [61_000, '1 min 1 s'],
  [3_600_000, '1 h'],
  [90_000_000, '1 d 1 h'],
  [Number.NaN, '–'],
])('%s ms are written as %s', (ms, text) => {
  expect(durationText(ms)).toBe(text)
})
