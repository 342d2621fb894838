import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  dataType,
  execute,
  executeBatch,
  explain,
  exponential,
  fixed,
  fromGraph,
  optional,
  parseInputs,
  resultsLike,
  resultsOfType,
  step,
  type,
  untypedWorkflow,
  workflow,
} from '../../../src/index.ts'
import { graphOfDrawing } from '../../../src/core/drawn/drawn-graph.ts'
import { indexOf } from '../../../src/core/graph/graph-index.ts'
import { errorOf, thrownBy } from '../../loose-api.ts'
import { createActor, toPromise } from 'xstate'

const Word = dataType('Word', z.string().min(2))
const Length = dataType('Length', z.number())
const Text = dataType('Text', type<string>())
const Day = dataType(
  'Day',
  z.string().transform((text) => new Date(text)),
)

const measure = step({ name: 'measure', inputs: { word: Word }, output: Length, run: ({ word }) => word.length })
const join = step({
  name: 'join',
  inputs: { with: optional(Word) },
  results: { first: Length, second: Length },
  output: Text,
  run: (args, { results }) => `${results.first}${args.with ?? '+'}${results.second}`,
})
const joined = workflow('joined')
  .add('first', measure, { word: 'one' })
  .add('second', measure, { word: 'three' })
  .add('join', join, {}, { dependsOn: ['first', 'second'] })

describe('a workflow', () => {
  test('is executed alone, and gives the record of all results, typed by their names', async () => {
    const results: { readonly first: number; readonly second: number; readonly join: string } = await execute(joined)
    expect(results).toEqual({ first: 3, second: 5, join: '3+5' })
    expect(Object.keys(results)).toEqual(['first', 'second', 'join'])
  })

  test('is a graph for every call that takes one', async () => {
    expect(await execute(joined, joined.results, {})).toEqual({ first: 3, second: 5, join: '3+5' })
    expect(await execute(joined, joined.result('second'), {})).toBe(5)
    expect(explain(joined, joined.results)).toMatchObject({
      missing: [],
      levels: [['first', 'second'], ['join'], ['results']],
    })
    const actor = createActor(fromGraph(joined, joined.results), { input: {} })
    actor.start()
    expect(await toPromise(actor)).toMatchObject({ join: '3+5' })
    const items = [{}, { 'first.args': { word: 'eleven' } }, { 'join.args': { with: '--' } }]
    expect((await executeBatch(joined, joined.results, items)).map(({ join: made }) => made)).toEqual([
      '3+5',
      '6+5',
      '3--5',
    ])
    expect(await parseInputs(joined, joined.results, { 'first.args': { word: 'ab' } })).toEqual({
      'first.args': { word: 'ab' },
    })
  })

  test('gives a new one for each node, and stays as it is', async () => {
    const base = workflow('base').add('first', measure, { word: 'one' })
    const left = base.add('left', measure, { word: 'left' })
    const right = base.add('right', measure, { word: 'right!' })
    expect(await execute(base)).toEqual({ first: 3 })
    expect(await execute(left)).toEqual({ first: 3, left: 4 })
    expect(await execute(right)).toEqual({ first: 3, right: 6 })
  })

  test('that differs in arguments alone shares its plan', () => {
    const draw = (word: string) => workflow('shared').add('first', measure, { word })
    expect(indexOf(draw('one'))).toBe(indexOf(draw('two')))
    expect(indexOf(draw('one'))).not.toBe(
      indexOf(workflow('shared').add('first', measure, { word: 'one' }, { timeout: '1s' })),
    )
  })

  test('takes values for steps in overrides, which then do not run', async () => {
    const made = await execute(joined, joined.results, {}, { overrides: { first: 40 } })
    expect(made.join).toBe('40+5')
  })

  test('checks arguments by the schemas of the inputs, and converts them, before anything runs', async () => {
    const runs: Date[] = []
    const Seen = dataType('Seen', z.number())
    const see = step({
      name: 'see',
      inputs: { day: Day, note: optional(Text) },
      output: Seen,
      run: ({ day }) => runs.push(day),
    })
    await execute(workflow('days').add('see', see, { day: '2026-01-02' }))
    expect(runs).toEqual([new Date('2026-01-02')])
    const wrong = untypedWorkflow('days').add('see', see, { day: 3, nite: 'x' })
    const error = await errorOf(execute(wrong))
    expect(error.message).toContain('see.args.day: Invalid input: expected string, received number')
    expect(error.message).toContain('see.args.nite: the step has no such input; did you mean "note"?')
    expect(await errorOf(execute(untypedWorkflow('days').add('see', see, undefined)))).toMatchObject({
      message: expect.stringContaining('see.args.day: missing: the step takes a "Day"') as unknown,
    })
    expect(runs).toHaveLength(1)
  })

  test('reads results of other names by reads, so that one step may stand at several places', async () => {
    const flow = workflow('twice')
      .add('a', measure, { word: 'aa' })
      .add('b', measure, { word: 'bbb' })
      .add('c', measure, { word: 'cccc' })
      .add('ab', join, {}, { dependsOn: ['a', 'b'], reads: { first: 'a', second: 'b' } })
      .add('cc', join, {}, { dependsOn: ['c'], reads: { first: 'c', second: 'c' } })
    expect(await execute(flow)).toMatchObject({ ab: '2+3', cc: '4+4' })
  })

  test('finds results by their type and by patterns of names, in the order of the dependencies', async () => {
    const found: unknown[] = []
    const look = step({
      name: 'look',
      results: {},
      output: Length,
      run: (_, { results }) => {
        found.push(
          resultsOfType(results, Length),
          resultsLike(results, 'part', Length),
          resultsLike(results, /^10?$/g, Length),
        )
        found.push(
          thrownBy(() => resultsLike(results, '', Length)),
          thrownBy(() => resultsOfType({ ...results }, Length)),
        )
        return 0
      },
    })
    const flow = workflow('looks')
      .add('part 2', measure, { word: 'two!!' })
      .add('10', measure, { word: 'ten' })
      .add('1', measure, { word: '1.' })
      .add('text', join, {}, { dependsOn: ['10', '1'], reads: { first: '10', second: '1' } })
      .add('look', look, {}, { dependsOn: ['part 2', '10', '1', 'text'] })
    await execute(flow)
    expect(found.slice(0, 3)).toEqual([[5, 3, 2], { 'part 2': 5 }, { 10: 3, 1: 2 }])
    expect(String(found[3])).toContain('"text" is a "Text", and "Length" is wanted')
    expect(String(found[4])).toContain('must be ctx.results of a step in a workflow as it is')
  })

  test('begins, of nodes that are ready at the same time, the one of the highest priority first, 0 and less included', async () => {
    const order: string[] = []
    const note = step({ name: 'note', output: Length, run: (_, { stepName }) => order.push(stepName) })
    const flow = workflow('priorities', { priority: 1 })
      .add('zero', note, {}, { priority: 0 })
      .add('low', note, {}, { priority: -5 })
      .add('default', note, {})
      .add('high', note, {}, { priority: 9 })
      .add('after low', note, {}, { dependsOn: ['low'], priority: 100 })
    await execute(flow)
    expect(order).toEqual(['high', 'default', 'zero', 'low', 'after low'])
  })

  test('passes results to conditions of compensation, fallbacks and keys of limits as to run', async () => {
    const undone: unknown[] = []
    const book = step({
      name: 'book',
      inputs: { word: Word },
      results: { first: Length },
      output: Text,
      concurrency: { limit: 1, key: ({ word }) => word },
      run: ({ word }, { results }) => `${word} ${results.first}`,
      compensate: (output, context) => void undone.push([output, context.inputs, Reflect.get(context, 'results')]),
    })
    const fail = step({
      name: 'fail',
      output: Text,
      run: () => {
        throw new Error('no')
      },
    })
    const flow = workflow('undone')
      .add('first', measure, { word: 'one' })
      .add('booked', book, { word: 'room' }, { dependsOn: ['first'] })
    await errorOf(execute(flow.add('fail', fail, {}, { dependsOn: ['booked'] })))
    expect(undone).toEqual([['room 3', { word: 'room' }, { first: 3 }]])
    const soft = step({
      ...fail,
      name: 'soft',
      output: Text,
      inputs: { word: Word },
      fallback: (_: unknown, { word }: { readonly word: string }) => `no ${word}`,
    } as never) as unknown as typeof book
    expect(await execute(untypedWorkflow('soft').add('one', soft, { word: 'luck' }))).toEqual({ one: 'no luck' })
  })

  test('stores its graph as data: names, dependencies and policies, backoffs too', () => {
    const flow = workflow('data', { timeout: '1m', defaults: { retry: { maxAttempts: 3, backoff: fixed('2s') } } }).add(
      'one',
      measure,
      { word: 'one' },
      {
        retry: { maxAttempts: 5, backoff: exponential('1s', { max: '9s' }) },
        persist: { scope: 'global', ttl: '1h' },
        startAt: new Date(5),
      },
    )
    const drawing = indexOf(flow)!.drawing!
    expect(drawing).toEqual({
      version: 1,
      name: 'data',
      timeout: '1m',
      defaults: { retry: { maxAttempts: 3, backoff: '2s' } },
      nodes: [
        {
          name: 'one',
          step: 'measure',
          retry: { maxAttempts: 5, backoff: { exponential: '1s', max: '9s' } },
          persist: { scope: 'global', ttl: '1h' },
          startAt: 5,
        },
      ],
    })
    const again = graphOfDrawing(JSON.parse(JSON.stringify(drawing)), { names: ['measure'], of: () => measure })
    const [one] = indexOf(again)!.specs.filter(({ name }) => name === 'one')
    expect(one).toMatchObject({ maxAttempts: 5, persist: { ttlMs: 3_600_000 } })
    expect([1, 2, 3, 9].map((attempt) => one!.backoff!(attempt, Math.random))).toEqual([1_000, 2_000, 4_000, 9_000])
  })
})

const limited = (more: object, open: { now: number; most: number }) =>
  step({
    name: 'limited',
    inputs: { word: Word },
    output: Length,
    ...more,
    run: async () => {
      open.most = Math.max(open.most, ++open.now)
      await new Promise((resolve) => setImmediate(resolve))
      return open.now--
    },
  })

describe('limits', () => {
  test('of a step count its attempts, whichever nodes and workflows they are of', async () => {
    const open = { now: 0, most: 0 }
    const one = limited({ concurrency: { limit: 2, key: ({ word }: { readonly word: string }) => word } }, open)
    const draw = (name: string) =>
      workflow(name).add('a', one, { word: 'same' }).add('b', one, { word: 'same' }).add('c', one, { word: 'same' })
    await Promise.all([execute(draw('x')), execute(draw('y'))])
    expect(open.most).toBe(2)
  })

  test('may stand where a step is added', async () => {
    const open = { now: 0, most: 0 }
    const one = limited({}, open)
    const options = { concurrency: { limit: 1, scope: 'process' }, rate: { limit: 100, per: '1ms', burst: 9 } } as const
    await execute(workflow('w').add('a', one, { word: 'aa' }, options).add('b', one, { word: 'bb' }, options))
    expect(open.most).toBe(1)
  })
})
