import { describe } from '../core/graph/check-step.ts'
import type { AnyDataType } from '../core/language/data-type.ts'
import { ExecutionCancelledError, InputError } from '../core/errors.ts'
import type { StreamBatch } from '../core/graph/graph.ts'
import type { AnyGraph } from '../core/graph/graph-index.ts'
import { batchFrameOf } from './batch/batch-options.ts'
import type { StreamOptions } from './batch/batch-options.ts'
import { Batch } from './batch/batch.ts'
import type { ItemOutcome } from './batch/batch-setup.ts'
import { sourceOfIterable } from './batch/item-source.ts'
import { OutcomeQueue } from './collections/outcome-queue.ts'

// Outcomes that may wait for their consumer besides what runs: enough to keep the items busy, little enough to hold.
const outcomesAhead = 100

/**
 * Makes the value of `target` for each item of an iterable or async iterable, and gives the values as they are made, in the
 * items' order (or, with `ordered: false`, as they finish). Items are read only as fast as outcomes are taken, and memory is
 * bounded by the concurrency, except where a step with an `all(T)` port needs all items at once. Leaving the loop early
 * cancels what runs and closes the iterable.
 *
 * Nothing runs before the first value is asked for.
 * @throws as `executeBatch`, while iterating
 */
export const streamBatch = ((
  graph: AnyGraph,
  target: AnyDataType,
  items: Iterable<unknown> | AsyncIterable<unknown>,
  options?: StreamOptions,
): AsyncIterable<unknown> => ({
  [Symbol.asyncIterator]: () => iterate(graph, target, items, options),
})) as unknown as StreamBatch<StreamOptions>

/** What a consumer leaves by. */
interface Exit {
  leave?: () => void
}

/** A generator alone would let a consumer that leaves wait for the value it has asked for, which may never come. */
function iterate(
  graph: AnyGraph,
  target: AnyDataType,
  items: Iterable<unknown> | AsyncIterable<unknown>,
  options: StreamOptions | undefined,
): AsyncIterator<unknown> {
  const exit: Exit = {}
  const values = stream(graph, target, items, options, exit)
  return {
    next: () => values.next(),
    return: () => {
      exit.leave?.()
      return values.return()
    },
  }
}

async function* stream(
  graph: AnyGraph,
  target: AnyDataType,
  items: Iterable<unknown> | AsyncIterable<unknown>,
  options: StreamOptions | undefined,
  exit: Exit,
): AsyncGenerator<unknown, void, undefined> {
  const frame = batchFrameOf('streamBatch', graph, target, options)
  if (!isIterable(items)) {
    const message = `items must be an iterable or an async iterable, not ${describe(items)}`
    throw new InputError('INPUT_INVALID', `streamBatch: ${message}`, [{ message, path: [] }], { graph: graph.name })
  }
  const { collects, inputs, concurrency, plan } = frame
  const isOrdered = options?.ordered ?? true
  const outcomes = new OutcomeQueue<ItemOutcome>()
  let made = 0
  const limit = plan.needsAll ? Infinity : concurrency + outcomesAhead
  let given = 0
  let end: { readonly error: unknown; readonly hasFailed: boolean } | undefined
  let hasLeft = false
  let wake: (() => void) | undefined
  const notify = (): void => {
    wake?.()
    wake = undefined
  }
  const batch = new Batch({
    ...frame,
    source: sourceOfIterable(items),
    read: (item, index) => inputs.read(item, index),
    hasRoom: () => batch.started - given < limit,
    onItem: (item, outcome) => {
      outcomes.put(isOrdered ? item : made++, outcome)
      notify()
    },
    onCompleted: () => {
      end = { error: undefined, hasFailed: false }
      notify()
    },
    onFailed: (error) => {
      end = { error, hasFailed: true }
      notify()
    },
  })
  exit.leave = () => {
    hasLeft = true
    batch.cancel(new ExecutionCancelledError('nobody takes the outcomes of this batch any more', { graph: graph.name }))
  }
  try {
    batch.start()
    for (;;) {
      if (hasLeft) return
      const outcome = outcomes.take()
      if (outcome !== undefined) {
        given++
        batch.pump()
        yield collects ? outcome : outcome.value
      } else if (end !== undefined) {
        if (end.hasFailed) throw end.error
        return
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
  } finally {
    exit.leave()
  }
}

function isIterable(items: unknown): items is Iterable<unknown> | AsyncIterable<unknown> {
  return (
    (typeof items === 'object' && items !== null && (Symbol.asyncIterator in items || Symbol.iterator in items)) ||
    typeof items === 'string'
  )
}
