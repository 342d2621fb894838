import { describe, expect, test } from 'vitest'
import {
  AbortExecutionError,
  all,
  dataType,
  explain,
  exponential,
  GraphError,
  InputError,
  NonRetryableError,
  step,
  type,
} from '../../../src/index.ts'
import {
  expectNoUnhandledErrors,
  graphOf,
  never,
  recorder,
  rejectionOf,
  run,
  runBatch,
  stepErrorOf,
  thrownBy,
} from '../../loose-api.ts'
import type { AnyDataType } from '../../loose-api.ts'
import { flush, VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { A, B, boom, copying, items, Leaf, raise, Target } from './copying.ts'

// Continues causes-keys-and-ends.test.ts.

expectNoUnhandledErrors()

function kindsOf(steps: readonly unknown[], more: object = {}) {
  return (thrownBy(() => graphOf(steps, more)) as GraphError).problems.map(({ kind }) => kind)
}

test('a failure is never reported as a cancellation, and an abort differs from what may be tried again', async () => {
  for (const thrown of [boom, new AbortExecutionError()]) {
    const fails = step({ name: 'fails', output: A, run: async () => (await flush(), Promise.reject(thrown)) })
    const waits = step({
      name: 'waits',
      output: B,
      run: (_, { signal }) =>
        new Promise<number>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    })
    const both = step({ name: 'both', inputs: { a: A, b: B }, output: Target, run: () => 1 })
    const error = await rejectionOf(run(graphOf([fails, waits, both]), Target))
    expect(error).toMatchObject({ code: 'STEP_FAILED', step: 'fails' })
    expect((error as Error).cause instanceof AbortExecutionError).toBe(thrown !== boom)
  }
})

test('exponential backoff without a maximum still waits', () => {
  expect([1, 2, 3].map((attempt) => exponential('100ms')(attempt, Math.random))).toEqual([100, 200, 400])
})

test('maxAttempts of 0 or less is refused, not a step that never runs', () => {
  for (const maxAttempts of [0, -1, Number.NaN])
    expect(thrownBy(() => graphOf([copying({ retry: { maxAttempts } })]))).toBeInstanceOf(GraphError)
})

describe('messages say what happened', () => {
  test('the attempts reported are the attempts made', async () => {
    const graph = graphOf([
      copying({ retry: { maxAttempts: 5 }, run: () => Promise.reject(new NonRetryableError('no')) }),
    ])
    const error = await stepErrorOf(run(graph, Target, { Leaf: 1 }))
    expect(error.attempt).toBe(1)
    expect(error.message).toContain('1 attempt:')
  })

  test('timeouts and cancellations name step or execution', async () => {
    const clock = new VirtualClock()
    const graph = graphOf([copying({ timeout: 5, run: () => never() })])
    const stepTimeout = await clock.settle(stepErrorOf(run(graph, Target, { Leaf: 1 }, { clock, id: 'e1' })))
    expect(stepTimeout).toMatchObject({ step: 's', executionId: 'e1', cause: { step: 's', executionId: 'e1' } })
    const cancelled = await rejectionOf(run(graph, Target, { Leaf: 1 }, { signal: AbortSignal.abort(), id: 'e2' }))
    expect(cancelled).toMatchObject({ code: 'EXECUTION_CANCELLED', executionId: 'e2', graph: graph.name })
  })

  test('a missing input is reported as one', async () => {
    const error = await rejectionOf(run(graphOf([copying()]), Target, {}))
    expect(error).toBeInstanceOf(InputError)
    expect((error as Error).message).toContain('Leaf: missing')
  })
})

const make = (output: AnyDataType, input: AnyDataType) =>
  step({ name: `make ${output.name}`, inputs: { input }, output, run: () => 1 } as never)

test('a program can distinguish each kind of problem', () => {
  expect(kindsOf([make(A, B), make(B, A)])).toEqual(['cycle'])
  expect(kindsOf([make(A, B), { ...make(A, B), name: 'x' }])).toEqual(['duplicate-producer'])
  expect(kindsOf([make(A, B)], { inputs: [] })).toEqual(['missing-producer'])
})

test('items flow on their own: no item waits for another stage’s slowest', async () => {
  const clock = new VirtualClock(0)
  const wait = (ms: number) => new Promise<number>((resolve) => void clock.setTimeout(() => resolve(ms), ms))
  const graph = graphOf([
    step({ name: 'one', inputs: { leaf: Leaf }, output: A, run: ({ leaf }) => wait(leaf) }),
    step({ name: 'two', inputs: { leaf: Leaf, a: A }, output: Target, run: ({ leaf }) => wait(110 - leaf) }),
  ])
  await clock.settle(runBatch(graph, Target, [{ Leaf: 100 }, { Leaf: 10 }], { clock }))
  expect(clock.now()).toBe(110)
})

test('no slot is held during backoff', async () => {
  const clock = new VirtualClock(0)
  const graph = graphOf([
    copying({
      concurrency: 1,
      retry: { maxAttempts: 2, backoff: 50 },
      run: (_: unknown, { attempt }: { attempt: number }) => (attempt === 1 ? Promise.reject(boom) : 1),
    }),
  ])
  await clock.settle(runBatch(graph, Target, items(3), { clock, concurrency: 1 }))
  expect(clock.now()).toBe(50)
})

test('a failure is reported before the other items end, and failures can be collected', async () => {
  const clock = new VirtualClock(0)
  const graph = graphOf([
    copying({
      run: ({ leaf }: { leaf: number }) =>
        leaf === 1 ? Promise.reject(boom) : new Promise((resolve) => void clock.setTimeout(() => resolve(leaf), 200)),
    }),
  ])
  await clock.settle(rejectionOf(runBatch(graph, Target, items(3), { clock })))
  expect(clock.now()).toBe(0)
  const outcomes = await clock.settle(runBatch(graph, Target, items(3), { clock, onError: 'collect' }))
  expect(outcomes).toMatchObject([{ value: 0 }, { error: { cause: boom, item: 1 } }, { value: 2 }])
})

test('items have several leaves, shared ones are given once, and what needs no item runs once', async () => {
  let loads = 0
  const Table = dataType('Table', type<number>())
  const graph = graphOf([
    step({ name: 'load', inputs: { factor: B }, output: Table, run: ({ factor }) => (loads++, factor) }),
    step({
      name: 's',
      inputs: { leaf: Leaf, a: A, table: Table },
      output: Target,
      run: ({ leaf, a, table }) => (leaf + a) * table,
    }),
  ])
  const given = [1, 2, 3].map((Leaf) => ({ Leaf, A: 10 }))
  expect(await runBatch(graph, Target, given, { shared: { B: 2 } })).toEqual([22, 24, 26])
  expect(loads).toBe(1)
})

test('nothing runs when a leaf is missing, whichever branch needs it, and leaves can be targets', async () => {
  let runs = 0
  const graph = graphOf([
    step({ name: 'effect', output: A, run: () => ++runs }),
    step({ name: 'other', inputs: { leaf: Leaf }, output: B, run: () => 1 }),
    step({ name: 'both', inputs: { a: A, b: B }, output: Target, run: () => 1 }),
  ])
  expect(await rejectionOf(run(graph, Target, {}))).toBeInstanceOf(InputError)
  expect(runs).toBe(0)
  expect(graph.leaves(Target).map(({ name }) => name)).toEqual(['Leaf'])
})

test('a plan has levels and edges, an unknown type is an error, and orders are stable', () => {
  const graph = graphOf([
    step({ name: 'two', inputs: { a: A }, output: Target, run: () => 1 }),
    step({ name: 'one', inputs: { leaf: Leaf }, output: A, run: () => 1 }),
  ])
  const looseExplain = explain as unknown as (...args: unknown[]) => { levels: unknown; edges: unknown[] }
  expect(looseExplain(graph, Target, {})).toMatchObject({
    levels: [['one'], ['two']],
    edges: [
      { from: 'Leaf', to: 'one' },
      { from: 'one', to: 'two' },
    ],
  })
  expect(thrownBy(() => looseExplain(graph, B, {}))).toBeInstanceOf(GraphError)
  expect([graph.steps, graph.types(), graph.leaves()].map((list) => list.map(({ name }) => name))).toEqual([
    ['two', 'one'],
    ['A', 'Target', 'Leaf'],
    ['Leaf'],
  ])
})

test('what is remembered in memory is bounded, and a key is made once a step', async () => {
  let [runs, reads] = [0, 0]
  const graph = graphOf([copying({ persist: { scope: 'global', capacity: 10 }, run: () => ++runs })])
  for (const leaf of Array.from({ length: 30 }, (_, index) => index)) await run(graph, Target, { Leaf: leaf })
  await run(graph, Target, { Leaf: 0 })
  expect(runs).toBe(31)
  const counted = Object.defineProperty({}, 'value', { enumerable: true, get: () => ++reads })
  await run(graph, Target, { Leaf: counted })
  expect(reads).toBe(1)
})

test('one observer’s throw reaches no other, and every span that opens closes', async () => {
  const { events, observer } = recorder()
  const graph = graphOf([copying({ run: () => Promise.reject(boom) })], { observers: [raise, observer, raise] })
  await rejectionOf(run(graph, Target, { Leaf: 1 }))
  expect(events.map(({ type }) => type)).toEqual([
    'execution.started',
    'step.started',
    'attempt.started',
    'attempt.failed',
    'step.ended',
    'execution.ended',
  ])
})

test('what can’t be a step is refused by the graph, and an all(T) step runs under execute too', async () => {
  for (const wrong of [
    undefined,
    null,
    5,
    () => 1,
    {},
    copying({ run: undefined }),
    copying({ output: undefined }),
    copying({ inputs: { a: [Leaf] } }),
  ]) {
    expect(thrownBy(() => graphOf([wrong]))).toBeInstanceOf(GraphError)
  }
  const sum = step({
    name: 'sum',
    inputs: { leaves: all(Leaf) },
    output: Target,
    run: ({ leaves }) => leaves.reduce((total, leaf) => total + leaf, 0),
  })
  expect(await run(graphOf([sum]), Target, { Leaf: 5 })).toBe(5)
  expect(await runBatch(graphOf([sum]), Target, items(4))).toEqual([6, 6, 6, 6])
})
