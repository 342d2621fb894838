import type { ResultCommit } from '../../src/core/contracts/result-record.ts'
import { valueOf } from './cells.ts'
import type { Field, Row } from './cells.ts'

/** What a commit writes of a result. */
export const outcomeFields: readonly Field[] = [
  { field: 'status', column: 'status', kind: 'word' },
  { field: 'output', column: 'output', kind: 'value' },
  { field: 'error', column: 'error', kind: 'value' },
  { field: 'endedAt', column: 'ended_at', kind: 'time' },
  { field: 'expiresAt', column: 'expires_at', kind: 'time' },
]

/** The record of `outcomeFields`; expiry counts from the store's `now`. */
export function outcomeOf({ outcome, at }: ResultCommit, now: number): object {
  const { status } = outcome
  if (status === 'completed')
    return {
      status,
      output: outcome.output,
      endedAt: at,
      expiresAt: outcome.ttlMs === undefined ? undefined : now + outcome.ttlMs,
    }
  return { status, error: status === 'failed' ? outcome.error : undefined, endedAt: at }
}

/** Whether the row has this outcome already: the commit is repeated, since its answer was lost. */
export function isSameOutcome(row: Row, { outcome }: ResultCommit): boolean {
  if (row['status'] !== outcome.status) return false
  if (outcome.status !== 'completed') return true
  const stored = valueOf(row, 'output')
  if (typeof stored === 'string' || typeof outcome.output === 'string') return stored === outcome.output
  return stored !== undefined && Buffer.compare(stored, outcome.output) === 0
}
