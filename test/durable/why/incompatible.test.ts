import { expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, graph, incompatibleWith, step } from '../../../src/index.ts'
import type { AnyGraph } from '../../../src/index.ts'
import { mayConvert } from '../../../src/durable/records/may-convert.ts'
import { expectNoUnhandledErrors, looseGraph, never, number } from '../../loose-api.ts'
import { World } from '../durable-time.ts'
import { line, Seed, First, Third } from '../line.ts'

expectNoUnhandledErrors()

function first(more: object) {
  return step({
    name: 'First',
    inputs: { value: Seed },
    output: First,
    persist: 'execution',
    run: ({ value }: { readonly value: number }) => value,
    ...more,
  })
}

/** The line under way at its second step, and its versions. */
function versions() {
  const { line: now } = line({ second: { run: () => never<number>() } })
  const [, ...rest] = now.steps
  const version = (more: object): AnyGraph => looseGraph({ name: 'line', steps: [first(more), ...rest] })
  return { now, version }
}

test('says before a deploy which executions would not go on, and why, and writes nothing', async () => {
  const world = new World()
  const { now, version } = versions()
  const docket = world.process({ graphs: [now] })
  for (const id of ['a', 'b']) await docket.start(now, Third, { Seed: 1 }, { id })
  await world.clock.advance(10)
  const before = await world.store.get(['a', 'b'])
  const { clock, store } = world
  const check = (graphs: readonly AnyGraph[], more: object = {}) =>
    clock.settle(incompatibleWith(store, graphs, { clock, ...more }))
  expect(await check([now])).toEqual({ incompatible: [], unfit: [], looked: 2, unknown: {}, isMore: false })
  const renamed = version({ name: 'Begin' })
  const report = await check([renamed])
  expect(report.incompatible.map(({ id }) => id)).toEqual(['b', 'a'])
  expect(report.incompatible[0]!.reasons).toEqual([
    'step "First" has a result, but the graph has no such step any more; if another step takes its place, give that one `formerly`, or handle it in `migrate`',
  ])
  expect((await check([version({ name: 'Begin', formerly: 'First' })])).incompatible).toEqual([])
  const migrate = {
    line: ({ steps, ...execution }: { readonly steps: Readonly<Record<string, unknown>> }) => {
      const { First: made, ...others } = steps
      return { ...execution, steps: { ...others, Begin: made } }
    },
  }
  expect((await check([renamed], { migrate })).incompatible).toEqual([])
  expect(await world.store.get(['a', 'b'])).toEqual(before)
  await clock.settle(docket.close({ deadline: 0 }))
})

test('counts executions of other graphs apart, looks at no more than it should, and finds batches too', async () => {
  const world = new World()
  const { now, version } = versions()
  const Other = number('Other')
  const other = graph({
    name: 'other',
    steps: [step({ name: 'Hang', output: Other, persist: 'execution', run: () => never<number>() })],
  })
  const docket = world.process({ graphs: [now, other] })
  await docket.start(other, Other, {}, { id: 'other' })
  await world.clock.advance(1)
  await docket.startBatch(now, Third, [{ Seed: 1 }, { Seed: 2 }], {
    id: 'batch',
    key: (_: unknown, i: number) => `k${i}`,
  } as never)
  await world.clock.advance(10)
  const newer = world.process({ graphs: [version({ name: 'Begin' })], takeOver: false })
  const page = await world.clock.settle(newer.findIncompatible())
  expect(page).toMatchObject({ looked: 2, unknown: { other: 1 }, next: undefined })
  expect(page.incompatible).toMatchObject([
    { id: 'batch', graph: 'line', reasons: [expect.stringContaining('"First"') as string] },
  ])
  const first = await world.clock.settle(newer.findIncompatible({ limit: 1 }))
  expect(first).toMatchObject({ looked: 1, unknown: {} })
  expect(await world.clock.settle(newer.findIncompatible({ limit: 1, after: first.next }))).toMatchObject({
    looked: 1,
    incompatible: [],
    unknown: { other: 1 },
  })
  for (const one of [docket, newer]) await world.clock.settle(one.close({ deadline: 0 }))
})

/** Text → Made → End, of which the second step never ends, with these schemas. */
function typed({ text, made }: { readonly text: z.ZodType; readonly made: z.ZodType }, isSensitive = false) {
  const Text = dataType('Text', text)
  const Made = dataType('Made', made, { sensitive: isSensitive })
  const End = number('End')
  const steps = [
    step({ name: 'Make', inputs: { text: Text }, output: Made, persist: 'execution', run: ({ text }) => text }),
    step({ name: 'Hang', inputs: { made: Made }, output: End, persist: 'execution', run: () => never<number>() }),
  ]
  return { declared: looseGraph({ name: 'typed', steps }), End: End as never }
}

test('finds recorded inputs and results that do not fit schemas that have changed without a version, of each step once', async () => {
  const world = new World()
  const { clock, store } = world
  const { declared, End } = typed({ text: z.string(), made: z.string() })
  const docket = world.process({ graphs: [declared] })
  await clock.settle(docket.start(declared, End, { Text: 'seven' } as never, { id: 'one' }))
  await clock.advance(10)
  await clock.settle(
    docket.startBatch(
      declared,
      End,
      [{ Text: 'a' }, { Text: 'b' }] as never,
      {
        id: 'batch',
        key: (_: unknown, index: number) => `k${index}`,
      } as never,
    ),
  )
  await clock.advance(10)
  const check = async (schemas: Parameters<typeof typed>[0], isSensitive = false) => {
    const report = await clock.settle(incompatibleWith(store, [typed(schemas, isSensitive).declared], { clock }))
    expect(report).toMatchObject({ incompatible: [], looked: 2 })
    return report.unfit
  }
  expect(await check({ text: z.string(), made: z.string() })).toEqual([])
  expect(await check({ text: z.string(), made: z.number() })).toEqual([
    {
      id: 'batch',
      graph: 'typed',
      status: 'running',
      values: [
        {
          type: 'Made',
          step: 'Make',
          item: 'k0',
          problem: expect.stringContaining('expected number'),
          isCertain: true,
        },
      ],
    },
    {
      id: 'one',
      graph: 'typed',
      status: 'running',
      values: [
        {
          type: 'Made',
          step: 'Make',
          item: undefined,
          problem: expect.stringContaining('expected number'),
          isCertain: true,
        },
      ],
    },
  ])
  expect(await check({ text: z.string().min(3), made: z.string() })).toMatchObject([
    { id: 'batch', values: [{ type: 'Text', step: undefined, isCertain: true }] },
  ])
  const secret = await check({ text: z.string(), made: z.literal('other') }, true)
  expect(secret.map(({ values }) => values[0]!.problem)).toEqual([
    expect.stringContaining('the type is sensitive'),
    expect.stringContaining('the type is sensitive'),
  ])
  // What was made of it need not be what it takes.
  const converting = z.iso.date().transform((day) => new Date(day))
  expect(await check({ text: z.string(), made: converting })).toMatchObject([
    { values: [{ isCertain: false }] },
    { values: [{ isCertain: false }] },
  ])
  await clock.settle(docket.close({ deadline: 0 }))
})

test.each([
  ['a type that is not checked', undefined, false],
  [
    'an object with what is filled in',
    z.object({ a: z.string().default('x'), b: z.array(z.number()).optional() }),
    false,
  ],
  ['properties that are called as keywords are', z.object({ required: z.boolean(), default: z.string() }), false],
  ['a transformation', z.string().transform(Number), true],
  ['a pipe from text to a number', z.string().pipe(z.coerce.number()), true],
  ['a time, of which JSON Schema says nothing', z.date(), true],
])('of %s it is known whether it may convert', (_, schema, expected) => {
  expect(mayConvert({ name: 'T', schema } as never)).toBe(expected)
})

test('refuses what it does not know, with all problems', async () => {
  const world = new World()
  await expect(incompatibleWith(world.store, [], { limt: 1 } as never)).rejects.toThrow('did you mean "limit"')
  const docket = world.process({ graphs: [line().line], takeOver: false })
  await expect(docket.findIncompatible({ limit: 0, after: 'x' })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  await world.clock.settle(docket.close({ deadline: 0 }))
})
