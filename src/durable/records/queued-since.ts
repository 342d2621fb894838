import { isRecord } from '../../core/is-record.ts'
import type { AwaitedLimit } from '../../runtime/steps/shared-limits.ts'

/** What is stored in the place of the value of a step that waits for limits which all processes share. */
export interface StoredQueue {
  readonly $queued: { readonly since: number; readonly limits: readonly AwaitedLimit[] }
}

/** What is stored of a step that waits since then. */
export function storedQueue(since: number, limits: readonly AwaitedLimit[]): StoredQueue {
  return { $queued: { since, limits: limits.map(({ kind, key, scope, id }) => ({ kind, scope, id, key })) } }
}

/** Since when a step waits, and for which limits, of what is stored in the place of its value; undefined where that is something else. */
export function queuedOf(stored: unknown): StoredQueue['$queued'] | undefined {
  if (!isRecord(stored) || !isRecord(stored['$queued'])) return undefined
  const { since, limits } = stored['$queued']
  return typeof since === 'number' && Array.isArray(limits) && limits.every(isLimit) ? { since, limits } : undefined
}

/** It may be of a newer version, or somebody has changed it. */
function isLimit(value: unknown): value is AwaitedLimit {
  if (!isRecord(value)) return false
  const { kind, scope, id, key } = value
  const isKnown = (kind === 'concurrency' || kind === 'rate') && (scope === 'graph' || scope === 'queue')
  return isKnown && typeof id === 'string' && (key === undefined || typeof key === 'string')
}
