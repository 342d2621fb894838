import { describe } from '../core/check-options.ts'
import type { AnyDataType } from '../core/language/data-type.ts'
import { InputError } from '../core/errors.ts'
import type { ExecuteBatch } from '../core/graph/calls.ts'
import type { AnyGraph } from '../core/graph/graph-index.ts'
import { batchFrameOf } from './batch/batch-options.ts'
import type { BatchOptions } from './batch/batch-options.ts'
import { Batch } from './batch/batch.ts'
import type { ItemRead } from './batch/item-inputs.ts'
import { sourceOfArray } from './batch/item-source.ts'
import { turnOf } from './environment/turn.ts'
import { isPromise } from '../core/own-promise.ts'

/**
 * Makes the value of `target` for each item of an array, and gives the values in the items' order. Each item flows through
 * its steps on its own; a step with an `all(T)` port waits for all items, runs once, and what it makes is shared.
 *
 * @param items input records as in `execute`, without the leaves that `options.shared` gives once for all
 * @throws (as rejection) as `execute`, the error naming the item; with `onError: 'collect'` failures of items are given as
 * `{ error }` in their place instead
 */
export const executeBatch: ExecuteBatch<BatchOptions> = ((
  graph: AnyGraph,
  target: AnyDataType,
  items: readonly unknown[],
  options?: BatchOptions,
): Promise<readonly unknown[]> =>
  new Promise((resolve, reject) => {
    const frame = batchFrameOf('executeBatch', graph, target, options)
    if (!Array.isArray(items)) {
      const message = `items must be an array, not ${describe(items)}; streamBatch takes any iterable`
      throw new InputError('INPUT_INVALID', `executeBatch: ${message}`, [{ message, path: [] }], { graph: graph.name })
    }
    if (items.length === 0) {
      resolve([])
      return
    }
    const { collects, inputs } = frame
    const results = new Array<unknown>(items.length)
    const start = (reads?: readonly ItemRead[]): void =>
      new Batch({
        ...frame,
        source: sourceOfArray(items),
        read: (given, item) => reads?.[item] ?? inputs.read(given, item),
        hasRoom: () => true,
        onItem: (item, outcome) => {
          results[item] = collects ? outcome : outcome.value
        },
        onCompleted: () => resolve(results),
        onFailed: reject,
      }).start()
    if (collects) {
      start()
      return
    }
    // Where one wrong item fails the batch, it does so before anything runs.
    const reads = inputs.readAll(items, turnOf(frame.options.clock))
    if (isPromise(reads)) reads.then(start).catch(reject)
    else start(reads)
  })) as never
