import { describe } from '../core/check-options.ts'
import type { AnyDataType } from '../core/language/data-type.ts'
import { ExecutionCancelledError, InputError, OptionError } from '../core/errors.ts'
import type { StreamBatch } from '../core/graph/calls.ts'
import type { AnyGraph } from '../core/graph/graph-index.ts'
import { batchFrameOf } from './batch/batch-options.ts'
import type { StreamOptions } from './batch/batch-options.ts'
import { Batch } from './batch/batch.ts'
import type { ItemOutcome } from './batch/batch-setup.ts'
import { sourceOfIterable } from './batch/item-source.ts'
import { OutcomeQueue } from './collections/outcome-queue.ts'
import { AsyncContext } from './environment/async-context.ts'
import { inMicrotask } from '../core/in-microtask.ts'

// Outcomes that may wait for their consumer besides what runs: enough to keep the items busy, little enough to hold.
const outcomesAhead = 100

/**
 * Makes the value of `target` for each item of an iterable or async iterable, and gives the values as they are made, in the
 * items' order (or, with `ordered: false`, as they finish). Items are read only as fast as outcomes are taken, and memory is
 * bounded by the concurrency, except where a step with an `all(T)` port needs all items at once. Leaving the loop early
 * cancels what runs and closes the iterable.
 *
 * Nothing runs before the first call of `next`. The outcomes can be read once: a second loop would run everything again.
 * @throws as `executeBatch`, while iterating; OptionError for a second loop over the same stream
 */
export const streamBatch = ((
  graph: AnyGraph,
  target: AnyDataType,
  items: Iterable<unknown> | AsyncIterable<unknown>,
  options?: StreamOptions,
): AsyncIterable<unknown> => {
  const context = new AsyncContext()
  let isRead = false
  return {
    [Symbol.asyncIterator]() {
      if (isRead)
        throw new OptionError(
          'streamBatch: its outcomes have been read, and are not kept; keep them in an array, or call streamBatch again to run everything once more',
        )
      isRead = true
      return streamOf(graph, target, items, options, context)
    },
  }
}) as unknown as StreamBatch<StreamOptions>

/** A consumer that waits for the next value. */
interface Waiting {
  readonly resolve: (result: IteratorResult<unknown, undefined>) => void
  readonly reject: (error: unknown) => void
}

const done: IteratorResult<unknown, undefined> = Object.freeze({ done: true, value: undefined })

/**
 * The values of a stream, made on demand. Written out, not an async generator: that one takes several promises a value,
 * and lets a consumer that leaves wait for the value that it has requested, which may never come.
 */
class BatchStream implements AsyncIterator<unknown, undefined> {
  readonly #begin: (stream: BatchStream) => Batch
  /** Of the call of `streamBatch`: the values may be read in another context. */
  readonly #context: AsyncContext
  readonly #outcomes = new OutcomeQueue<ItemOutcome>()
  #batch: Batch | undefined
  /** Values that were requested and are not there yet, in order. */
  readonly #waiting: Waiting[] = []
  #given = 0
  #end: { readonly error: unknown; readonly hasFailed: boolean } | undefined
  #isOver = false
  #isServing = false
  /** Whether outcomes are given as such, with their errors, rather than their values. */
  collects = false

  constructor(begin: (stream: BatchStream) => Batch, context: AsyncContext) {
    this.#begin = begin
    this.#context = context
  }

  /** Items that have begun, less the outcomes that were taken. */
  ahead(started: number): number {
    return started - this.#given
  }

  put(place: number, outcome: ItemOutcome): void {
    this.#outcomes.put(place, outcome)
    this.#serveSoon()
  }

  end(error: unknown, hasFailed: boolean): void {
    this.#end = { error, hasFailed }
    this.#serveSoon()
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#isOver) return Promise.resolve(done)
    try {
      if (this.#batch === undefined) this.#start()
      const outcome = this.#waiting.length === 0 ? this.#take() : undefined
      if (outcome !== undefined) return Promise.resolve({ done: false, value: this.#valueOf(outcome) })
    } catch (thrown) {
      this.#leave()
      return Promise.reject(thrown)
    }
    return this.#wait()
  }

  // These two are functions of their own: one that makes closures costs memory at each call, whether it comes to them or not.
  #start(): void {
    this.#context.run(() => {
      this.#batch = this.#begin(this)
      this.#batch.start()
    })
  }

  #wait(): Promise<IteratorResult<unknown, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#serve()
    })
  }

  return(): Promise<IteratorResult<unknown, undefined>> {
    this.#leave()
    return Promise.resolve(done)
  }

  throw(thrown: unknown): Promise<IteratorResult<unknown, undefined>> {
    this.#leave()
    return Promise.reject(thrown)
  }

  #valueOf(outcome: ItemOutcome): unknown {
    return this.collects ? outcome : outcome.value
  }

  #take(): ItemOutcome | undefined {
    const outcome = this.#outcomes.take()
    if (outcome === undefined) return undefined
    this.#given++
    this.#batch!.pump()
    return outcome
  }

  /** In a turn of its own: an item that has just ended may have more to do before the next one begins. */
  #serveSoon(): void {
    if (this.#isServing || this.#waiting.length === 0) return
    this.#isServing = true
    inMicrotask(() => {
      this.#isServing = false
      this.#serve()
    })
  }

  #serve(): void {
    while (this.#waiting.length > 0) {
      const outcome = this.#take()
      if (outcome !== undefined) this.#waiting.shift()!.resolve({ done: false, value: this.#valueOf(outcome) })
      else if (this.#end === undefined) return
      else {
        if (this.#end.hasFailed) this.#waiting.shift()!.reject(this.#end.error)
        this.#leave()
      }
    }
  }

  /** The consumer has stopped reading. */
  #leave(): void {
    this.#isOver = true
    const batch = this.#batch
    if (batch !== undefined && !batch.hasEnded)
      batch.cancel(
        new ExecutionCancelledError('the outcomes of this batch are no longer read', { graph: batch.place.graph }),
      )
    for (const { resolve } of this.#waiting.splice(0)) resolve(done)
  }
}

function streamOf(
  graph: AnyGraph,
  target: AnyDataType,
  items: Iterable<unknown> | AsyncIterable<unknown>,
  options: StreamOptions | undefined,
  context: AsyncContext,
): BatchStream {
  return new BatchStream((stream) => {
    const frame = batchFrameOf('streamBatch', graph, target, options)
    if (!isIterable(items)) {
      const message = `items must be an iterable or an async iterable, not ${describe(items)}`
      throw new InputError('INPUT_INVALID', `streamBatch: ${message}`, [{ message, path: [] }], { graph: graph.name })
    }
    const { collects, inputs, concurrency, plan } = frame
    const isOrdered = options?.ordered ?? true
    const limit = plan.needsAll ? Infinity : concurrency + outcomesAhead
    let made = 0
    stream.collects = collects
    const batch = new Batch({
      handsOver: true,
      ...frame,
      source: sourceOfIterable(items),
      read: (item, index) => inputs.read(item, index),
      hasRoom: () => stream.ahead(batch.started) < limit,
      onItem: (item, outcome) => stream.put(isOrdered ? item : made++, outcome),
      onCompleted: () => stream.end(undefined, false),
      onFailed: (error) => stream.end(error, true),
    })
    return batch
  }, context)
}

function isIterable(items: unknown): items is Iterable<unknown> | AsyncIterable<unknown> {
  return (
    (typeof items === 'object' && items !== null && (Symbol.asyncIterator in items || Symbol.iterator in items)) ||
    typeof items === 'string'
  )
}
