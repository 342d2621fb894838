import { durationMs } from '../core/duration.ts'
import { AbortExecutionError, hasCause, NonRetryableError } from '../core/errors.ts'
import type { StepSpec } from '../core/graph-index.ts'

/** What follows a failed attempt: another one after a wait, or the end; `policyError` is what the user's own policy threw. */
export type RetryDecision = { readonly delayMs: number } | { readonly delayMs: undefined; readonly policyError: unknown }

const theEnd: RetryDecision = { delayMs: undefined, policyError: undefined }

/** Decides whether attempt number `attempt`, which failed with `error`, is followed by another. Never throws. */
export function decideRetry(spec: StepSpec, error: unknown, attempt: number, random: () => number): RetryDecision {
  if (attempt >= spec.maxAttempts) return theEnd
  if (hasCause(error, NonRetryableError) || hasCause(error, AbortExecutionError)) return theEnd
  try {
    if (spec.retryIf !== undefined && !spec.retryIf(error)) return theEnd
    if (spec.backoff === undefined) return { delayMs: 0 }
    const delay = spec.backoff(attempt, random)
    const delayMs = durationMs(delay)
    if (delayMs === undefined) throw new RangeError(`backoff of step "${spec.name}" gave ${String(delay)}, which is not a duration, for attempt ${attempt}`)
    return { delayMs }
  } catch (policyError) {
    return { delayMs: undefined, policyError }
  }
}
