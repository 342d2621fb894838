import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { dataType, ExecutionTimeoutError, step, StepTimeoutError } from '../../../src/index.ts'
import { fullClockOf } from '../../../src/runtime/environment/clock.ts'
import { queuedTimers } from '../../../src/runtime/environment/timers.ts'
import {
  expectNoUnhandledErrors,
  graphOf,
  never,
  number,
  recorder,
  rejectionOf,
  run,
  runBatch,
  stepErrorOf,
} from '../../loose-api.ts'
import { flush, VirtualClock } from '../../../src/testing/virtual-clock.ts'

expectNoUnhandledErrors()

const Leaf = number('Leaf')
const A = number('A')
const Target = number('Target')

describe('a step’s timeout', () => {
  test('holds against a step that never answers and ignores its signal', async () => {
    const clock = new VirtualClock(0)
    const graph = graphOf([step({ name: 's', output: Target, timeout: '10ms', run: () => never<number>() })])
    const error = await clock.settle(stepErrorOf(run(graph, Target, {}, { clock, id: 'e1' })))
    expect(clock.now()).toBe(10)
    expect(error.cause).toBeInstanceOf(StepTimeoutError)
    expect(error.cause).toMatchObject({
      code: 'STEP_TIMEOUT',
      timeoutMs: 10,
      step: 's',
      attempt: 1,
      executionId: 'e1',
      graph: graph.name,
    })
  })

  test('is not reached by a step that answers in time, and leaves no timer', async () => {
    const clock = new VirtualClock()
    const graph = graphOf([
      step({
        name: 's',
        output: Target,
        timeout: 10,
        run: () => new Promise<number>((resolve) => void clock.setTimeout(() => resolve(1), 9)),
      }),
    ])
    const value = run(graph, Target, {}, { clock })
    await clock.advance(9)
    expect(await value).toBe(1)
    expect(clock.pending).toBe(0)
  })

  test('aborts the attempt’s signal with itself', async () => {
    const clock = new VirtualClock()
    let signal: AbortSignal | undefined
    const graph = graphOf([
      step({
        name: 's',
        output: Target,
        timeout: 10,
        run: (_, context) => ((signal = context.signal), never<number>()),
      }),
    ])
    const error = await clock.settle(stepErrorOf(run(graph, Target, {}, { clock })))
    expect(signal!.reason).toBe(error.cause)
  })

  test('counts for each attempt anew, and the attempt after it may succeed', async () => {
    const clock = new VirtualClock(0)
    const graph = graphOf([
      step({
        name: 's',
        output: Target,
        timeout: 10,
        retry: { maxAttempts: 3, backoff: 5 },
        run: (_, { attempt }) => (attempt < 3 ? never<number>() : clock.now()),
      }),
    ])
    expect(await clock.settle(run(graph, Target, {}, { clock }))).toBe(30)
  })

  test('is reported as a failed attempt that timed out', async () => {
    const clock = new VirtualClock()
    const { events, observer } = recorder()
    const graph = graphOf([step({ name: 's', output: Target, timeout: 10, run: () => never<number>() })])
    await clock.settle(rejectionOf(run(graph, Target, {}, { clock, observers: [observer] })))
    expect(events.find((event) => event.type === 'attempt.failed')).toMatchObject({
      timedOut: true,
      durationMs: 10,
      attempt: 1,
    })
  })

  test('a late value of a timed-out attempt changes nothing', async () => {
    const clock = new VirtualClock()
    const late = Promise.withResolvers<number>()
    let attempts = 0
    const graph = graphOf([
      step({
        name: 's',
        output: Target,
        timeout: 10,
        retry: { maxAttempts: 2 },
        run: () => (++attempts === 1 ? late.promise : never<number>()),
      }),
    ])
    const failing = stepErrorOf(run(graph, Target, {}, { clock }))
    await clock.advance(15)
    late.resolve(1)
    const error = await clock.settle(failing)
    expect(error.attempt).toBe(2)
    expect(error.cause).toMatchObject({ attempt: 2 })
  })

  test('holds against an async schema that never answers', async () => {
    const clock = new VirtualClock()
    const Stuck = dataType('Stuck', {
      '~standard': { version: 1, vendor: 'test', validate: () => never<{ value: number }>() },
    })
    const graph = graphOf([step({ name: 's', output: Stuck, timeout: 10, run: () => 1 })])
    expect((await clock.settle(stepErrorOf(run(graph, Stuck, {}, { clock })))).cause).toBeInstanceOf(StepTimeoutError)
  })

  test('comes from the graph’s defaults unless the step has its own', async () => {
    const clock = new VirtualClock(0)
    const steps = [
      step({ name: 'a', output: A, run: () => never<number>() }),
      step({ name: 't', output: Target, timeout: 5, run: () => never<number>() }),
    ]
    const graph = graphOf(steps, { defaults: { timeout: 20 } })
    await clock.settle(rejectionOf(run(graph, Target, {}, { clock })))
    expect(clock.now()).toBe(5)
    await clock.settle(rejectionOf(run(graph, A, {}, { clock })))
    expect(clock.now()).toBe(25)
  })

  test('does not run while the step waits for its slot or its backoff', async () => {
    const clock = new VirtualClock(0)
    const s = step({
      name: 's',
      inputs: { leaf: Leaf },
      output: Target,
      timeout: 10,
      concurrency: 1,
      run: ({ leaf }) => new Promise<number>((resolve) => void clock.setTimeout(() => resolve(leaf), 9)),
    })
    const graph = graphOf([s])
    const values = Promise.all([1, 2, 3].map((Leaf) => run(graph, Target, { Leaf }, { clock })))
    expect(await clock.settle(values)).toEqual([1, 2, 3])
    expect(clock.now()).toBe(27)
  })
})

describe('an execution’s timeout', () => {
  const deaf = step({ name: 'deaf', output: Target, run: () => never<number>() })

  test('of the graph holds against a step that never answers', async () => {
    const clock = new VirtualClock(0)
    const graph = graphOf([deaf], { timeout: '1s' })
    const error = await clock.settle(rejectionOf(run(graph, Target, {}, { clock, id: 'e1' })))
    expect(error).toBeInstanceOf(ExecutionTimeoutError)
    expect(error).toMatchObject({ code: 'EXECUTION_TIMEOUT', timeoutMs: 1_000, executionId: 'e1', graph: graph.name })
    expect(clock.now()).toBe(1_000)
  })

  test('of the call takes the place of the graph’s', async () => {
    for (const [timeout, at] of [
      ['10ms', 10],
      ['2s', 2_000],
    ] as const) {
      const clock = new VirtualClock(0)
      await clock.settle(rejectionOf(run(graphOf([deaf], { timeout: '1s' }), Target, {}, { clock, timeout })))
      expect(clock.now()).toBe(at)
    }
  })

  test('aborts what runs with itself and starts nothing more', async () => {
    const clock = new VirtualClock()
    let signal: AbortSignal | undefined
    let after = 0
    const graph = graphOf([
      step({
        name: 'slow',
        output: A,
        run: (_, context) => (
          (signal = context.signal),
          new Promise<number>((resolve) => void clock.setTimeout(() => resolve(1), 50))
        ),
      }),
      step({ name: 'after', inputs: { a: A }, output: Target, run: () => ++after }),
    ])
    const error = await clock.settle(rejectionOf(run(graph, Target, {}, { clock, timeout: 10 })))
    expect(signal!.reason).toBe(error)
    await clock.advance(1_000)
    expect(after).toBe(0)
    expect(clock.pending).toBe(0)
  })

  test('of a batch ends all its items', async () => {
    const clock = new VirtualClock()
    const { events, observer } = recorder()
    const s = step({
      name: 's',
      inputs: { leaf: Leaf },
      output: Target,
      retry: { maxAttempts: 9, backoff: 4 },
      run: () => Promise.reject(new Error('again')),
    })
    const items = Array.from({ length: 20 }, (_, Leaf) => ({ Leaf }))
    const batch = runBatch(graphOf([s]), Target, items, { clock, timeout: 10, concurrency: 3, observers: [observer] })
    expect(await clock.settle(rejectionOf(batch))).toBeInstanceOf(ExecutionTimeoutError)
    expect(events.at(-1)).toMatchObject({ type: 'execution.ended', status: 'failed' })
    expect(clock.pending).toBe(0)
  })

  test('that is not reached leaves no timer', async () => {
    const clock = new VirtualClock()
    const graph = graphOf([step({ name: 's', output: Target, timeout: '1h', run: async () => 1 })], { timeout: '1h' })
    expect(await run(graph, Target, {}, { clock })).toBe(1)
    expect(clock.pending).toBe(0)
    expect(queuedTimers(fullClockOf(clock))).toBe(0)
  })
})

describe('no timer stays behind', () => {
  const endings: readonly (readonly [name: string, run: (clock: VirtualClock) => Promise<unknown>])[] = [
    [
      'success',
      (clock) =>
        run(
          graphOf([step({ name: 's', output: Target, timeout: '1h', run: async () => 1 })], { timeout: '2h' }),
          Target,
          {},
          { clock },
        ),
    ],
    [
      'failure beside one that backs off and one that runs',
      (clock) => {
        const steps = [
          step({
            name: 'a',
            output: A,
            retry: { maxAttempts: 9, backoff: '1h' },
            run: () => Promise.reject(new Error('a')),
          }),
          step({ name: 'b', output: number('B'), timeout: '1h', run: () => never<number>() }),
          step({
            name: 'c',
            output: number('C'),
            timeout: '1h',
            run: async () => (await flush(), Promise.reject(new Error('c'))),
          }),
        ]
        const combine = step({
          name: 't',
          inputs: { a: A, b: number('B'), c: number('C') },
          output: Target,
          run: () => 1,
        })
        return run(graphOf([...steps, combine]), Target, {}, { clock, timeout: '3h' })
      },
    ],
    [
      'wrong input',
      (clock) =>
        run(
          graphOf([step({ name: 's', inputs: { leaf: Leaf }, output: Target, run: () => 1 })], { timeout: 5 }),
          Target,
          {},
          { clock },
        ),
    ],
  ]

  test.each(endings)('after %s', async (_, go) => {
    const clock = new VirtualClock()
    await Promise.allSettled([go(clock)])
    expect(clock.pending).toBe(0)
    expect(queuedTimers(fullClockOf(clock))).toBe(0)
  })

  test('and a script that ran graphs exits by itself, with nothing that keeps it alive', async () => {
    const index = JSON.stringify(new URL('../../../src/index.ts', import.meta.url).href)
    const script = `
      import { dataType, execute, executeBatch, step, type, untypedGraph } from ${index}
      const A = dataType('A', type()), T = dataType('T', type())
      const graph = untypedGraph({ name: 'g', timeout: '1h', steps: [
        step({ name: 'a', output: A, timeout: '1h', retry: { maxAttempts: 2, backoff: 1 }, run: (_, { attempt }) => attempt === 1 ? Promise.reject(new Error('again')) : Promise.resolve(1) }),
        step({ name: 't', inputs: { a: A }, output: T, timeout: '1h', persist: { scope: 'global', ttl: '1h' }, concurrency: 1, run: async ({ a }) => a + 1 }),
        step({ name: 'deaf', output: dataType('Deaf', type()), timeout: 5, run: () => new Promise(() => {}) }),
      ] })
      const controller = new AbortController()
      const values = [await execute(graph, T, {}, { signal: controller.signal }), await executeBatch(graph, T, [{}, {}])]
      const failed = await execute(graph, dataType('Deaf', type()), {}).catch((error) => error.cause.code)
      console.log(JSON.stringify({ values, failed, kept: process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name === 'Immediate') }))
    `
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--conditions=docket-source', '--input-type=module', '-e', script],
      {
        cwd: new URL('../../..', import.meta.url).pathname,
        timeout: 20_000,
      },
    )
    expect(JSON.parse(stdout)).toEqual({ values: [2, [2, 2]], failed: 'STEP_TIMEOUT', kept: [] })
  })
})
