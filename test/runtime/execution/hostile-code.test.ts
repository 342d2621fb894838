import { describe, expect, test } from 'vitest'
import { dataType, InputError, optional, step } from '../../../src/index.ts'
import { expectNoUnhandledErrors, graphOf, number, run, stepErrorOf } from '../../loose-api.ts'
import { flush, VirtualClock } from '../../../src/testing/virtual-clock.ts'

expectNoUnhandledErrors()

const Target = number('Target')
const Leaf = number('Leaf')

function throwing(message: string): () => never {
  return () => {
    throw new Error(message)
  }
}

const withHostileGetters = Object.defineProperties(
  {},
  Object.fromEntries(
    ['message', 'name', 'stack', 'cause', 'errors', 'then', 'toString'].map((key) => [
      key,
      { get: throwing(`no ${key}`) },
    ]),
  ),
)
const hostileError = Object.defineProperties(
  new Error('replaced'),
  Object.fromEntries(
    ['message', 'name', 'stack', 'cause', 'errors'].map((key) => [key, { get: throwing(`no ${key}`) }]),
  ),
)
const hostileProxy = new Proxy(
  {},
  {
    get: throwing('no get'),
    has: throwing('no has'),
    getPrototypeOf: throwing('no prototype'),
    ownKeys: throwing('no keys'),
  },
)
const cyclicError = new Error('cyclic')
cyclicError.cause = new AggregateError([new Error('inner', { cause: cyclicError })])

/** Things that can be thrown, friendly or not. */
const thrownThings: readonly (readonly [name: string, thrown: unknown])[] = [
  ['undefined', undefined],
  ['null', null],
  ['a string', 'boom'],
  ['an empty string', ''],
  ['zero', 0],
  ['false', false],
  ['a bigint', 10n],
  ['a symbol', Symbol('boom')],
  ['a function', () => 0],
  ['a frozen object', Object.freeze({ code: 1 })],
  ['a frozen error', Object.freeze(new Error('frozen'))],
  ['an object without a prototype', Object.create(null)],
  ['an object whose getters throw', withHostileGetters],
  ['an error whose getters throw', hostileError],
  ['a proxy whose traps throw', hostileProxy],
  ['an error whose message is a symbol', Object.defineProperty(new Error('x'), 'message', { value: Symbol('m') })],
  ['an error with a cyclic cause', cyclicError],
]

describe.each(thrownThings)('%s', (_, thrown) => {
  test('arrives as the cause when it is thrown', async () => {
    const graph = graphOf([
      step({
        name: 's',
        output: Target,
        run: () => {
          throw thrown
        },
      }),
    ])
    const error = await stepErrorOf(run(graph, Target))
    expect(Object.is(error.cause, thrown)).toBe(true)
    expect(error.message).toContain('"s"')
  })

  test('arrives as the cause when it is a rejection, after all attempts', async () => {
    const clock = new VirtualClock()
    let attempts = 0
    const s = step({
      name: 's',
      output: Target,
      retry: { maxAttempts: 2, retryIf: () => true },
      run: () => {
        attempts++
        // oxlint-disable-next-line prefer-promise-reject-errors
        return Promise.reject(thrown)
      },
    })
    const after = step({ name: 'after', inputs: { t: Target }, output: number('After'), run: ({ t }) => t })
    const error = await clock.settle(stepErrorOf(run(graphOf([s, after]), after.output, {}, { clock })))
    expect(Object.is(error.cause, thrown)).toBe(true)
    expect(attempts).toBe(2)
    expect(error.attempt).toBe(2)
  })

  test('is passed to a fallback, and leaves optional users and observers alone', async () => {
    let seen: readonly unknown[] = []
    const falls = step({
      name: 'falls',
      output: number('A'),
      run: () => {
        throw thrown
      },
      fallback: (error: unknown) => {
        seen = [error]
        return 1
      },
    })
    const fails = step({
      name: 'fails',
      output: number('B'),
      run: () => {
        throw thrown
      },
    })
    const takes = step({
      name: 'takes',
      inputs: { a: falls.output, b: optional(fails.output) },
      output: Target,
      run: ({ a, b }) => a + (b ?? 10),
    })
    const graph = graphOf([falls, fails, takes], { observers: [() => {}] })
    expect(await run(graph, Target)).toBe(11)
    expect(Object.is(seen[0], thrown)).toBe(true)
  })
})

/** A graph of one step that gives this. */
function asTarget(thenable: unknown, more: object = {}) {
  return graphOf([step({ name: 's', output: Target, run: () => thenable as number, ...more })])
}

describe('a hostile thenable', () => {
  test('that resolves twice counts with its first value', async () => {
    const thenable = { then: (resolve: (value: unknown) => void) => (resolve(1), resolve(2)) }
    expect(await run(asTarget(thenable), Target)).toBe(1)
  })

  test('that throws after it resolved counts with its value', async () => {
    const thenable = {
      then(resolve: (value: unknown) => void) {
        resolve(1)
        throw new Error('too late')
      },
    }
    expect(await run(asTarget(thenable), Target)).toBe(1)
  })

  test('that resolves and then rejects counts with its value, though the schema takes its time', async () => {
    const Slow = dataType(
      'Slow',
      asyncSchema((value) => value),
    )
    const thenable = {
      then: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => (
        resolve(1),
        reject(new Error('no'))
      ),
    }
    const graph = graphOf([step({ name: 's', output: Slow, run: () => thenable as unknown as number })])
    expect(await run(graph, Slow)).toBe(1)
  })

  test('that resolves with another promise counts with that one’s value', async () => {
    const thenable = { then: (resolve: (value: unknown) => void) => resolve(Promise.resolve(3)) }
    expect(await run(asTarget(thenable), Target)).toBe(3)
  })

  test('that resolves synchronously gives its value', async () => {
    const thenable = { then: (resolve: (value: unknown) => void) => resolve(4) }
    expect(await run(asTarget(thenable), Target)).toBe(4)
  })

  test('that throws in then fails the step with what it threw', async () => {
    const boom = new Error('boom')
    const thenable = {
      then() {
        throw boom
      },
    }
    expect((await stepErrorOf(run(asTarget(thenable), Target))).cause).toBe(boom)
  })

  test('whose then is a getter that throws fails the step with what it threw, and later steps still run', async () => {
    const boom = new Error('no then')
    const thenable = Object.defineProperty({}, 'then', {
      get() {
        throw boom
      },
    })
    expect((await stepErrorOf(run(asTarget(thenable), Target))).cause).toBe(boom)
    expect(await run(asTarget(thenable, { fallback: 7 }), Target)).toBe(7)
  })

  test('that never settles is held by the step’s timeout', async () => {
    const clock = new VirtualClock()
    const graph = asTarget({ then() {} }, { timeout: 10 })
    expect((await clock.settle(stepErrorOf(run(graph, Target, {}, { clock })))).cause).toMatchObject({
      code: 'STEP_TIMEOUT',
    })
  })
})

const failingPolicies: readonly (readonly [name: string, thrown: Error, policies: (thrown: Error) => object])[] = (
  [
    ['retryIf that throws', (thrown) => ({ retry: { maxAttempts: 3, retryIf: () => raise(thrown) } })],
    ['backoff that throws', (thrown) => ({ retry: { maxAttempts: 3, backoff: () => raise(thrown) } })],
    ['fallback that throws', (thrown) => ({ fallback: () => raise(thrown) })],
    ['fallback that rejects', (thrown) => ({ fallback: () => Promise.reject(thrown) })],
  ] satisfies [string, (thrown: Error) => object][]
).map(([name, policies]) => [name, new Error(`${name}!`), policies])

function raise(thrown: unknown): never {
  throw thrown
}

describe('policies', () => {
  test.each(failingPolicies)(
    'a %s leaves the step’s own failure the cause, and is reported besides',
    async (_, thrown, policies) => {
      const boom = new Error('boom')
      let attempts = 0
      const graph = graphOf([
        step({ name: 's', output: Target, run: () => (attempts++, Promise.reject(boom)), ...policies(thrown) }),
      ])
      const error = await stepErrorOf(run(graph, Target))
      expect(error.cause).toBe(boom)
      expect(error.policyError).toBe(thrown)
      expect(error.message).toContain(thrown.message)
      expect(attempts).toBe(1)
      expect(error.attempt).toBe(1)
    },
  )

  test.each([
    ['retryIf', { retryIf: () => Promise.reject(new Error('lost')) }],
    ['retryIf', { retryIf: () => Promise.resolve(false) }],
    ['backoff', { backoff: () => Promise.reject(new Error('lost')) }],
    ['backoff', { backoff: () => Number.NaN }],
    ['backoff', { backoff: () => -1 }],
    ['backoff', { backoff: () => 'soon' }],
    ['backoff', { backoff: () => undefined }],
    ['backoff', { backoff: () => Symbol('soon') }],
  ])('a %s that gives what it must not ends the tries and is reported (%#)', async (name, retry) => {
    const boom = new Error('boom')
    const graph = graphOf([
      step({
        name: 's',
        output: Target,
        retry: { maxAttempts: 3, ...(retry as object) },
        run: () => Promise.reject(boom),
      }),
    ])
    const error = await stepErrorOf(run(graph, Target))
    expect(error.cause).toBe(boom)
    expect(error.attempt).toBe(1)
    expect(String(error.policyError)).toContain(name)
  })

  test('a concurrency key that throws fails its step without an attempt', async () => {
    const boom = new Error('no key')
    const graph = graphOf([
      step({ name: 's', output: Target, concurrency: { limit: 1, key: () => raise(boom) }, run: () => 1 }),
    ])
    const error = await stepErrorOf(run(graph, Target))
    expect(error.cause).toBe(boom)
    expect(error.attempt).toBe(0)
    expect(error.message).toBe('step "s" failed: no key')
  })

  test.each([
    ['a promise', Promise.resolve('k')],
    ['nothing', undefined],
    ['an object', {}],
    ['an empty string', ''],
  ])('a concurrency key that gives %s fails its step', async (_, key) => {
    const graph = graphOf([
      step({ name: 's', output: Target, concurrency: { limit: 1, key: () => key as string }, run: () => 1 }),
    ])
    expect((await stepErrorOf(run(graph, Target))).cause).toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringMatching(/^concurrency.key of step "s" must return a non-empty string, not /) as string,
    })
  })
})

function asyncSchema(check: (value: unknown) => unknown) {
  const validate = async (value: unknown) => ({ value: check(value) as number })
  return { '~standard': { version: 1 as const, vendor: 'test', validate } }
}

function schemaOf(validate: (value: unknown) => unknown) {
  return {
    '~standard': { version: 1 as const, vendor: 'test', validate: validate as (value: unknown) => { value: number } },
  }
}

describe('schemas', () => {
  const boom = new Error('broken schema')
  const broken = [
    ['that throws', schemaOf(() => raise(boom))],
    ['that rejects', schemaOf(() => Promise.reject(boom))],
    ['that gives nothing', schemaOf(() => undefined)],
    ['that promises nothing', schemaOf(() => Promise.resolve())],
    [
      'whose issues can’t be read',
      schemaOf(() => ({
        get issues() {
          return raise(boom)
        },
      })),
    ],
    ['whose issues are no list', schemaOf(() => Promise.resolve({ issues: 5 }))],
  ] as const

  test.each(broken)('an output schema %s fails its step as OUTPUT_INVALID', async (_, schema) => {
    const Broken = dataType('Broken', schema)
    const error = await stepErrorOf(run(graphOf([step({ name: 's', output: Broken, run: () => 1 })]), Broken))
    expect(error.cause).toBeInstanceOf(InputError)
    expect(error.cause).toMatchObject({ code: 'OUTPUT_INVALID', step: 's' })
    expect((error.cause as InputError).issues[0]!.message).toContain('the schema itself threw')
  })

  test.each(broken)('a leaf schema %s rejects the call as INPUT_INVALID before anything runs', async (_, schema) => {
    const Broken = dataType('Broken', schema)
    let runs = 0
    const graph = graphOf([step({ name: 's', inputs: { leaf: Broken }, output: Target, run: () => ++runs })])
    await expect(run(graph, Target, { Broken: 1 })).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    expect(runs).toBe(0)
  })
})

describe('observers and loggers', () => {
  const add = step({ name: 'add', inputs: { leaf: Leaf }, output: Target, run: ({ leaf }) => leaf + 1 })

  test.each<readonly [string, unknown]>([
    ['throws', () => raise(new Error('observer'))],
    ['rejects', () => Promise.reject(new Error('observer'))],
    ['throws undefined', () => raise(undefined)],
    ['throws what has no text', () => raise(Object.create(null))],
    ['throws an error whose getters throw', () => raise(hostileError)],
    ['rejects with a proxy whose traps throw', () => Promise.reject(hostileProxy as Error)],
    ['throws in next', { next: () => raise(new Error('observer')) }],
  ])('an observer that %s changes nothing, and the next one gets the event all the same', async (_, observer) => {
    const types: string[] = []
    const graph = graphOf([add], { observers: [observer, (event: { type: string }) => types.push(event.type)] })
    expect(await run(graph, Target, { Leaf: 1 })).toBe(2)
    expect(types).toEqual(['execution.started', 'step.started', 'attempt.started', 'step.ended', 'execution.ended'])
    await flush()
  })

  test('an observer whose next is a getter that throws changes nothing', async () => {
    const observer = { logger: undefined, next: () => {} }
    const graph = graphOf([add], { observers: [observer] })
    Object.defineProperty(observer, 'next', { get: () => raise(new Error('observer')) })
    expect(await run(graph, Target, { Leaf: 1 })).toBe(2)
  })

  test('a logger that throws in child fails the step that uses it, and nothing else', async () => {
    const boom = new Error('no child')
    const logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => raise(boom) }
    const logs = step({ name: 'logs', output: number('A'), run: (_, { log }) => (log.info({}), 1) })
    const takes = step({ name: 'takes', inputs: { a: optional(logs.output) }, output: Target, run: ({ a }) => a ?? 5 })
    expect(await run(graphOf([logs, takes]), Target, {}, { logger })).toBe(5)
    expect((await stepErrorOf(run(graphOf([logs, takes]), logs.output, {}, { logger }))).cause).toBe(boom)
  })
})
