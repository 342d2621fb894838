import { describe, expect, test } from 'vitest'
import { AbortExecutionError, dataType, GraphError, step, StepTimeoutError, type } from '../../../src/index.ts'
import {
  expectNoUnhandledErrors,
  graphOf,
  looseGraph,
  recorder,
  rejectionOf,
  run,
  runBatch,
  stepErrorOf,
  text,
  thrownBy,
  uniqueName,
} from '../../loose-api.ts'
import { flush, VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { A, B, boom, copying, items, Leaf, raise, Target } from './copying.ts'

// What was weak in Docket for Go and must hold here, in this file and in the others of this folder; each test fails on the Go behaviour. What
// takes a store to be seen is in on-embedded-stores.test.ts, what takes a server in on-servers.test.ts. Its job queue has no test: there
// is none here yet.

expectNoUnhandledErrors()

test('observers get the events of failures, retries, cache hits and batches', async () => {
  const clock = new VirtualClock()
  const { events, observer } = recorder()
  const s = copying({
    persist: 'global',
    retry: { maxAttempts: 2 },
    run: ({ leaf }: { leaf: number }, { attempt }: { attempt: number }) =>
      attempt === 1 ? Promise.reject(boom) : leaf,
  })
  const graph = graphOf([s], { observers: [observer] })
  await clock.settle(runBatch(graph, Target, [{ Leaf: 1 }, { Leaf: 1 }], { clock }))
  const types = new Set(events.map((event) => event.type))
  for (const type of ['attempt.failed', 'retry.scheduled', 'cache.hit', 'cache.miss', 'batch.progress'] as const)
    expect(types).toContain(type)
})

test('the cause arrives when one of several parallel dependencies fails, an abort too, in 200 of 200 runs', async () => {
  for (const thrown of [boom, new AbortExecutionError('stop')]) {
    const graph = graphOf([
      step({ name: 'fails', output: A, run: async () => Promise.reject(thrown) }),
      step({
        name: 'waits',
        output: B,
        run: (_, { signal }) =>
          new Promise<number>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      }),
      step({ name: 'both', inputs: { b: B, a: A }, output: Target, run: () => 1 }),
    ])
    for (let round = 0; round < 100; round++) expect((await stepErrorOf(run(graph, Target))).cause).toBe(thrown)
  }
})

test.each([50, 100, 101, 200, 1_000])('the cause arrives from the first item of a batch of %i', async (count) => {
  const graph = graphOf([
    copying({ run: async ({ leaf }: { leaf: number }) => (leaf === 0 ? Promise.reject(boom) : leaf) }),
  ])
  for (let round = 0; round < 10; round++)
    expect(await stepErrorOf(runBatch(graph, Target, items(count)))).toMatchObject({ cause: boom, item: 0 })
})

describe('computed once', () => {
  test('50 equal calls at the same time run the step once', async () => {
    let runs = 0
    const graph = graphOf([copying({ persist: 'global', run: async () => (await flush(), ++runs) })])
    expect(await Promise.all(Array.from({ length: 50 }, () => run(graph, Target, { Leaf: 1 })))).toEqual(
      Array.from({ length: 50 }, () => 1),
    )
  })

  test('50 equal items of a batch run the step once', async () => {
    let runs = 0
    const graph = graphOf([copying({ persist: 'global', run: async () => (await flush(), ++runs) })])
    expect(
      await runBatch(
        graph,
        Target,
        Array.from({ length: 50 }, () => ({ Leaf: 1 })),
      ),
    ).toEqual(Array.from({ length: 50 }, () => 1))
  })

  test('a slower failing twin replaces no success', async () => {
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

  test('a step whose execution failed while it ran is remembered all the same', async () => {
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

  test('a result that can’t be kept is an error, not a silence', async () => {
    const graph = graphOf([copying({ persist: 'global', run: () => ({ close: () => 1 }) })])
    expect((await stepErrorOf(run(graph, Target, { Leaf: 1 }))).cause).toMatchObject({ code: 'SERIALIZATION_FAILED' })
  })

  test('once per execution holds though a timestamp above it differs each time', async () => {
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

test('a step’s timeout holds though the step ignores its signal', async () => {
  const clock = new VirtualClock(0)
  const graph = graphOf([
    copying({ timeout: 10, run: () => new Promise((resolve) => void clock.setTimeout(() => resolve(1), 100)) }),
  ])
  expect((await clock.settle(stepErrorOf(run(graph, Target, { Leaf: 1 }, { clock })))).cause).toBeInstanceOf(
    StepTimeoutError,
  )
  expect(clock.now()).toBe(10)
})

describe('no two different results share a key', () => {
  test('two steps of one name are refused', () => {
    expect(thrownBy(() => graphOf([copying(), { ...copying(), output: A }]))).toMatchObject({
      problems: [{ kind: 'duplicate-step' }],
    })
  })

  test('nameless steps get no made-up name', () => {
    expect(thrownBy(() => graphOf([copying({ name: undefined })]))).toBeInstanceOf(GraphError)
  })

  test('the same class configured twice shares nothing', async () => {
    class Counter {
      readonly name: string
      constructor(name: string) {
        this.name = name
      }
      readonly run = ({ leaf }: { leaf: number }): string => `${this.name}${leaf}`
    }
    const stepOf = (counter: Counter) =>
      step({
        name: `count ${counter.name}`,
        inputs: { leaf: Leaf },
        output: text(counter.name),
        persist: 'global',
        run: counter.run,
      })
    const graph = graphOf([stepOf(new Counter('a')), stepOf(new Counter('b'))])
    expect(await run(graph, text('a'), { Leaf: 1 })).toBe('a1')
    expect(await run(graph, text('b'), { Leaf: 1 })).toBe('b1')
  })

  test('no id and step name run together', async () => {
    const keys = new Set<string>()
    const made: string[] = []
    for (const [id, name] of [
      ['a:b', 'c'],
      ['a', 'b:c'],
    ] as const) {
      const graph = looseGraph({
        name: 'frames',
        steps: [
          step({
            name,
            output: Target,
            persist: 'execution',
            run: (_, { idempotencyKey }) => (keys.add(idempotencyKey), made.push(name), 1),
          }),
        ],
      })
      await run(graph, Target, {}, { id: `${process.pid} ${id}` })
    }
    expect(made).toEqual(['c', 'b:c'])
    expect(keys.size).toBe(2)
  })

  test('no two lists of inputs run together', async () => {
    let runs = 0
    const Texts = dataType('Texts', type<readonly string[]>())
    const graph = graphOf([
      step({ name: 's', inputs: { texts: Texts }, output: Target, persist: 'global', run: () => ++runs }),
    ])
    for (const texts of [['ab', 'c'], ['a', 'bc'], ['abc'], ['', 'abc']]) await run(graph, Target, { Texts: texts })
    expect(runs).toBe(4)
  })

  test('another version of the step, or of its type, is another key', async () => {
    let runs = 0
    const name = uniqueName()
    for (const fields of [{}, { version: 1 }, { version: 2 }, { output: { ...Target, version: 'v2' } }]) {
      await run(looseGraph({ name, steps: [copying({ persist: 'global', run: () => ++runs, ...fields })] }), Target, {
        Leaf: 1,
      })
    }
    expect(runs).toBe(4)
  })
})

test('a step that changes its input keeps its key, and what is kept is changed by nobody', async () => {
  let runs = 0
  const List = dataType('List', type<number[]>())
  const graph = graphOf([
    step({
      name: 's',
      inputs: { list: List },
      output: Target,
      persist: 'global',
      run: ({ list }) => ((list as number[]).push(++runs), { list } as never),
    }),
  ])
  for (let call = 0; call < 5; call++) {
    const result = (await run(graph, Target, { List: [0] })) as { list: number[] }
    expect(result.list).toEqual([0, 1])
    result.list.push(99)
  }
  expect(runs).toBe(1)
})

describe('no work after the end', () => {
  test('a dependant does not start when the call was cancelled during the step before it', async () => {
    const controller = new AbortController()
    const open = Promise.withResolvers<number>()
    let after = 0
    const graph = graphOf([
      step({ name: 'a', output: A, run: () => open.promise }),
      step({ name: 'b', inputs: { a: A }, output: Target, run: () => ++after }),
    ])
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
    await Promise.allSettled(
      Array.from({ length: 2_000 }, () => run(graph, Target, { Leaf: 1 }, { signal: AbortSignal.abort() })),
    )
    expect(runs).toBe(0)
  })

  test('a retry without backoff ends with the call', async () => {
    const clock = new VirtualClock()
    const controller = new AbortController()
    let runs = 0
    const graph = graphOf([
      copying({ retry: { maxAttempts: 1_000 }, run: () => (++runs === 3 && controller.abort(), Promise.reject(boom)) }),
    ])
    await clock.settle(rejectionOf(run(graph, Target, { Leaf: 1 }, { clock, signal: controller.signal })))
    await clock.advance(1_000)
    expect(runs).toBe(3)
  })
})

test('user code that throws anywhere fails its execution, never the process, and nothing hangs', async () => {
  const fields = [
    { run: raise },
    { retry: { maxAttempts: 2, retryIf: raise }, run: raise },
    { retry: { maxAttempts: 2, backoff: raise }, run: raise },
    { fallback: raise, run: raise },
    { concurrency: { limit: 1, key: raise } },
  ]
  for (const more of fields)
    expect((await stepErrorOf(run(graphOf([copying(more)], { observers: [raise] }), Target, { Leaf: 1 }))).cause).toBe(
      boom,
    )
})
