import { InputError } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import { describeThrown } from '../../core/thrown.ts'
import { isPromiseLike } from '../inputs/check-value.ts'

/** The next item, the end, or what the iterable threw. */
export type Pulled =
  | 'end'
  | { readonly item: unknown; readonly thrown?: undefined }
  | { readonly item?: undefined; readonly thrown: { readonly reason: unknown } }

/** Where a batch's items come from: pulled one by one, so that nothing is read before there is room for it. */
export interface ItemSource {
  /** How many there are, if that is known from the start. */
  readonly size: number | undefined
  next(): Pulled | Promise<Pulled>
  /** Ends the iterable: no more will be read. */
  close(): void
}

/** The items of an array. */
export function sourceOfArray(items: readonly unknown[]): ItemSource {
  let next = 0
  return {
    size: items.length,
    next: () => (next < items.length ? { item: items[next++] } : 'end'),
    close() {},
  }
}

/** The items of an iterable or an async iterable. */
export function sourceOfIterable(items: Iterable<unknown> | AsyncIterable<unknown>): ItemSource {
  let iterator: Iterator<unknown> | AsyncIterator<unknown> | undefined
  let isOpen = true
  const pulledOf = (result: IteratorResult<unknown>): Pulled => {
    if (result.done !== true) return { item: result.value }
    isOpen = false
    return 'end'
  }
  const thrownOf = (reason: unknown): Pulled => {
    isOpen = false
    return { thrown: { reason } }
  }
  return {
    size: Array.isArray(items) ? items.length : undefined,
    next() {
      try {
        iterator ??= Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
        const result = iterator.next()
        return isPromiseLike(result)
          ? Promise.resolve(result as Promise<IteratorResult<unknown>>)
              .then(pulledOf)
              .catch(thrownOf)
          : pulledOf(result)
      } catch (thrown) {
        return thrownOf(thrown)
      }
    },
    close() {
      if (!isOpen || iterator === undefined) return
      isOpen = false
      try {
        const closing = iterator.return?.()
        if (isPromiseLike(closing)) Promise.resolve(closing).catch(() => {})
      } catch {
        // The batch has its outcome; an iterable that can't be closed does not change it.
      }
    },
  }
}

/** What a batch fails with whose iterable threw. */
export function sourceError(reason: unknown, place: ErrorPlace): InputError {
  const message = `the iterable of items threw: ${describeThrown(reason)}`
  return new InputError('INPUT_INVALID', message, [{ message, path: [] }], place, { cause: reason })
}
