import { errorTreeOf } from '../../core/values/error-tree.ts'
import { valueOfTree } from '../../core/values/value-of-tree.ts'
import { isRecord } from '../../core/is-record.ts'

/** An error as data that survives JSON. */
interface PersistedError {
  readonly xstate$$error: true
  readonly tree: unknown
}

/** Turns errors, and all else that JSON would not keep, into data. Never throws. */
export function persistError(thrown: unknown): unknown {
  if (thrown === undefined || thrown === null || typeof thrown === 'string' || typeof thrown === 'boolean')
    return thrown
  return { xstate$$error: true, tree: errorTreeOf(thrown) } satisfies PersistedError
}

/** What was thrown again: an error with its name, message, stack, cause and fields, of the nearest class of Docket's or the language's. */
export function reviveError(persisted: unknown): unknown {
  if (!isRecord(persisted) || persisted['xstate$$error'] !== true) return persisted
  // The tree is taken over; a snapshot may be started from more than once.
  return valueOfTree(structuredClone(persisted['tree']))
}
