import { describe, expect, test } from 'vitest'
import { AbortExecutionError, all, dataType, explain, exponential, GraphError, InputError, NonRetryableError, step, StepTimeoutError, type } from '../src/index.ts'
import { expectNoUnhandledErrors, graphOf, looseGraph, never, number, recorder, rejectionOf, run, runBatch, stepErrorOf, thrownBy, uniqueName } from './loose-api.ts'
import { flush, VirtualClock } from './virtual-clock.ts'

// What was weak in Docket for Go (`W` numbers of its description) and must hold here; each test fails on the Go behaviour.
// Without a test: W10 (time zones in SQLite), W11 (MySQL's DDL), the store halves of W4 and W23 and the whole of W12 (River)
// need stores and queues that are not there yet; W26 and W27 list absent features and wrong documentation, not behaviour.

expectNoUnhandledErrors()

const Leaf = number('Leaf')
const [A, B, Target] = [number('A'), number('B'), number('Target')]
const boom = new Error('boom')
const items = (count: number) => Array.from({ length: count }, (_, Leaf) => ({ Leaf }))

/** A step that copies its leaf into the target, with these fields besides. */
function copying(fields: object = {}) {
  return step({ name: 's', inputs: { leaf: Leaf }, output: Target, run: ({ leaf }: { leaf: number }) => leaf, ...fields } as never)
}

test('W1: observers are told of failures, retries, cache hits and batches', async () => {
  const clock = new VirtualClock()
  const { events, observer } = recorder()
  const s = copying({ persist: 'global', retry: { maxAttempts: 2 }, run: ({ leaf }: { leaf: number }, { attempt }: { attempt: number }) => (attempt === 1 ? Promise.reject(boom) : leaf) })
  const graph = graphOf([s], { observers: [observer] })
  await clock.settle(runBatch(graph, Target, [{ Leaf: 1 }, { Leaf: 1 }], { clock }))
  const types = new Set(events.map((event) => event.type))
  for (const type of ['attempt.failed', 'retry.scheduled', 'cache.hit', 'cache.miss', 'batch.progress'] as const) expect(types).toContain(type)
})

test('W2: the cause arrives when one of several parallel dependencies fails, an abort too, in 200 of 200 runs', async () => {
  for (const thrown of [boom, new AbortExecutionError('stop')]) {
    const graph = graphOf([
      step({ name: 'fails', output: A, run: async () => Promise.reject(thrown) }),
      step({ name: 'waits', output: B, run: (_, { signal }) => new Promise<number>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))) }),
      step({ name: 'both', inputs: { b: B, a: A }, output: Target, run: () => 1 }),
    ])
    for (let round = 0; round < 100; round++) expect((await stepErrorOf(run(graph, Target))).cause).toBe(thrown)
  }
})

test.each([50, 100, 101, 200, 1_000])('W3: the cause arrives from the first item of a batch of %i', async (count) => {
  const graph = graphOf([copying({ run: async ({ leaf }: { leaf: number }) => (leaf === 0 ? Promise.reject(boom) : leaf) })])
  for (let round = 0; round < 10; round++) expect(await stepErrorOf(runBatch(graph, Target, items(count)))).toMatchObject({ cause: boom, item: 0 })
})

describe('W4: computed once', () => {
  test('50 equal calls at the same time run the step once', async () => {
    let runs = 0
    const graph = graphOf([copying({ persist: 'global', run: async () => (await flush(), ++runs) })])
    expect(await Promise.all(Array.from({ length: 50 }, () => run(graph, Target, { Leaf: 1 })))).toEqual(Array.from({ length: 50 }, () => 1))
  })

  test('50 equal items of a batch run the step once', async () => {
    let runs = 0
    const graph = graphOf([copying({ persist: 'global', run: async () => (await flush(), ++runs) })])
    expect(await runBatch(graph, Target, Array.from({ length: 50 }, () => ({ Leaf: 1 })))).toEqual(Array.from({ length: 50 }, () => 1))
  })

  test('a: a slower failing twin replaces no success', async () => {
    const late = Promise.withResolvers<number>()
    let runs = 0
    const graph = graphOf([copying({ persist: 'global', run: () => (++runs === 1 ? late.promise : 7) })])
    const controller = new AbortController()
    const twin = rejectionOf(run(graph, Target, { Leaf: 1 }, { signal: controller.signal }))
    controller.abort()
    await twin
    expect(await run(graph, Target, { Leaf: 1 })).toBe(7)
    late.reject(boom)
    await flush()
    expect(await run(graph, Target, { Leaf: 1 })).toBe(7)
    expect(runs).toBe(2)
  })

  test('b: a step whose execution failed while it ran is remembered all the same', async () => {
    let charges = 0
    const done = Promise.withResolvers<number>()
    const graph = graphOf([
      step({ name: 'charge', output: A, persist: 'execution', run: () => (charges++, done.promise) }),
      step({ name: 'other', output: B, run: () => (charges === 1 ? Promise.reject(boom) : 1) }),
      step({ name: 'both', inputs: { a: A, b: B }, output: Target, run: ({ a }) => a }),
    ])
    const id = uniqueName('id')
    await rejectionOf(run(graph, Target, {}, { id }))
    done.resolve(5)
    await flush()
    await Promise.allSettled([run(graph, Target, {}, { id })])
    expect(charges).toBe(1)
  })

  test('c: a result that can’t be kept is an error, not a silence', async () => {
    const graph = graphOf([copying({ persist: 'global', run: () => ({ close: () => 1 }) })])
    expect((await stepErrorOf(run(graph, Target, { Leaf: 1 }))).cause).toMatchObject({ code: 'SERIALIZATION_FAILED' })
  })

  test('d: once per execution holds though a timestamp above it differs each time', async () => {
    let [now, charges] = [0, 0]
    const graph = graphOf([
      step({ name: 'now', output: A, run: () => ++now }),
      step({ name: 'charge', inputs: { now: A }, output: Target, persist: 'execution', run: () => ++charges }),
    ])
    const id = uniqueName('id')
    for (let call = 0; call < 3; call++) expect(await run(graph, Target, {}, { id })).toBe(1)
    expect(now).toBe(3)
  })
})

test('W5: a step’s timeout holds though the step ignores its signal', async () => {
  const clock = new VirtualClock(0)
  const graph = graphOf([copying({ timeout: 10, run: () => new Promise((resolve) => void clock.setTimeout(() => resolve(1), 100)) })])
  expect((await clock.settle(stepErrorOf(run(graph, Target, { Leaf: 1 }, { clock })))).cause).toBeInstanceOf(StepTimeoutError)
  expect(clock.now()).toBe(10)
})

describe('W6: no two different results share a key', () => {
  test('a, b: two steps of one name are refused', () => {
    expect(thrownBy(() => graphOf([copying(), { ...copying(), output: A }]))).toMatchObject({ problems: [{ kind: 'duplicate-step' }] })
  })

  test('b: nameless steps get no made-up name', () => {
    expect(thrownBy(() => graphOf([copying({ name: undefined })]))).toBeInstanceOf(GraphError)
  })

  test('c: the same class configured twice shares nothing', async () => {
    class Counter {
      readonly name: string
      constructor(name: string) {
        this.name = name
      }
      readonly run = ({ leaf }: { leaf: number }): string => `${this.name}${leaf}`
    }
    const Text = (name: string) => dataType(name, type<string>())
    const stepOf = (counter: Counter) => step({ name: `count ${counter.name}`, inputs: { leaf: Leaf }, output: Text(counter.name), persist: 'global', run: counter.run })
    const graph = graphOf([stepOf(new Counter('a')), stepOf(new Counter('b'))])
    expect(await run(graph, Text('a'), { Leaf: 1 })).toBe('a1')
    expect(await run(graph, Text('b'), { Leaf: 1 })).toBe('b1')
  })

  test('d: no id and step name run together', async () => {
    const keys = new Set<string>()
    const made: string[] = []
    for (const [id, name] of [['a:b', 'c'], ['a', 'b:c']] as const) {
      const graph = looseGraph({ name: 'W6d', steps: [step({ name, output: Target, persist: 'execution', run: (_, { idempotencyKey }) => (keys.add(idempotencyKey), made.push(name), 1) })] })
      await run(graph, Target, {}, { id: `${process.pid} ${id}` })
    }
    expect(made).toEqual(['c', 'b:c'])
    expect(keys.size).toBe(2)
  })

  test('e: no two lists of inputs run together', async () => {
    let runs = 0
    const Texts = dataType('Texts', type<readonly string[]>())
    const graph = graphOf([step({ name: 's', inputs: { texts: Texts }, output: Target, persist: 'global', run: () => ++runs })])
    for (const texts of [['ab', 'c'], ['a', 'bc'], ['abc'], ['', 'abc']]) await run(graph, Target, { Texts: texts })
    expect(runs).toBe(4)
  })

  test('f: another version of the step, or of its type, is another key', async () => {
    let runs = 0
    const name = uniqueName()
    for (const fields of [{}, { version: 1 }, { version: 2 }, { output: { ...Target, version: 'v2' } }]) {
      await run(looseGraph({ name, steps: [copying({ persist: 'global', run: () => ++runs, ...fields })] }), Target, { Leaf: 1 })
    }
    expect(runs).toBe(4)
  })
})

test('W7: a step that changes its input keeps its key, and what is kept is changed by nobody', async () => {
  let runs = 0
  const List = dataType('List', type<number[]>())
  const graph = graphOf([step({ name: 's', inputs: { list: List }, output: Target, persist: 'global', run: ({ list }) => ((list as number[]).push(++runs), { list } as never) })])
  for (let call = 0; call < 5; call++) {
    const result = (await run(graph, Target, { List: [0] })) as { list: number[] }
    expect(result.list).toEqual([0, 1])
    result.list.push(99)
  }
  expect(runs).toBe(1)
})

describe('W8: no work after the end', () => {
  test('a dependant does not start when the call was cancelled during the step before it', async () => {
    const controller = new AbortController()
    const open = Promise.withResolvers<number>()
    let after = 0
    const graph = graphOf([step({ name: 'a', output: A, run: () => open.promise }), step({ name: 'b', inputs: { a: A }, output: Target, run: () => ++after })])
    const failing = rejectionOf(run(graph, Target, {}, { signal: controller.signal }))
    controller.abort()
    await failing
    open.resolve(1)
    await flush()
    expect(after).toBe(0)
  })

  test('an aborted signal starts nothing, in 2,000 of 2,000 calls', async () => {
    let runs = 0
    const graph = graphOf([copying({ run: () => ++runs })])
    await Promise.allSettled(Array.from({ length: 2_000 }, () => run(graph, Target, { Leaf: 1 }, { signal: AbortSignal.abort() })))
    expect(runs).toBe(0)
  })

  test('a retry without backoff ends with the call', async () => {
    const clock = new VirtualClock()
    const controller = new AbortController()
    let runs = 0
    const graph = graphOf([copying({ retry: { maxAttempts: 1_000 }, run: () => (++runs === 3 && controller.abort(), Promise.reject(boom)) })])
    await clock.settle(rejectionOf(run(graph, Target, { Leaf: 1 }, { clock, signal: controller.signal })))
    await clock.advance(1_000)
    expect(runs).toBe(3)
  })
})

test('W9: user code that throws anywhere fails its execution, never the process, and nothing hangs', async () => {
  const raise = () => {
    throw boom
  }
  const fields = [{ run: raise }, { retry: { maxAttempts: 2, retryIf: raise }, run: raise }, { retry: { maxAttempts: 2, backoff: raise }, run: raise }, { fallback: raise, run: raise }, { concurrency: { limit: 1, key: raise } }]
  for (const more of fields) expect((await stepErrorOf(run(graphOf([copying(more)], { observers: [raise] }), Target, { Leaf: 1 }))).cause).toBe(boom)
})

test('W13: exponential backoff without a maximum still waits', () => {
  expect([1, 2, 3].map((attempt) => exponential('100ms')(attempt, Math.random))).toEqual([100, 200, 400])
})

test('W14: maxAttempts of 0 or less is refused, not a step that never runs', () => {
  for (const maxAttempts of [0, -1, Number.NaN]) expect(thrownBy(() => graphOf([copying({ retry: { maxAttempts } })]))).toBeInstanceOf(GraphError)
})

describe('W15: messages tell what happened', () => {
  test('the attempts told are the attempts made', async () => {
    const graph = graphOf([copying({ retry: { maxAttempts: 5 }, run: () => Promise.reject(new NonRetryableError('no')) })])
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

  test('a missing input is told as that', async () => {
    const error = await rejectionOf(run(graphOf([copying()]), Target, {}))
    expect(error).toBeInstanceOf(InputError)
    expect((error as Error).message).toContain('Leaf: missing')
  })
})

test('W16: each kind of problem can be told apart by a program', () => {
  const kindsOf = (steps: readonly unknown[], more: object = {}) => (thrownBy(() => graphOf(steps, more)) as GraphError).problems.map(({ kind }) => kind)
  const make = (output: typeof A, input: typeof A) => step({ name: `make ${output.name}`, inputs: { input }, output, run: () => 1 })
  expect(kindsOf([make(A, B), make(B, A)])).toEqual(['cycle'])
  expect(kindsOf([make(A, B), { ...make(A, B), name: 'x' }])).toEqual(['duplicate-producer'])
  expect(kindsOf([make(A, B)], { inputs: [] })).toEqual(['missing-producer'])
})

test('W17: items flow on their own: no item waits for another stage’s slowest', async () => {
  const clock = new VirtualClock(0)
  const wait = (ms: number) => new Promise<number>((resolve) => void clock.setTimeout(() => resolve(ms), ms))
  const graph = graphOf([
    step({ name: 'one', inputs: { leaf: Leaf }, output: A, run: ({ leaf }) => wait(leaf) }),
    step({ name: 'two', inputs: { leaf: Leaf, a: A }, output: Target, run: ({ leaf }) => wait(110 - leaf) }),
  ])
  await clock.settle(runBatch(graph, Target, [{ Leaf: 100 }, { Leaf: 10 }], { clock }))
  expect(clock.now()).toBe(110)
})

test('W18: no slot is held during backoff', async () => {
  const clock = new VirtualClock(0)
  const graph = graphOf([copying({ concurrency: 1, retry: { maxAttempts: 2, backoff: 50 }, run: (_: unknown, { attempt }: { attempt: number }) => (attempt === 1 ? Promise.reject(boom) : 1) })])
  await clock.settle(runBatch(graph, Target, items(3), { clock, concurrency: 1 }))
  expect(clock.now()).toBe(50)
})

test('W19: a failure waits for nobody, and failures can be collected', async () => {
  const clock = new VirtualClock(0)
  const graph = graphOf([copying({ run: ({ leaf }: { leaf: number }) => (leaf === 1 ? Promise.reject(boom) : new Promise((resolve) => void clock.setTimeout(() => resolve(leaf), 200))) })])
  await clock.settle(rejectionOf(runBatch(graph, Target, items(3), { clock })))
  expect(clock.now()).toBe(0)
  const outcomes = await clock.settle(runBatch(graph, Target, items(3), { clock, onError: 'collect' }))
  expect(outcomes).toMatchObject([{ value: 0 }, { error: { cause: boom, item: 1 } }, { value: 2 }])
})

test('W20: items have several leaves, shared ones are given once, and what needs no item runs once', async () => {
  let loads = 0
  const Table = dataType('Table', type<number>())
  const graph = graphOf([
    step({ name: 'load', inputs: { factor: B }, output: Table, run: ({ factor }) => (loads++, factor) }),
    step({ name: 's', inputs: { leaf: Leaf, a: A, table: Table }, output: Target, run: ({ leaf, a, table }) => (leaf + a) * table }),
  ])
  const given = [1, 2, 3].map((Leaf) => ({ Leaf, A: 10 }))
  expect(await runBatch(graph, Target, given, { shared: { B: 2 } })).toEqual([22, 24, 26])
  expect(loads).toBe(1)
})

test('W21: nothing runs when a leaf is missing, whichever branch needs it, and leaves can be asked for', async () => {
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

test('W22: a plan has levels and edges, an unknown type is an error, and orders are stable', () => {
  const graph = graphOf([step({ name: 'two', inputs: { a: A }, output: Target, run: () => 1 }), step({ name: 'one', inputs: { leaf: Leaf }, output: A, run: () => 1 })])
  const looseExplain = explain as unknown as (...args: unknown[]) => { levels: unknown; edges: unknown[] }
  expect(looseExplain(graph, Target, {})).toMatchObject({ levels: [['one'], ['two']], edges: [{ from: 'Leaf', to: 'one' }, { from: 'one', to: 'two' }] })
  expect(thrownBy(() => looseExplain(graph, B, {}))).toBeInstanceOf(GraphError)
  expect([graph.steps, graph.types(), graph.leaves()].map((list) => list.map(({ name }) => name))).toEqual([['two', 'one'], ['A', 'Target', 'Leaf'], ['Leaf']])
})

test('W23: what is remembered in memory is bounded, and a key is made once a step', async () => {
  let [runs, reads] = [0, 0]
  const graph = graphOf([copying({ persist: { scope: 'global', capacity: 10 }, run: () => ++runs })])
  for (const leaf of Array.from({ length: 30 }, (_, index) => index)) await run(graph, Target, { Leaf: leaf })
  await run(graph, Target, { Leaf: 0 })
  expect(runs).toBe(31)
  const counted = Object.defineProperty({}, 'value', { enumerable: true, get: () => ++reads })
  await run(graph, Target, { Leaf: counted })
  expect(reads).toBe(1)
})

test('W24: one observer’s throw reaches no other, and every span that opens closes', async () => {
  const { events, observer } = recorder()
  const bad = () => {
    throw boom
  }
  const graph = graphOf([copying({ run: () => Promise.reject(boom) })], { observers: [bad, observer, bad] })
  await rejectionOf(run(graph, Target, { Leaf: 1 }))
  expect(events.map(({ type }) => type)).toEqual(['execution.started', 'step.started', 'attempt.started', 'attempt.failed', 'step.ended', 'execution.ended'])
})

test('W25: what can’t be a step is refused by the graph, and an all(T) step runs under execute too', async () => {
  for (const wrong of [undefined, null, 5, () => 1, {}, copying({ run: undefined }), copying({ output: undefined }), copying({ inputs: { a: [Leaf] } })]) {
    expect(thrownBy(() => graphOf([wrong]))).toBeInstanceOf(GraphError)
  }
  const sum = step({ name: 'sum', inputs: { leaves: all(Leaf) }, output: Target, run: ({ leaves }) => leaves.reduce((total, leaf) => total + leaf, 0) })
  expect(await run(graphOf([sum]), Target, { Leaf: 5 })).toBe(5)
  expect(await runBatch(graphOf([sum]), Target, items(4))).toEqual([6, 6, 6, 6])
})
