import type { Connection as CallbackConnection } from 'mysql2'
import type { Connection } from 'mysql2/promise'
import { OptionError } from '../../src/core/errors.ts'
import { isRecord } from '../../src/core/is-record.ts'
import { storeName } from './errors.ts'

/** The connection that a caller gives as its transaction. A pool has connections of its own for each query, so no transaction. @throws OptionError */
export function connectionOf(given: unknown): Connection {
  if (!isRecord(given) || typeof given['query'] !== 'function' || 'getConnection' in given)
    throw new OptionError(
      `${storeName} store: a transaction must be a connection of mysql2 on which one has been begun`,
    )
  const client = given as unknown as Connection | CallbackConnection
  return 'promise' in client && typeof client.promise === 'function' ? client.promise() : (client as Connection)
}
