import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  dataType,
  explain,
  fromGraph,
  GraphError,
  InputError,
  optional,
  OptionError,
  step,
} from '../../../src/index.ts'
import { expectNoUnhandledErrors, graphOf, number, rejectionOf, run, runBatch, thrownBy } from '../../loose-api.ts'
import { A, B, Target, chain } from './chain.ts'
import { flush } from '../../../src/testing/virtual-clock.ts'

expectNoUnhandledErrors()

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

describe('inputs', () => {
  test('that miss several leaves are reported all at once, before anything runs', async () => {
    const { graph, ran } = chain()
    const error = (await rejectionOf(run(graph, Target, {}))) as InputError
    expect(error).toBeInstanceOf(InputError)
    expect(error).toMatchObject({ code: 'INPUT_INVALID', graph: graph.name })
    expect(error.issues.map((issue) => issue.path)).toEqual([['A'], ['B']])
    expect(ran).toEqual([])
  })

  test('with unknown keys are reported, together with what is missing', async () => {
    const { graph, ran } = chain()
    const error = (await rejectionOf(run(graph, Target, { a: 1, B: 2, Zebra: 3, X: 4 }))) as InputError
    expect(error.issues.map((issue) => issue.path).toSorted()).toEqual([['A'], ['X'], ['Zebra'], ['a']])
    const textOf = (key: string) => error.issues.find((issue) => issue.path[0] === key)!.message
    expect(textOf('a')).toContain('did you mean "A"')
    expect(textOf('X')).toContain('does not need it')
    expect(textOf('Zebra')).toContain('no such type')
    expect(ran).toEqual([])
  })

  test('that are undefined count as not given where nothing requires them', async () => {
    const { graph } = chain()
    expect(await run(graph, Target, { A: 1, B: 2, E: undefined, Zebra: undefined })).toBe(30)
  })

  class Request {
    A = 1
    B = 2
  }
  const hostile = {
    get A(): number {
      throw new Error('a trap')
    },
    B: 2,
  }
  test.each([
    ['inherit from another object', Object.create({ A: 1, B: 2 }), /plain object keyed by type names.*copy it with/],
    ['are an instance of a class', new Request(), /not an instance of Request; copy its fields/],
    ['are a Map', new Map([['A', 1]]), /not an instance of Map/],
    ['are a promise', Promise.resolve({}), /not a promise; is an await missing\?/],
    ['have a getter that throws', hostile, /reading "A" threw: a trap/],
    ['are a revoked proxy', revoked(), /reading it threw/],
  ])('that %s are refused, and nothing runs', async (_, inputs, said) => {
    const { graph, ran } = chain()
    const error = (await rejectionOf(run(graph, Target, inputs))) as InputError
    expect(error).toMatchObject({ code: 'INPUT_INVALID' })
    expect(error.message).toMatch(said)
    expect(await runBatch(graph, Target, [inputs], { onError: 'collect' })).toMatchObject([
      { error: { code: 'INPUT_INVALID' } },
    ])
    expect(ran).toEqual([])
  })

  test('of another realm, without a prototype, and behind a proxy are plain objects', async () => {
    const { graph } = chain()
    const foreign: unknown = runInNewContext('({ A: 1, B: 2 })')
    const bare = Object.assign(Object.create(null), { A: 1, B: 2 })
    for (const inputs of [foreign, bare, new Proxy({ A: 1, B: 2 }, {})])
      expect(await run(graph, Target, inputs)).toBe(30)
  })

  test('with a type that a step makes are refused, with the way to give it all the same', async () => {
    const { graph, ran } = chain()
    const error = (await rejectionOf(run(graph, Target, { A: 1, B: 2, C: 5 }))) as InputError
    expect(error.issues.map((issue) => issue.path)).toEqual([['C']])
    expect(error.message).toContain('step "c" makes it')
    expect(error.message).toContain('{ overrides: { C: … } }')
    expect(ran).toEqual([])
  })

  test.each([
    ['null', null],
    ['a list', []],
    ['a text', 'A'],
    ['a number', 5],
  ])('that are %s are refused', async (_, inputs) => {
    const { graph } = chain()
    expect(await rejectionOf(run(graph, Target, inputs))).toMatchObject({ code: 'INPUT_INVALID' })
  })

  test('named like properties of every object are inputs like any', async () => {
    const types = ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'then'].map(number)
    const inputs = Object.fromEntries(types.map((type, index) => [`p${index}`, type]))
    const graph = graphOf([
      step({
        name: 's',
        inputs,
        output: Target,
        run: (values) => Object.values(values).reduce((sum, value) => sum + value, 0),
      }),
    ])
    const given = JSON.parse('{ "constructor": 1, "toString": 2, "__proto__": 4, "hasOwnProperty": 8, "then": 16 }')
    expect(await run(graph, Target, given)).toBe(31)
    const error = (await rejectionOf(run(graph, Target, {}))) as InputError
    expect(error.issues).toHaveLength(5)
  })

  test('are checked by their schemas, all of them reported, before anything runs', async () => {
    const User = dataType('User', z.object({ id: z.string(), tags: z.array(z.string()) }))
    const Age = dataType('Age', z.number())
    let runs = 0
    const graph = graphOf([
      step({ name: 'first', inputs: { age: Age }, output: A, run: () => ++runs }),
      step({ name: 's', inputs: { a: A, user: User }, output: Target, run: () => ++runs }),
    ])
    const error = (await rejectionOf(
      run(graph, Target, { User: { id: 1, tags: ['x', 2] }, Age: 'old' }, { id: 'e1' }),
    )) as InputError
    expect(error.issues.map((issue) => issue.path)).toEqual(
      expect.arrayContaining([['User', 'id'], ['User', 'tags', 1], ['Age']]),
    )
    expect(error.issues).toHaveLength(3)
    expect(error.message).toContain('User.tags.1')
    expect(error.executionId).toBe('e1')
    expect(runs).toBe(0)
  })

  test('are checked by async schemas too, before anything runs', async () => {
    const Slow = dataType(
      'Slow',
      z.string().refine(async (value) => value === 'good'),
    )
    let runs = 0
    const graph = graphOf([
      step({ name: 'first', inputs: { a: A }, output: B, run: () => ++runs }),
      step({ name: 's', inputs: { slow: Slow, b: B }, output: Target, run: () => ++runs }),
    ])
    expect(await rejectionOf(run(graph, Target, { Slow: 'bad', A: 1 }))).toMatchObject({ code: 'INPUT_INVALID' })
    expect(runs).toBe(0)
    expect(await run(graph, Target, { Slow: 'good', A: 1 })).toBe(2)
  })

  test('reach the steps as their schemas convert them', async () => {
    const When = dataType(
      'When',
      z.string().transform((text) => new Date(text)),
    )
    const graph = graphOf([
      step({ name: 's', inputs: { when: When }, output: Target, run: ({ when }) => (when as Date).getTime() }),
    ])
    expect(await run(graph, Target, { When: '1970-01-01T00:00:01Z' })).toBe(1_000)
  })
})

describe('the graph and the target', () => {
  test('a leaf can be the target, and needs no step', async () => {
    const { graph, ran } = chain()
    expect(await run(graph, A, { A: 9 })).toBe(9)
    expect(ran).toEqual([])
  })

  test.each([
    ['undefined', undefined],
    ['an object', {}],
    ['a copy of a graph', { ...chain().graph }],
  ])('%s in the place of a graph is refused', async (_, graph) => {
    expect(await rejectionOf(run(graph, Target, {}))).toBeInstanceOf(GraphError)
  })

  test('a target that the graph does not know is refused, with those that it makes', async () => {
    const { graph } = chain()
    const error = (await rejectionOf(run(graph, number('Nowhere'), {}))) as GraphError
    expect(error).toBeInstanceOf(GraphError)
    expect(error.problems).toMatchObject([{ kind: 'unknown-target' }])
    expect(error.message).toMatch(/"Nowhere".*C, D, Target, Y/)
  })

  test.each([
    ['undefined', undefined],
    ['null', null],
    ['a name', 'Target'],
  ])('%s in the place of a target is refused', async (_, target) => {
    const { graph } = chain()
    expect(await rejectionOf(run(graph, target, {}))).toBeInstanceOf(GraphError)
    expect(thrownBy(() => (explain as unknown as (...args: unknown[]) => void)(graph, target, {}))).toBeInstanceOf(
      GraphError,
    )
    expect(thrownBy(() => (fromGraph as unknown as (...args: unknown[]) => void)(graph, target))).toBeInstanceOf(
      GraphError,
    )
  })
})

describe('options', () => {
  const wrong: readonly (readonly [name: string, options: unknown, told: RegExp])[] = [
    ['an unknown name', { singal: undefined }, /unknown option "singal".*signal/],
    ['an empty id', { id: '' }, /id/],
    ['an id that is no text', { id: 5 }, /id/],
    ['a signal that is none', { signal: {} }, /signal/],
    ['a timeout of 0', { timeout: 0 }, /timeout/],
    ['a negative timeout', { timeout: -1 }, /timeout/],
    ['a timeout that is NaN', { timeout: Number.NaN }, /timeout/],
    ['a timeout that can’t be read', { timeout: 'soon' }, /timeout "soon"/],
    ['headers that are none', { headers: [] }, /headers/],
    ['a header that is no text', { headers: { tenant: 5 } }, /tenant/],
    ['observers that are no list', { observers: () => {} }, /observers/],
    ['an observer that is none', { observers: [{}] }, /observers\[0\]/],
    ['a logger without child', { logger: console }, /logger/],
    ['a clock without timers', { clock: { now: () => 0 } }, /clock/],
    ['randomness that is no function', { random: 0.5 }, /random/],
    ['no object', 5, /object/],
    ['null', null, /object/],
    ['a list', [], /object/],
  ]

  test.each(wrong)('%s is refused before anything runs', async (_, options, told) => {
    const { graph, ran } = chain()
    const error = await rejectionOf(run(graph, Target, { C: 1 }, options))
    expect(error).toBeInstanceOf(OptionError)
    expect((error as Error).message).toMatch(told)
    expect(ran).toEqual([])
  })

  test('that are wrong are reported all at once', async () => {
    const { graph } = chain()
    const error = (await rejectionOf(run(graph, Target, { C: 1 }, { timeout: 'soon', id: '', sgnal: 1 }))) as Error
    for (const name of ['timeout', 'id', 'sgnal']) expect(error.message).toContain(name)
  })

  test.each([
    ['concurrency', { concurrency: 0 }],
    ['concurrency', { concurrency: 1.5 }],
    ['concurrency', { concurrency: Number.NaN }],
    ['onError', { onError: 'ignore' }],
    ['shared', { shared: [] }],
    ['parallel', { parallel: 5 }],
  ])('a batch’s wrong %s is refused (%#)', async (name, options) => {
    const { graph, ran } = chain()
    const error = await rejectionOf(runBatch(graph, Target, [{ C: 1 }], options))
    expect(error).toBeInstanceOf(OptionError)
    expect((error as Error).message).toContain(name)
    expect(ran).toEqual([])
  })

  test('headers reach the steps', async () => {
    const graph = graphOf([step({ name: 's', output: Target, run: (_, { headers }) => Number(headers['tenant']) })])
    expect(await run(graph, Target, {}, { headers: { tenant: '7' } })).toBe(7)
    expect(await run(graph, Target, {})).toBeNaN()
  })
})

describe('the promise of execute', () => {
  test('is rejected, never thrown at the caller', async () => {
    const calls = [() => run(undefined, undefined, undefined), () => run(chain().graph, Target, {}, 5)]
    for (const call of calls) {
      const promise = call()
      expect(promise).toBeInstanceOf(Promise)
      await expect(promise).rejects.toBeInstanceOf(Error)
    }
    await flush()
  })

  test('steps begin before the call returns', () => {
    const { graph, ran } = chain()
    void run(graph, Target, {}, { overrides: { C: 1 } })
    expect(ran).toEqual(['d', 't'])
  })
})

describe('long chains', () => {
  const length = 10_000
  const types = Array.from({ length: length + 1 }, (_, index) => number(`N${index}`))
  const last = types.at(-1)!
  const chainOf = (add: (value: number) => number | Promise<number>, more: object = {}) =>
    graphOf(
      types
        .slice(1)
        .map((output, index) =>
          step({ name: `s${index}`, inputs: { from: types[index]! }, output, run: ({ from }) => add(from), ...more }),
        ),
    )

  test.each<readonly [string, (value: number) => number | Promise<number>, object]>([
    ['synchronous', (value) => value + 1, {}],
    ['asynchronous', async (value) => value + 1, {}],
    ['remembered', (value) => value + 1, { persist: 'global' }],
    ['limited', (value) => value + 1, { concurrency: 1 }],
  ])('of 10,000 %s steps do not grow the stack', async (_, add, more) => {
    const graph = chainOf(add, more)
    expect(await run(graph, last, { N0: 0 })).toBe(length)
    expect(await run(graph, last, { N0: 0 })).toBe(length)
  })

  test('of 10,000 steps that fail at the far end report the whole path', async () => {
    const boom = new Error('boom')
    const graph = chainOf((value) => (value === 0 ? Promise.reject(boom) : value))
    const error = (await rejectionOf(run(graph, last, { N0: 0 }))) as { cause: unknown; path: string[] }
    expect(error.cause).toBe(boom)
    expect(error.path).toHaveLength(length)
    expect([error.path[0], error.path.at(-1)]).toEqual([last.name, 'N1'])
  })

  test('of 10,000 skipped steps end in their optional user', async () => {
    const steps = types.slice(1).map((output, index) =>
      step({
        name: `s${index}`,
        inputs: { from: types[index]! },
        output,
        run: () => (index === 0 ? Promise.reject(new Error('boom')) : 1),
      }),
    )
    const takes = step({
      name: 'takes',
      inputs: { last: optional(last) },
      output: Target,
      run: ({ last }) => last ?? -1,
    })
    expect(await run(graphOf([...steps, takes]), Target, { N0: 0 })).toBe(-1)
  })
})
