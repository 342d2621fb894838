import { isRecord } from '../../core/is-record.ts'
import type { First } from '../../core/language/race.ts'

/** What came first, of a race that is decided and has no value yet: it is stored in the value's place. */
export function firstOf(stored: unknown): First | undefined {
  if (!isRecord(stored) || typeof stored['port'] !== 'string') return undefined
  return { port: stored['port'], value: stored['value'] }
}
