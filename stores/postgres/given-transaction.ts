import type { ClientBase } from 'pg'
import { OptionError } from '../../src/core/errors.ts'
import { isRecord } from '../../src/core/is-record.ts'
import { storeName } from './errors.ts'

/** The client that a caller gives as its transaction. A pool has connections of its own for each query, so no transaction. @throws OptionError */
export function clientOf(given: unknown): ClientBase {
  if (!isRecord(given) || typeof given['query'] !== 'function' || 'totalCount' in given)
    throw new OptionError(`${storeName} store: a transaction must be a client of pg on which one has been begun`)
  return given as unknown as ClientBase
}
