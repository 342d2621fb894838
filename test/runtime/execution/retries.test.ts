import { describe, expect, test } from 'vitest'
import {
  AbortExecutionError,
  dataType,
  exponential,
  fixed,
  InputError,
  NonRetryableError,
  step,
} from '../../../src/index.ts'
import { z } from 'zod'
import { expectNoUnhandledErrors, graphOf, number, run, stepErrorOf } from '../../loose-api.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

expectNoUnhandledErrors()

const Target = number('Target')
const boom = new Error('boom')

/** A step that fails `failures` times, and the virtual times of its attempts. */
function flaky(failures: number, retry: object, more: object = {}) {
  const clock = new VirtualClock()
  const start = clock.now()
  const times: number[] = []
  const attempts: number[] = []
  const graph = graphOf([
    step({
      name: 'flaky',
      output: Target,
      retry,
      run: (_, { attempt }) => {
        times.push(clock.now() - start)
        attempts.push(attempt)
        return times.length <= failures ? Promise.reject(boom) : 1
      },
      ...more,
    }),
  ])
  return { clock, graph, times, attempts, go: (options: object = {}) => run(graph, Target, {}, { clock, ...options }) }
}

describe('attempts', () => {
  test('are made until one succeeds, counted from 1', async () => {
    const { clock, go, attempts } = flaky(2, { maxAttempts: 5 })
    expect(await clock.settle(go())).toBe(1)
    expect(attempts).toEqual([1, 2, 3])
  })

  test('end with maxAttempts, the first included', async () => {
    const { clock, go, attempts } = flaky(9, { maxAttempts: 3 })
    const error = await clock.settle(stepErrorOf(go()))
    expect(error.cause).toBe(boom)
    expect(error.attempt).toBe(3)
    expect(attempts).toEqual([1, 2, 3])
  })

  test('are one without a retry policy', async () => {
    const { go, attempts } = flaky(9, {})
    expect((await stepErrorOf(go())).attempt).toBe(1)
    expect(attempts).toEqual([1])
  })

  test('the last attempt’s error is the cause', async () => {
    const clock = new VirtualClock()
    const errors = [new Error('first'), new Error('second')]
    const graph = graphOf([
      step({
        name: 's',
        output: Target,
        retry: { maxAttempts: 2 },
        run: (_, { attempt }) => Promise.reject(errors[attempt - 1]),
      }),
    ])
    expect((await clock.settle(stepErrorOf(run(graph, Target, {}, { clock })))).cause).toBe(errors[1])
  })

  test('without end keep neither a cancellation nor an execution timeout out', async () => {
    for (const kind of ['cancel', 'timeout'] as const) {
      const controller = new AbortController()
      const { clock, go, times } = flaky(Infinity, { maxAttempts: Infinity, backoff: 1 })
      const failing = go(kind === 'cancel' ? { signal: controller.signal } : { timeout: 5 }).catch(
        (error: unknown) => error,
      )
      await clock.advance(5)
      controller.abort()
      expect(await failing).toMatchObject({ code: kind === 'cancel' ? 'EXECUTION_CANCELLED' : 'EXECUTION_TIMEOUT' })
      const made = times.length
      await clock.advance(100)
      expect(times.length).toBe(made)
      expect(clock.pending).toBe(0)
    }
  })

  test('that fail at once for ever give the event loop back between them', async () => {
    const due: (() => void)[] = []
    const clock = { now: () => 0, setTimeout: (handler: () => void) => due.push(handler), clearTimeout() {} }
    const controller = new AbortController()
    let attempts = 0
    const s = step({
      name: 's',
      output: Target,
      retry: { maxAttempts: Infinity },
      run: () => {
        if (++attempts > 100) controller.abort()
        throw boom
      },
    })
    const failing = run(graphOf([s]), Target, {}, { clock, signal: controller.signal }).catch((error: unknown) => error)
    for (let turn = 1; turn <= 5; turn++) {
      expect(attempts).toBe(turn)
      due.shift()!()
    }
    controller.abort()
    expect(await failing).toMatchObject({ code: 'EXECUTION_CANCELLED' })
  })

  test('an attempt that changes its inputs record changes it for itself alone', async () => {
    const clock = new VirtualClock()
    const Leaf = number('Leaf')
    const seen: unknown[] = []
    const graph = graphOf([
      step({
        name: 's',
        inputs: { leaf: Leaf },
        output: Target,
        retry: { maxAttempts: 2 },
        run: (inputs, { attempt }) => {
          seen.push(inputs.leaf)
          ;(inputs as { leaf: number }).leaf = 99
          return attempt === 1 ? Promise.reject(boom) : inputs.leaf
        },
      }),
    ])
    await clock.settle(run(graph, Target, { Leaf: 1 }, { clock }))
    expect(seen).toEqual([1, 1])
  })
})

describe('backoff', () => {
  test.each<readonly [string, object, readonly number[]]>([
    ['none', {}, [0, 0, 0, 0]],
    ['a number', { backoff: 10 }, [0, 10, 20, 30]],
    ['a text', { backoff: '1s' }, [0, 1_000, 2_000, 3_000]],
    ['fixed', { backoff: fixed('20ms') }, [0, 20, 40, 60]],
    ['exponential', { backoff: exponential('100ms') }, [0, 100, 300, 700]],
    ['exponential with factor and max', { backoff: exponential(100, { factor: 10, max: 500 }) }, [0, 100, 600, 1_100]],
    ['a function of the attempt', { backoff: (attempt: number) => attempt * 7 }, [0, 7, 21, 42]],
    ['a function that gives texts', { backoff: (attempt: number) => `${attempt}s` }, [0, 1_000, 3_000, 6_000]],
  ])('%s puts the attempts at their times', async (_, policy, expected) => {
    const { clock, go, times } = flaky(3, { maxAttempts: 4, ...policy })
    await clock.settle(go())
    expect(times).toEqual(expected)
  })

  test('jitter takes the injected randomness', async () => {
    const values = [0, 0.5, 0.999]
    const policy = { maxAttempts: 4, backoff: exponential(100, { factor: 1, jitter: 0.5 }) }
    const { clock, go, times } = flaky(3, policy)
    let next = 0
    // The id of the execution is made from the same randomness, unless it is given.
    await clock.settle(go({ id: 'x', random: () => values[next++]! }))
    // The third wait is 50.05 ms; timers wait for whole ones.
    expect(times).toEqual([0, 100, 175, 226])
  })

  test('counts from the end of the failed attempt', async () => {
    const clock = new VirtualClock(0)
    const times: number[] = []
    const graph = graphOf([
      step({
        name: 's',
        output: Target,
        retry: { maxAttempts: 2, backoff: 10 },
        run: () => {
          times.push(clock.now())
          return new Promise<number>((_, reject) => void clock.setTimeout(() => reject(boom), 5))
        },
      }),
    ])
    await clock.settle(stepErrorOf(run(graph, Target, {}, { clock })))
    expect(times).toEqual([0, 15])
  })
})

const deep = (depth: number, last: Error): Error => {
  let error = last
  for (let level = 0; level < depth; level++) error = new Error(`level ${level}`, { cause: error })
  return error
}
const many = (last: Error): Error =>
  new AggregateError([last, ...Array.from({ length: 500 }, () => new Error('other'))])

describe('errors that end the tries', () => {
  const cyclic = new Error('cyclic')
  cyclic.cause = new Error('around', { cause: cyclic })
  const cyclicWith = (last: Error): Error => {
    const inner: Error = new AggregateError([cyclic, last])
    const outer = new Error('outer', { cause: inner })
    inner.cause = outer
    return outer
  }

  describe.each([
    ['NonRetryableError', () => new NonRetryableError('no use')],
    ['AbortExecutionError', () => new AbortExecutionError('stop')],
  ])('%s', (_, make) => {
    test.each<readonly [string, (last: Error) => unknown]>([
      ['itself', (last) => last],
      ['as the cause', (last) => deep(1, last)],
      ['500 causes down', (last) => deep(500, last)],
      ['in an AggregateError', (last) => new AggregateError([new Error('other'), last])],
      ['first of 500 in an AggregateError', many],
      ['in an AggregateError in a cause', (last) => deep(2, new AggregateError([deep(2, last)]))],
      ['in a cyclic chain', cyclicWith],
      ['as the cause of something that is no Error', (last) => ({ cause: last })],
      [
        'beside a cause that can’t be read',
        (last) => Object.defineProperty(new AggregateError([last]), 'cause', { get: () => raise(boom) }),
      ],
    ])('%s', async (_, wrap) => {
      const thrown = wrap(make())
      let attempts = 0
      let asked = 0
      const graph = graphOf([
        step({
          name: 's',
          output: Target,
          retry: { maxAttempts: 5, retryIf: () => (asked++, true) },
          run: () => {
            attempts++
            throw thrown
          },
        }),
      ])
      const error = await stepErrorOf(run(graph, Target))
      expect(error.cause).toBe(thrown)
      expect([attempts, asked, error.attempt]).toEqual([1, 0, 1])
    })
  })

  test('a cyclic chain without them is retried like any error', async () => {
    const clock = new VirtualClock()
    let attempts = 0
    const graph = graphOf([
      step({ name: 's', output: Target, retry: { maxAttempts: 2 }, run: () => (attempts++, Promise.reject(cyclic)) }),
    ])
    expect((await clock.settle(stepErrorOf(run(graph, Target, {}, { clock })))).cause).toBe(cyclic)
    expect(attempts).toBe(2)
  })

  test('a cause that is another object each time it is read comes to an end', async () => {
    const endless = (): object => Object.defineProperty(new Error('endless'), 'cause', { get: endless })
    const graph = graphOf([
      step({ name: 's', output: Target, retry: { maxAttempts: 1 }, run: () => Promise.reject(endless() as Error) }),
    ])
    expect((await stepErrorOf(run(graph, Target))).step).toBe('s')
  })

  test('retryIf gets the error itself, only while attempts are left', async () => {
    const seen: unknown[] = []
    const { clock, go } = flaky(9, { maxAttempts: 3, retryIf: (error: unknown) => (seen.push(error), true) })
    await clock.settle(stepErrorOf(go()))
    expect(seen).toEqual([boom, boom])
    expect(seen[0]).toBe(boom)
  })
})

function raise(thrown: unknown): never {
  throw thrown
}

describe('a value that does not fit its type', () => {
  const User = dataType('User', z.object({ name: z.string(), address: z.object({ zip: z.string() }) }))

  test.each<readonly [string, unknown, readonly (string | number)[]]>([
    ['undefined', undefined, ['User']],
    ['null', null, ['User']],
    ['a wrong shape', { name: 'a', address: { zip: 5 } }, ['User', 'address', 'zip']],
  ])('%s fails the step as OUTPUT_INVALID with issues and path', async (_, value, path) => {
    const graph = graphOf([step({ name: 's', output: User, run: () => value as never })])
    const error = await stepErrorOf(run(graph, User))
    expect(error.cause).toBeInstanceOf(InputError)
    const cause = error.cause as InputError
    expect(cause).toMatchObject({ code: 'OUTPUT_INVALID', step: 's', attempt: 1, graph: graph.name })
    expect(cause.issues).toHaveLength(1)
    expect(cause.issues[0]!.path).toEqual(path)
    expect(cause.message).toContain(path.join('.'))
  })

  test('is retried like any failure', async () => {
    const clock = new VirtualClock()
    const good = { name: 'a', address: { zip: '1' } }
    const graph = graphOf([
      step({
        name: 's',
        output: User,
        retry: { maxAttempts: 2 },
        run: (_, { attempt }) => (attempt === 1 ? undefined : good) as never,
      }),
    ])
    expect(await clock.settle(run(graph, User, {}, { clock }))).toEqual(good)
  })
})
