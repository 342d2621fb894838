import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { all, dataType, DocketError, GraphError, optional, step, type } from '../../../src/index.ts'
import { graphOf, looseGraph, number, thrownBy } from '../../loose-api.ts'

const [A, B, C, Target] = [number('A'), number('B'), number('C'), number('Target')]

/** A step from some types to one, named after what it makes. */
function make(output: string, ...inputs: readonly string[]) {
  return step({
    name: `make ${output}`,
    inputs: Object.fromEntries(inputs.map((name) => [name, number(name)])),
    output: number(output),
    run: () => 1,
  })
}

function errorOf(call: () => unknown): GraphError {
  const error = thrownBy(call)
  expect(error).toBeInstanceOf(GraphError)
  return error as GraphError
}

function problemsOf(steps: readonly unknown[], more: object = {}) {
  return errorOf(() => graphOf(steps, more)).problems
}

/** What `graph()` tells of one step with these fields besides. */
function problemsWith(fields: object): readonly string[] {
  return problemsOf([step({ name: 's', inputs: { a: A }, output: Target, run: () => 1, ...fields } as never)]).map(
    (problem) => problem.message,
  )
}

describe('a GraphError', () => {
  test('reports all problems at once, each with its kind and step', () => {
    const error = errorOf(() =>
      graphOf(
        [
          make('A', 'B'),
          make('B', 'A'),
          { ...make('C'), retry: { maxAttempts: 0 }, timeout: -1 },
          { ...make('C'), name: 'other C' },
          { ...make('D'), name: 'make A' },
          { ...make('E'), run: 5 },
        ],
        { timeout: 'soon', retries: 3 },
      ),
    )
    expect(error).toBeInstanceOf(DocketError)
    expect(error.code).toBe('GRAPH_INVALID')
    const kinds = error.problems.map((problem) => problem.kind).toSorted()
    expect(kinds).toEqual([
      'bad-declaration',
      'bad-option',
      'bad-option',
      'bad-option',
      'bad-option',
      'cycle',
      'duplicate-producer',
      'duplicate-step',
    ])
    for (const { message } of error.problems) expect(error.message).toContain(message)
    expect(error.problems.find(({ kind }) => kind === 'duplicate-producer')!.step).toBe('other C')
  })

  test('of one problem has it in its first line', () => {
    const error = errorOf(() => graphOf([make('A', 'A')]))
    expect(error.message.split('\n')).toHaveLength(1)
    expect(error.problems).toHaveLength(1)
  })
})

describe('names and producers', () => {
  test('two producers of one type are reported with both names', () => {
    const [problem, ...others] = problemsOf([make('A'), { ...make('A'), name: 'again' }])
    expect(problem).toMatchObject({ kind: 'duplicate-producer', step: 'again' })
    for (const name of ['"A"', '"make A"', '"again"']) expect(problem!.message).toContain(name)
    expect(others).toEqual([])
  })

  test('two steps of one name are reported with their places', () => {
    expect(problemsOf([make('A'), { ...make('B'), name: 'make A' }])).toMatchObject([
      { kind: 'duplicate-step', message: expect.stringMatching(/steps\[0\].*steps\[1\]/) },
    ])
  })

  test('one step listed twice is reported as that, and only that', () => {
    const a = make('A')
    expect(problemsOf([a, a])).toMatchObject([
      { kind: 'duplicate-step', message: expect.stringContaining('listed twice') },
    ])
  })

  test('names like properties of every object are names like any', () => {
    const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty']
    const graph = graphOf(names.map((name) => step({ name, output: number(name), run: () => 1 })))
    expect(graph.types().map(({ name }) => name)).toEqual(names)
  })

  test('one name for two shapes or two versions is a conflict', () => {
    const one = dataType('User', z.object({ id: z.string() }))
    const other = dataType('User', z.object({ id: z.number() }))
    const versioned = { ...one, version: '2' }
    for (const [second, word] of [
      [other, 'schemas'],
      [versioned, 'versions'],
    ] as const) {
      const steps = [
        step({ name: 'a', inputs: { u: one }, output: A, run: () => 1 }),
        step({ name: 'b', inputs: { u: second }, output: B, run: () => 1 }),
      ]
      expect(problemsOf(steps)).toMatchObject([
        { kind: 'type-conflict', step: 'b', message: expect.stringContaining(word) },
      ])
    }
  })
})

test('a data type whose name begins with "$" is refused wherever it stands: such names mark what is stored beside values', () => {
  const marked = number('$checked')
  const problem = /named "\$checked"; names that begin with "\$" are reserved .*choose another/
  for (const fields of [
    { output: marked },
    { inputs: { a: marked } },
    { inputs: { a: optional(marked) } },
    { inputs: { a: all(marked) } },
  ])
    expect(problemsWith(fields)).toContainEqual(expect.stringMatching(problem))
  const [unneeded] = problemsOf([make('A', 'B')], { inputs: [number('B'), marked] })
  expect(unneeded!.message).toMatch(problem)
  // A "$" elsewhere in a name collides with nothing.
  expect(() => graphOf([make('A$')])).not.toThrow()
})

describe('inputs', () => {
  test('named on purpose make a type that nobody produces an error at each step that needs it', () => {
    const problems = problemsOf([make('B', 'A'), make('C', 'X', 'B'), make('D', 'X')], { inputs: [A] })
    expect(problems.map(({ kind, step }) => [kind, step])).toEqual([
      ['missing-producer', 'make C'],
      ['missing-producer', 'make D'],
    ])
    expect(problems[0]!.message).toContain('"X"')
  })

  test('may leave out what is only optional', () => {
    graphOf([step({ name: 's', inputs: { a: A, b: optional(B) }, output: Target, run: () => 1 })], { inputs: [A] })
  })

  test('that somebody produces or nobody needs are reported', () => {
    expect(problemsOf([make('B', 'A')], { inputs: [A, B, C] })).toMatchObject([
      { kind: 'unneeded-input', message: expect.stringContaining('make B') },
      { kind: 'unneeded-input', message: expect.stringContaining('"C"') },
    ])
  })

  test.each([
    ['a text', 'A'],
    ['an object', {}],
    ['a list with a text', ['A']],
    ['a list with an optional port', [optional(A)]],
  ])('that are %s are reported', (_, inputs) => {
    const problems = problemsOf([make('B', 'A')], { inputs })
    expect(problems.some(({ kind, message }) => kind === 'bad-declaration' && message.includes('inputs'))).toBe(true)
  })
})

describe('declarations throw nothing, and the graph reports them', () => {
  const hostile = new Proxy({}, { get: () => raise(), ownKeys: () => raise(), getOwnPropertyDescriptor: () => raise() })
  test.each<readonly [string, () => unknown, RegExp]>([
    ['a step without fields', () => step({} as never), /no name/],
    ['a step of nothing', () => step(undefined as never), /no name/],
    ['a step of a proxy that throws', () => step(hostile as never), /no name/],
    ['something else', () => ({ name: 's' }), /steps\[0\] is not a step/],
    ['nothing', () => undefined, /steps\[0\] is not a step, but undefined \(is a name misspelt/],
    ['an empty name', () => step({ name: '', output: A, run: () => 1 }), /no name/],
    [
      'a run that is no function',
      () => step({ name: 's', output: A, run: 5 as never }),
      /"s" has no run function; run is 5/,
    ],
    [
      'an output that is a schema',
      () => step({ name: 's', output: z.number() as never, run: (() => 1) as never }),
      /output is not a data type/,
    ],
    [
      'an output without a name',
      () => step({ name: 's', output: dataType('' as 'x', type<number>()), run: () => 1 }),
      /without a name/,
    ],
    [
      'an output whose schema is none',
      () => step({ name: 's', output: dataType('X', {} as never), run: (() => 1) as never }),
      /"X" has a schema that is not a Standard Schema/,
    ],
    [
      'a forgotten schema',
      () => step({ name: 's', output: (dataType as unknown as (name: string) => typeof A)('X'), run: () => 1 }),
      /"X" has a schema/,
    ],
    [
      'inputs that are a list',
      () => step({ name: 's', inputs: [A] as never, output: B, run: () => 1 }),
      /inputs must be an object/,
    ],
    [
      'an input that is none',
      () => step({ name: 's', inputs: { a: 'A' } as never, output: B, run: () => 1 }),
      /input "a" is not a data type/,
    ],
    [
      'an optional of nothing',
      () => step({ name: 's', inputs: { a: optional(undefined as never) }, output: B, run: () => 1 }),
      /input "a" is not a data type, but undefined \(is a name misspelt, or do two modules import each other\?\)/,
    ],
    [
      'all of an optional',
      () => step({ name: 's', inputs: { a: all(optional(A) as never) }, output: B, run: () => 1 }),
      /input "a" has optional or all around another of them: both take a data type/,
    ],
  ])('%s', (_, declare, told) => {
    const declared = declare()
    const problems = problemsOf([declared])
    expect(
      problems.some(({ message }) => told.test(message)),
      JSON.stringify(problems),
    ).toBe(true)
  })

  test.each([
    ['undefined', undefined],
    ['null', null],
    ['a text', 'graph'],
    ['a list of steps', [make('A')]],
  ])('a graph of %s', (_, declaration) => {
    expect(thrownBy(() => looseGraph(declaration))).toBeInstanceOf(GraphError)
  })

  test.each<readonly [string, object, RegExp]>([
    ['no name', { steps: [make('A')] }, /no name/],
    ['no steps', { name: 'g' }, /steps must be an array/],
    ['an empty list of steps', { name: 'g', steps: [] }, /no steps/],
    ['an unknown option', { name: 'g', steps: [make('A')], defaultTimeout: 5 }, /unknown option "defaultTimeout"/],
    ['a timeout of 0', { name: 'g', steps: [make('A')], timeout: 0 }, /timeout is 0/],
    ['observers that are none', { name: 'g', steps: [make('A')], observers: [5] }, /observers\[0\]/],
    ['defaults that are none', { name: 'g', steps: [make('A')], defaults: 5 }, /defaults must be an object/],
    [
      'an unknown default',
      { name: 'g', steps: [make('A')], defaults: { fallback: 5 } },
      /defaults has the unknown option "fallback"/,
    ],
    [
      'a wrong default',
      { name: 'g', steps: [make('A')], defaults: { retry: { maxAttempts: 0 } } },
      /defaults: retry.maxAttempts/,
    ],
  ])('a graph with %s', (_, declaration, told) => {
    expect(errorOf(() => looseGraph(declaration)).message).toMatch(told)
  })
})

function raise(): never {
  throw new Error('hostile')
}

describe('options of a step', () => {
  test.each<readonly [string, object, readonly RegExp[]]>([
    ['an unknown option', { retires: 3 }, [/unknown option "retires"/]],
    ['maxAttempts 0', { retry: { maxAttempts: 0 } }, [/maxAttempts.*at least 1.*not 0/]],
    ['negative maxAttempts', { retry: { maxAttempts: -1 } }, [/maxAttempts/]],
    ['half an attempt', { retry: { maxAttempts: 1.5 } }, [/maxAttempts/]],
    ['maxAttempts NaN', { retry: { maxAttempts: Number.NaN } }, [/maxAttempts.*NaN/]],
    ['maxAttempts as text', { retry: { maxAttempts: '3' } }, [/maxAttempts/]],
    ['a retry that is a number', { retry: 3 }, [/retry must be an object/]],
    [
      'jitter beside backoff',
      { retry: { maxAttempts: 2, jitter: 1 } },
      [/unknown option "jitter".*belong to backoff: exponential\(/],
    ],
    ['an unknown name in retry', { retry: { maxAttempts: 2, delay: 5 } }, [/retry has the unknown option "delay"/]],
    ['a backoff for one attempt', { retry: { backoff: 5 } }, [/backoff.*one attempt/]],
    ['a retryIf for one attempt', { retry: { maxAttempts: 1, retryIf: () => true } }, [/retryIf.*one attempt/]],
    ['a negative backoff', { retry: { maxAttempts: 2, backoff: -1 } }, [/backoff -1/]],
    ['a backoff that can’t be read', { retry: { maxAttempts: 2, backoff: 'soon' } }, [/backoff "soon"/]],
    ['a retryIf that is none', { retry: { maxAttempts: 2, retryIf: true } }, [/retryIf/]],
    ['a negative timeout', { timeout: -5 }, [/timeout -5/]],
    ['a timeout of NaN', { timeout: Number.NaN }, [/timeout NaN/]],
    ['a timeout that can’t be read', { timeout: '5 minutes' }, [/timeout "5 minutes"/]],
    ['a timeout of 0', { timeout: '0s' }, [/timeout is 0/]],
    ['a wrong persist', { persist: 'workflow' }, [/persist must be/]],
    ['persist without scope', { persist: {} }, [/scope/]],
    ['an unknown name in persist', { persist: { scope: 'global', tll: 5 } }, [/persist has the unknown option "tll"/]],
    ['a ttl of 0', { persist: { scope: 'global', ttl: 0 } }, [/ttl is 0/]],
    ['a negative ttl', { persist: { scope: 'global', ttl: -1 } }, [/ttl -1/]],
    ['a namespace for one execution', { persist: { scope: 'execution', namespace: 'n' } }, [/namespace/]],
    ['an empty namespace', { persist: { scope: 'global', namespace: '' } }, [/namespace/]],
    ['a capacity of 0', { persist: { scope: 'global', capacity: 0 } }, [/capacity/]],
    ['concurrency 0', { concurrency: 0 }, [/concurrency/]],
    ['concurrency NaN', { concurrency: Number.NaN }, [/concurrency/]],
    ['concurrency without limit', { concurrency: { key: () => 'k' } }, [/concurrency.limit/]],
    ['a key that is no function', { concurrency: { limit: 1, key: 'user' } }, [/concurrency.key/]],
    ['an unknown name in concurrency', { concurrency: { limit: 1, by: () => 'k' } }, [/unknown option "by"/]],
    ['a version that is an object', { version: {} }, [/version/]],
    ['a version of NaN', { version: Number.NaN }, [/version/]],
    [
      'all of it at once',
      { timeout: -1, retry: { maxAttempts: 0 }, persist: 'no', concurrency: -1, extra: 1 },
      [/: timeout/, /: retry.maxAttempts/, /: persist/, /: concurrency/, /"extra"/],
    ],
  ])('%s is reported', (_, fields, told) => {
    const problems = problemsWith(fields)
    for (const pattern of told)
      expect(
        problems.filter((message) => pattern.test(message)),
        problems.join('\n'),
      ).toHaveLength(1)
    expect(problems).toHaveLength(told.length)
    for (const message of problems) expect(message).toContain('"s"')
  })

  test.each([
    [{ timeout: '5s', retry: { maxAttempts: 3, backoff: '1s', retryIf: () => true } }],
    [{ retry: { maxAttempts: Infinity } }],
    [{ retry: {} }],
    [{ persist: { scope: 'global', ttl: '1h', namespace: 'n', capacity: 1 }, version: 2 }],
    [{ persist: 'execution', version: 'a', concurrency: { limit: 2, key: () => 'k' }, fallback: 0 }],
    [
      {
        timeout: undefined,
        retry: undefined,
        persist: undefined,
        version: undefined,
        concurrency: undefined,
        fallback: undefined,
      },
    ],
  ])('that make sense pass (%#)', (fields) => {
    graphOf([step({ name: 's', output: Target, run: () => 1, ...fields } as never)])
  })
})
