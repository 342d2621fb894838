import { StoreError } from '../../src/core/errors.ts'

const reported = new Set<string>()

/**
 * What `read` gives; or, of a record that can't be read, `instead`, with a warning (once for each). For calls that serve many: one
 * altered record must not hide all the others.
 */
export function orElse<Result>(instead: Result, read: () => Result): Result {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof StoreError) || error.isTransient) throw error
    leaveOut(error)
    return instead
  }
}

/** Warns of a record that is left out, once for each. */
export function leaveOut(error: StoreError): void {
  if (reported.has(error.message)) return
  if (reported.size < 1_000) reported.add(error.message)
  process.emitWarning(`${error.message}; it is left out`, { type: 'DocketStoreWarning' })
}
