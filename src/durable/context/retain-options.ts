import { describe, reportUnknownKeys } from '../../core/check-options.ts'
import { durationHint, durationMs } from '../../core/duration.ts'
import type { Duration } from '../../core/duration.ts'
import { endStatuses } from '../../core/contracts/statuses.ts'
import { isRecord } from '../../core/is-record.ts'

/** For how long executions are kept once they have ended, and acts. */
export interface RetainOptions {
  /** Those that completed. @default for ever */
  readonly completed?: Duration | undefined
  /** Those that failed. @default for ever */
  readonly failed?: Duration | undefined
  /** Those that were cancelled. @default for ever */
  readonly cancelled?: Duration | undefined
  /** What people did, whether the executions are there or not. @default '90d' where the process serves a queue, else none are deleted */
  readonly acts?: Duration | undefined
}

const retained = [...endStatuses, 'acts']

/** What is wrong with them; absent, they are fine. */
export function problemsOfRetain(retain: unknown): readonly string[] {
  if (retain === undefined) return []
  if (!isRecord(retain))
    return [`retain must be durations by status, like { completed: '30d', failed: '90d' }, not ${describe(retain)}`]
  const problems: string[] = []
  reportUnknownKeys('retain', retain, retained, (problem) => problems.push(problem))
  for (const status of retained) {
    const duration = retain[status]
    // Nobody who waits for an end could read it.
    if (duration !== undefined && !(durationMs(duration)! > 0))
      problems.push(`retain: ${status} ${describe(duration)} is not a duration above zero; ${durationHint}`)
  }
  return problems
}
