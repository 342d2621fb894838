import { describe, expect, test } from 'vitest'
import {
  dataType,
  executeBatch,
  ExecutionCancelledError,
  fixed,
  graph,
  step,
  StepError,
  streamBatch,
  type,
} from '../../../src/index.ts'
import { expectNoUnhandledErrors, recorder } from '../../loose-api.ts'
import { flush } from '../../../src/testing/virtual-clock.ts'
import { range, Source, sync } from './counted-items.ts'
import { collect, Id, instant, Made, making } from './making.ts'
import { VirtualTime } from '../virtual-time.ts'

const Base = dataType('Base', type<number>())

expectNoUnhandledErrors()

describe('values', () => {
  test.each(['sync', 'async'])(
    'come in the order of the items of a %s iterable, whatever the order in which they finish',
    async (kind) => {
      const clock = new VirtualTime()
      const source = new Source(range(50))
      const items = kind === 'sync' ? sync(source) : source
      const values = collect(
        streamBatch(
          making(clock, (id) => 100 - id),
          Made,
          items,
          { clock, concurrency: 7 },
        ),
      )
      expect(await clock.settle(values)).toEqual(range(50).map((id) => id * 10))
      expect(source.closed).toBe(1)
    },
  )

  test('come as they finish with ordered: false', async () => {
    const clock = new VirtualTime()
    const items = [30, 10, 20].map((Id) => ({ Id }))
    const values = collect(
      streamBatch(
        making(clock, (id) => id),
        Made,
        items,
        { clock, ordered: false },
      ),
    )
    expect(await clock.settle(values)).toEqual([100, 200, 300])
  })

  test('are given as soon as they are made, while later items still run', async () => {
    const clock = new VirtualTime()
    const iterator = streamBatch(
      making(clock, (id) => id * 1_000),
      Made,
      [{ Id: 1 }, { Id: 50 }],
      { clock },
    )[Symbol.asyncIterator]()
    const start = clock.now()
    expect(await clock.settle(iterator.next())).toEqual({ value: 10, done: false })
    expect(clock.now() - start).toBe(1_000)
    expect(await clock.settle(iterator.next())).toEqual({ value: 500, done: false })
    expect(await clock.settle(iterator.next())).toEqual({ value: undefined, done: true })
  })

  test('of no items are none, and nothing runs', async () => {
    let runs = 0
    const base = step({ name: 'Base', output: Base, run: () => ++runs })
    const add = step({ name: 'Add', inputs: { id: Id, base: Base }, output: Made, run: ({ id, base }) => id + base })
    const added = graph({ name: 'added', steps: [base, add] })
    expect(await collect(streamBatch(added, Made, []))).toEqual([])
    expect(await collect(streamBatch(added, Made, new Source([])))).toEqual([])
    expect(runs).toBe(0)
  })

  test('are those of executeBatch, shared inputs and steps included', async () => {
    const base = step({ name: 'Base', inputs: { id: Id }, output: Base, run: ({ id }) => id * 100 })
    const Own = dataType('Own', type<number>())
    const add = step({
      name: 'Add',
      inputs: { own: Own, base: Base },
      output: Made,
      run: ({ own, base }) => own + base,
    })
    const added = graph({ name: 'added', steps: [base, add] })
    const items = range(5).map((Own) => ({ Own }))
    const streamed = await collect(streamBatch(added, Made, items, { shared: { Id: 2 } }))
    expect(streamed).toEqual(await executeBatch(added, Made, items, { shared: { Id: 2 } }))
  })

  test('of 20,000 synchronous items need no stack', async () => {
    const values = await collect(streamBatch(instant, Made, sync(new Source(range(20_000))), { concurrency: Infinity }))
    expect(values.length).toBe(20_000)
    expect(values[19_999]).toBe(199_990)
  })

  test('can be read once: a second loop is refused, and runs nothing again', async () => {
    const stream = streamBatch(instant, Made, [{ Id: 1 }])
    expect(await collect(stream)).toEqual([10])
    await expect(collect(stream)).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining('call streamBatch again'),
    })
    const left = streamBatch(instant, Made, [{ Id: 1 }, { Id: 2 }])
    for await (const value of left) if (value === 10) break
    await expect(collect(left)).rejects.toThrow('have been read')
  })
})

describe('back-pressure', () => {
  test('nothing is read before the first value is requested', async () => {
    const source = new Source(range(3))
    const iterator = streamBatch(instant, Made, source)[Symbol.asyncIterator]()
    await flush()
    expect(source.read).toBe(0)
    await iterator.return!()
    expect(source.closed).toBe(0)
  })

  test.each([
    ['a sync iterable', true, true],
    ['an async iterable', false, true],
    ['an async iterable, unordered', false, false],
  ])('a consumer that takes one value of %s lets no more be read than may run and wait', async (_, isSync, ordered) => {
    const source = new Source(range(100_000))
    const iterator = streamBatch(instant, Made, isSync ? sync(source) : source, { concurrency: 5, ordered })[
      Symbol.asyncIterator
    ]()
    await iterator.next()
    for (let turns = 0; turns < 50; turns++) await flush()
    const ahead = source.read
    expect(ahead).toBeLessThanOrEqual(5 + 100 + 1)
    for (let taken = 0; taken < 500; taken++) await iterator.next()
    await flush()
    expect(source.read).toBeLessThanOrEqual(500 + ahead)
    await iterator.return!()
    expect(source.closed).toBe(1)
  })

  test('a slow first item holds the others back: what waits behind it is bounded', async () => {
    const clock = new VirtualTime()
    const source = new Source(range(100_000))
    const iterator = streamBatch(
      making(clock, (id) => (id === 0 ? 1_000_000 : 1)),
      Made,
      source,
      { clock, concurrency: 5 },
    )[Symbol.asyncIterator]()
    const first = iterator.next()
    await clock.advance(10_000)
    expect(source.read).toBeLessThanOrEqual(5 + 100)
    expect(await clock.settle(first)).toEqual({ value: 0, done: false })
    await iterator.return!()
  })

  test.each([true, false])(
    'open items are bounded by the concurrency however long the stream is (ordered: %s)',
    async (ordered) => {
      const clock = new VirtualTime()
      let [open, most] = [0, 0]
      const make = step({
        name: 'Make',
        inputs: { id: Id },
        output: Made,
        run: async ({ id }) => {
          most = Math.max(most, ++open)
          await clock.sleep(1 + (id % 7))
          open--
          return id
        },
      })
      const values = collect(
        streamBatch(graph({ name: 'open', steps: [make] }), Made, new Source(range(3_000)), {
          clock,
          ordered,
          concurrency: 8,
        }),
      )
      expect((await clock.settle(values)).length).toBe(3_000)
      expect(most).toBe(8)
    },
  )

  test('items that wait for a backoff hold no place, yet no more of them than a bound are open', async () => {
    const clock = new VirtualTime()
    const source = new Source(range(100_000))
    const flaky = step({
      name: 'Flaky',
      inputs: { id: Id },
      output: Made,
      retry: { maxAttempts: 2, backoff: fixed('1h') },
      run: async ({ id }, { attempt }) => {
        await flush()
        if (attempt === 1) throw new Error('not yet')
        return id
      },
    })
    const options = { clock, concurrency: 2, ordered: false }
    const iterator = streamBatch(graph({ name: 'flaky', steps: [flaky] }), Made, source, options)[
      Symbol.asyncIterator
    ]()
    const first = iterator.next()
    for (let turns = 0; turns < 3_000; turns++) await flush()
    expect(source.read).toBeGreaterThan(50)
    expect(source.read).toBeLessThanOrEqual(1_000)
    expect((await clock.settle(first)).done).toBe(false)
    await iterator.return!()
  })
})

describe('the end', () => {
  test('a consumer that stops early closes the iterable and aborts what runs', async () => {
    const clock = new VirtualTime()
    const aborted: number[] = []
    const source = new Source(range(1_000))
    const graph = making(
      clock,
      (id) => 1 + id * 10,
      (id) => aborted.push(id),
    )
    const loop = async (): Promise<void> => {
      for await (const value of streamBatch(graph, Made, source, { clock, concurrency: 3 })) if (value === 10) break
    }
    await clock.settle(loop())
    expect(source.closed).toBe(1)
    expect(aborted).toEqual([2, 3])
    const { read } = source
    await clock.advance(10_000)
    expect(source.read).toBe(read)
    expect(clock.pending).toBe(0)
  })

  test('a consumer that returns while it waits for a value is not kept waiting', async () => {
    const clock = new VirtualTime()
    const aborted: number[] = []
    const source = new Source(range(1_000))
    const graph = making(
      clock,
      () => 1_000,
      (id) => aborted.push(id),
    )
    const iterator = streamBatch(graph, Made, source, { clock, concurrency: 2 })[Symbol.asyncIterator]()
    const waiting = Promise.allSettled([iterator.next()])
    await flush()
    expect(await iterator.return!()).toEqual({ value: undefined, done: true })
    expect(aborted).toEqual([0, 1])
    await waiting
    await flush()
    expect(source.closed).toBe(1)
    expect(await iterator.next()).toEqual({ value: undefined, done: true })
  })

  test('the first failure ends the stream after the values before it, and closes the iterable', async () => {
    const clock = new VirtualTime()
    const source = new Source([1, 2, -3, ...range(1_000)])
    const values: number[] = []
    const error = await clock.settle(
      collect(streamBatch(making(clock), Made, source, { clock, concurrency: 1 }), values).catch(
        (thrown: unknown) => thrown,
      ),
    )
    expect(error).toBeInstanceOf(StepError)
    expect(error).toMatchObject({ item: 2, cause: { message: 'no -3' } })
    expect(values).toEqual([10, 20])
    await flush()
    expect(source.closed).toBe(1)
  })

  test("with onError: 'collect' each item has its outcome in its place", async () => {
    const clock = new VirtualTime()
    const items = [1, -2, 3].map((Id) => ({ Id }))
    const outcomes = await clock.settle(
      collect(
        streamBatch(
          making(clock, (id) => 10 - id),
          Made,
          [...items, {} as never],
          { clock, onError: 'collect' },
        ),
      ),
    )
    expect(outcomes).toMatchObject([
      { value: 10 },
      { error: { item: 1, step: 'Make' } },
      { value: 30 },
      { error: { item: 3, code: 'INPUT_INVALID' } },
    ])
  })

  test('an abort ends the stream, even while the iterable gives nothing', async () => {
    const clock = new VirtualTime()
    const controller = new AbortController()
    const silent: AsyncIterable<{ readonly Id: number }> = {
      [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }),
    }
    const values = collect(streamBatch(making(clock), Made, silent, { clock, signal: controller.signal })).catch(
      (thrown: unknown) => thrown,
    )
    await flush()
    controller.abort(new Error('enough'))
    expect(await values).toBeInstanceOf(ExecutionCancelledError)
  })

  test('wrong options and wrong items reject the first value', async () => {
    await expect(collect(streamBatch(instant, Made, [], { concurrency: -1 }))).rejects.toThrow(/concurrency must be/)
    await expect(collect(streamBatch(instant, Made, 5 as never))).rejects.toThrow(
      /items must be an iterable or an async iterable, not 5/,
    )
    await expect(collect(streamBatch(instant, Made, [{ Id: 1, Extra: 2 }] as never))).rejects.toThrow(
      /Extra: unknown input/,
    )
  })

  test('batch.progress has no total until the iterable has ended', async () => {
    const clock = new VirtualTime()
    const { events, observer } = recorder()
    await clock.settle(
      collect(streamBatch(making(clock), Made, new Source(range(3)), { clock, concurrency: 1, observers: [observer] })),
    )
    const progress = events.filter((event) => event.type === 'batch.progress')
    expect(progress.map(({ total }) => total)).toEqual([undefined, undefined, undefined])
    expect(events.at(-1)).toMatchObject({ type: 'execution.ended', status: 'completed' })
  })
})
