import { describe, expect, test } from 'vitest'
import { all, dataType, graph, InputError, step, streamBatch, type } from '../../../src/index.ts'
import { flush } from '../../../src/testing/virtual-clock.ts'
import { expectNoUnhandledErrors, recorder } from '../../loose-api.ts'
import { collect, instant, Made, making } from './making.ts'
import { VirtualTime } from '../virtual-time.ts'

const Sum = dataType('Sum', type<number>())

expectNoUnhandledErrors()

describe('a stream whose iterable fails', () => {
  const cause = new Error('the file ended too soon')
  const sources = {
    'a generator that throws': function* () {
      yield* [1, 2, 3].map((Id) => ({ Id }))
      throw cause
    },
    'an async generator that throws': async function* () {
      yield* [1, 2, 3].map((Id) => ({ Id }))
      throw cause
    },
    'an iterator whose next rejects': () => ({
      [Symbol.asyncIterator]() {
        let Id = 0
        return { next: () => (++Id <= 3 ? Promise.resolve({ value: { Id } }) : Promise.reject(cause)) }
      },
    }),
    'an iterator whose next throws': () => ({
      [Symbol.iterator]() {
        let Id = 0
        const next = () => {
          if (++Id <= 3) return { value: { Id } }
          throw cause
        }
        return { next }
      },
    }),
  } as const
  const modes = (['fail', 'collect'] as const).flatMap((onError) =>
    [true, false].flatMap((ordered) =>
      Object.entries(sources).map(([name, source]) => ({ onError, ordered, name, source })),
    ),
  )

  test.each(modes)(
    'loses no outcome: $name (onError: $onError, ordered: $ordered)',
    async ({ onError, ordered, source }) => {
      const clock = new VirtualTime()
      const { events, observer } = recorder()
      const options = { clock, onError, ordered, concurrency: 3, observers: [observer] } as const
      // The first item ends last.
      const graph = making(clock, (id) => 100 - id)
      const outcomes: unknown[] = []
      const stream = streamBatch(graph, Made, source() as Iterable<{ readonly Id: number }>, options)
      const error = await clock.settle(collect<unknown>(stream, outcomes).catch((thrown: unknown) => thrown))
      const values = (ordered ? [10, 20, 30] : [30, 20, 10]).map((value) => (onError === 'fail' ? value : { value }))
      expect(outcomes).toEqual(values)
      expect(error).toBeInstanceOf(InputError)
      expect((error as Error).cause).toBe(cause)
      expect(events.at(-1)).toMatchObject({ type: 'execution.ended', status: 'failed', error })
    },
  )

  test('loses none of the outcomes that wait for their consumer', async () => {
    const stream = streamBatch(instant, Made, sources['a generator that throws']())[Symbol.asyncIterator]()
    expect(await stream.next()).toEqual({ done: false, value: 10 })
    await flush()
    expect(await stream.next()).toEqual({ done: false, value: 20 })
    const last = [stream.next(), stream.next(), stream.next()]
    expect(await last[0]).toEqual({ done: false, value: 30 })
    await expect(last[1]).rejects.toMatchObject({ cause })
    expect(await last[2]).toEqual({ done: true, value: undefined })
  })

  test.each(['return', 'throw'] as const)('stops at %s', async (leave) => {
    const clock = new VirtualTime()
    const aborted: number[] = []
    const graph = making(
      clock,
      () => 1_000,
      (id) => aborted.push(id),
    )
    const stream = streamBatch(graph, Made, sources['an async generator that throws'](), { clock })
    const iterator = stream[Symbol.asyncIterator]()
    const pending = iterator.next()
    await flush()
    const left = new Error('left')
    if (leave === 'return') expect(await iterator.return!()).toEqual({ done: true, value: undefined })
    else await expect(iterator.throw!(left)).rejects.toBe(left)
    expect(await pending).toEqual({ done: true, value: undefined })
    expect(aborted).toEqual([1, 2, 3])
  })

  test('fails with its error, whatever items fail after it', async () => {
    const clock = new VirtualTime()
    async function* items() {
      yield { Id: -1 }
      throw cause
    }
    const values = collect(streamBatch(making(clock), Made, items(), { clock })).catch((thrown: unknown) => thrown)
    expect(await clock.settle(values)).toMatchObject({ cause })
  })

  test('ends at once where steps wait for all items', async () => {
    const clock = new VirtualTime()
    const sum = step({ name: 'Sum', inputs: { all: all(Made) }, output: Sum, run: ({ all }) => all.length })
    const summing = graph({ name: 'summing', steps: [...making(clock).steps, sum] })
    const stream = streamBatch(summing, Sum, sources['an async generator that throws'](), { clock })
    const values = collect(stream).catch((thrown: unknown) => thrown)
    expect(await clock.settle(values)).toMatchObject({ cause })
  })
})
