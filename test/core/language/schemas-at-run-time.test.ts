import { type as ark } from 'arktype'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, InputError, step } from '../../../src/index.ts'
import type { AnyDataType } from '../../loose-api.ts'
import { expectNoUnhandledErrors, graphOf, rejectionOf, run, runBatch, stepErrorOf, text } from '../../loose-api.ts'

expectNoUnhandledErrors()

// One shape, as each library says it: `at` is a text that becomes a date, and `tags` are texts.
const toDate = (at: string): Date => new Date(at)
const schemas = {
  zod: z.object({ at: z.iso.datetime().transform(toDate), tags: z.array(z.string()) }),
  valibot: v.object({ at: v.pipe(v.string(), v.isoTimestamp(), v.transform(toDate)), tags: v.array(v.string()) }),
  arktype: ark({ at: 'string.date.iso.parse', tags: 'string[]' }),
  'async zod': z.object({ at: z.iso.datetime().transform(async (at) => toDate(at)), tags: z.array(z.string()) }),
  'async valibot': v.objectAsync({
    at: v.pipeAsync(
      v.string(),
      v.isoTimestamp(),
      v.transformAsync(async (at) => toDate(at)),
    ),
    tags: v.array(v.string()),
  }),
}

const day = '2026-01-02T00:00:00.000Z'
const given = { at: day, tags: ['x', 'y'] }
const converted = { at: new Date(day), tags: ['x', 'y'] }
const wrong = { at: 'not a day', tags: ['x', 2] }

const Note = text('Note')
const Seen = text('Seen')

describe.each(Object.entries(schemas))('%s', (_, schema) => {
  const Visit = dataType('Visit', schema) as AnyDataType

  /** Visit → Seen, told what its step got. */
  const reading = () => {
    const got: unknown[] = []
    const read = (inputs: { readonly visit: unknown }): string => {
      got.push(inputs.visit)
      return 'seen'
    }
    return { got, step: step({ name: 'read', inputs: { visit: Visit as never }, output: Seen, run: read as never }) }
  }

  /** Note → Visit, which makes what it is told to. */
  const making = (value: unknown, more: object = {}) =>
    step({ name: 'make', inputs: { note: Note }, output: Visit as never, run: (() => value) as never, ...more })

  test('an input reaches its step converted', async () => {
    const { got, step } = reading()
    expect(await run(graphOf([step]), Seen, { Visit: given })).toBe('seen')
    expect(got).toEqual([converted])
  })

  test('an input that does not fit is refused with all issues and their paths, and nothing runs', async () => {
    const { got, step } = reading()
    const error = (await rejectionOf(run(graphOf([step]), Seen, { Visit: wrong }))) as InputError
    expect(error).toBeInstanceOf(InputError)
    expect(error.code).toBe('INPUT_INVALID')
    expect(error.issues.map(({ path }) => path)).toEqual([
      ['Visit', 'at'],
      ['Visit', 'tags', 1],
    ])
    for (const { message } of error.issues) expect(message).not.toBe('')
    expect(error.message).toContain('Visit.tags.1: ')
    expect(got).toEqual([])
  })

  test('an input of quite another kind is refused under the type’s name alone', async () => {
    const error = (await rejectionOf(run(graphOf([reading().step]), Seen, { Visit: 5 }))) as InputError
    expect(error.issues.map(({ path }) => path)).toEqual([['Visit']])
  })

  test('an output reaches the next step and the caller converted', async () => {
    const { got, step } = reading()
    const graph = graphOf([making(given), step])
    expect(await run(graph, Seen, { Note: 'n' })).toBe('seen')
    expect(got).toEqual([converted])
    expect(await run(graph, Visit, { Note: 'n' })).toEqual(converted)
  })

  test('an output that does not fit fails its step with all issues and their paths', async () => {
    const { got, step } = reading()
    const graph = graphOf([making(wrong), step])
    const error = await stepErrorOf(run(graph, Seen, { Note: 'n' }))
    expect(error).toMatchObject({ step: 'make', attempt: 1, path: ['Seen', 'Visit'] })
    const cause = error.cause as InputError
    expect(cause).toBeInstanceOf(InputError)
    expect(cause).toMatchObject({ code: 'OUTPUT_INVALID', step: 'make' })
    expect(cause.issues.map(({ path }) => path)).toEqual([
      ['Visit', 'at'],
      ['Visit', 'tags', 1],
    ])
    expect(got).toEqual([])
  })

  test('an override is converted as an input is', async () => {
    const { got, step } = reading()
    expect(await run(graphOf([making(wrong), step]), Seen, {}, { overrides: { Visit: given } })).toBe('seen')
    expect(got).toEqual([converted])
  })

  test('a fallback is converted as an output is, and fails its step where it does not fit', async () => {
    const { got, step } = reading()
    expect(await run(graphOf([making(wrong, { fallback: given }), step]), Seen, { Note: 'n' })).toBe('seen')
    expect(got).toEqual([converted])
    const error = await stepErrorOf(run(graphOf([making(wrong, { fallback: wrong })]), Visit, { Note: 'n' }))
    expect(error.cause).toMatchObject({ code: 'OUTPUT_INVALID' })
    expect(error.policyError).toMatchObject({
      code: 'OUTPUT_INVALID',
      issues: [{ path: ['Visit', 'at'] }, { path: ['Visit', 'tags', 1] }],
    })
  })

  test('items of a batch are converted, and a wrong one is reported with its index', async () => {
    const { got, step } = reading()
    const graph = graphOf([step])
    expect(await runBatch(graph, Seen, [{ Visit: given }, { Visit: given }])).toEqual(['seen', 'seen'])
    expect(got).toEqual([converted, converted])
    const outcomes = await runBatch(graph, Seen, [{ Visit: given }, { Visit: wrong }], { onError: 'collect' })
    expect(outcomes).toMatchObject([{ value: 'seen' }, { error: { code: 'INPUT_INVALID', item: 1 } }])
    const error = (await rejectionOf(runBatch(graph, Seen, [{ Visit: given }, { Visit: wrong }]))) as InputError
    expect(error).toMatchObject({ code: 'INPUT_INVALID', item: 1 })
  })

  test('a shared input of a batch is converted', async () => {
    const { got, step } = reading()
    expect(await runBatch(graphOf([step]), Seen, [{}, {}], { shared: { Visit: given } })).toEqual(['seen', 'seen'])
    for (const visit of got) expect(visit).toEqual(converted)
  })

  test('a remembered output comes back as it was converted, not converted twice', async () => {
    let runs = 0
    const { got, step: read } = reading()
    const make = step({
      name: 'make',
      inputs: { note: Note },
      output: Visit as never,
      persist: 'global',
      run: (() => (runs++, given)) as never,
    })
    const graph = graphOf([make, read])
    for (let call = 0; call < 2; call++) expect(await run(graph, Seen, { Note: 'n' })).toBe('seen')
    expect(runs).toBe(1)
    expect(got).toEqual([converted, converted])
  })
})

const saying = (validate: (value: unknown) => unknown): AnyDataType =>
  dataType('Own', { '~standard': { version: 1, vendor: 'own', validate } } as never)

const graphFor = (type: AnyDataType) =>
  graphOf([step({ name: 'read', inputs: { own: type as never }, output: Seen, run: () => 'seen' })])

/** What a run with such a schema is told. */
const issuesOf = async (validate: (value: unknown) => unknown) =>
  ((await rejectionOf(run(graphFor(saying(validate)), Seen, { Own: 1 }))) as InputError).issues

describe('a schema of one’s own', () => {
  test('may give its path as segments with keys, as numbers and as symbols', async () => {
    const path = [{ key: 'list' }, 3, { key: Symbol('mark') }]
    expect(await issuesOf(() => ({ issues: [{ message: 'no', path }] }))).toEqual([
      { message: 'no', path: ['Own', 'list', 3, 'Symbol(mark)'] },
    ])
  })

  test('may give no path', async () => {
    expect(await issuesOf(() => ({ issues: [{ message: 'no' }] }))).toEqual([{ message: 'no', path: ['Own'] }])
  })

  test.each<readonly [string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('bug')
      },
    ],
    ['rejects', () => Promise.reject(new Error('bug'))],
  ])('that %s refuses the value and says so', async (_, validate) => {
    const [issue, ...more] = await issuesOf(validate)
    expect(issue).toEqual({ message: 'the schema itself threw: bug', path: ['Own'] })
    expect(more).toEqual([])
  })

  test('may convert to undefined', async () => {
    const got: unknown[] = []
    const type = saying(() => ({ value: undefined }))
    const read = step({
      name: 'read',
      inputs: { own: type as never },
      output: Seen,
      run: (({ own }: { readonly own: unknown }) => (got.push(own), 'seen')) as never,
    })
    expect(await run(graphOf([read]), Seen, { Own: 1 })).toBe('seen')
    expect(got).toEqual([undefined])
  })
})

test('type<T>() checks nothing', async () => {
  const graph = graphOf([step({ name: 'read', inputs: { note: Note }, output: Seen, run: () => 5 as never })])
  expect(await run(graph, Seen, { Note: { not: 'a text' } })).toBe(5)
})
