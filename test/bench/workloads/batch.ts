import { dataType, executeBatch, graph, step, streamBatch, type } from '../../../src/index.ts'
import { race } from '../measure.ts'
import { load } from '../packages.ts'
import type { Workload } from './workload.ts'

const concurrency = 100
const work = async (): Promise<number> => 1

const Item = dataType('Item', type<number>())
const Parsed = dataType('Parsed', type<number>())
const Checked = dataType('Checked', type<number>())
const Scored = dataType('Scored', type<number>())

/** Three steps in a row for each item. */
export const itemGraph = graph({
  name: 'items',
  steps: [
    step({ name: 'parse', inputs: { item: Item }, output: Parsed, run: work }),
    step({ name: 'check', inputs: { parsed: Parsed }, output: Checked, run: work }),
    step({ name: 'score', inputs: { checked: Checked }, output: Scored, run: work }),
  ],
})
export const itemTarget = Scored

function* numbers(count: number): Generator<number> {
  for (let i = 0; i < count; i++) yield i
}

export function* items(count: number): Generator<{ readonly Item: number }> {
  for (let i = 0; i < count; i++) yield { Item: i }
}

async function threeSteps(): Promise<number> {
  await work()
  await work()
  return work()
}

/** By hand: as many workers as items may run, all taking from one iterator. */
async function pool(count: number): Promise<number> {
  const source = numbers(count)
  let total = 0
  const worker = async (): Promise<void> => {
    // One after the other is the point: each worker is one of the hundred.
    // oxlint-disable-next-line no-unused-vars
    for (const _ of source) total += await threeSteps()
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return total
}

async function drain(values: AsyncIterable<number>): Promise<number> {
  let total = 0
  for await (const value of values) total += value
  return total
}

interface AsyncModule {
  mapLimit(items: Iterable<number>, limit: number, run: (item: number) => Promise<number>): Promise<readonly number[]>
}

type Piped = { pipe(...operators: readonly unknown[]): Piped }

interface EffectModule {
  readonly Effect: {
    promise(evaluate: () => Promise<number>): Piped
    andThen(next: Piped): unknown
    runPromise(effect: Piped): Promise<unknown>
  }
  readonly Stream: {
    fromIterable(items: Iterable<number>): Piped
    mapEffect(run: () => Piped, options: { readonly concurrency: number }): unknown
    readonly runDrain: unknown
  }
}

/** Many items, three steps each, a hundred items at a time. */
export const batch: Workload = {
  name: 'batch',
  title: 'batch × 3 steps, 100 items at a time',
  measure: async (effort, { isQuick }) => {
    const count = isQuick ? 10_000 : 100_000
    const async = await load<AsyncModule>('async')
    const { Effect, Stream } = await load<EffectModule>('effect')
    const effect = Effect.promise(work).pipe(Effect.andThen(Effect.promise(work)), Effect.andThen(Effect.promise(work)))
    const stream = (): Piped =>
      Stream.fromIterable(numbers(count)).pipe(
        Stream.mapEffect(() => effect, { concurrency }),
        Stream.runDrain,
      )
    const list = [...items(count)]
    const options = { concurrency }
    const series = await race(
      [
        { name: 'workers by hand', run: () => pool(count) },
        { name: 'async.mapLimit', run: () => async.mapLimit(numbers(count), concurrency, threeSteps) },
        { name: 'Effect Stream', run: () => Effect.runPromise(stream()) },
        { name: 'Docket streamBatch', run: () => drain(streamBatch(itemGraph, itemTarget, items(count), options)) },
        {
          name: 'Docket streamBatch, unordered',
          run: () => drain(streamBatch(itemGraph, itemTarget, items(count), { ...options, ordered: false })),
        },
        { name: 'Docket executeBatch', run: () => executeBatch(itemGraph, itemTarget, list, options) },
      ],
      effort,
    )
    const notes = ['p-graph, LangGraph and XState have no batches; async.mapLimit and executeBatch keep all results']
    return {
      name: 'batch',
      title: `${count} items: ${batch.title}`,
      series,
      steps: count * 3,
      base: 'workers by hand',
      notes,
    }
  },
}
