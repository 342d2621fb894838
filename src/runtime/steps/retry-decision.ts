import { describe } from '../../core/check-options.ts'
import { durationMs } from '../../core/duration.ts'
import { hasCause, retryAfterOf } from '../../core/thrown.ts'
import type { Tries } from '../../core/graph/graph-index.ts'
import { isPromiseLike } from '../inputs/check-value.ts'

/** What follows a failed attempt: another one after a wait, or the end; `policyError` is what the user's own policy threw. */
export type RetryDecision =
  { readonly delayMs: number } | { readonly delayMs: undefined; readonly policyError: unknown }

/** Where something is tried. */
export interface TriesPlace {
  readonly clock: { now(): number }
  readonly options: { readonly random: () => number }
}

/** What another attempt can't help. */
const final = ['NON_RETRYABLE', 'EXECUTION_ABORTED', 'RERUN_MISMATCH', 'REFUSED'] as const
const theEnd: RetryDecision = { delayMs: undefined, policyError: undefined }

/** Decides whether attempt number `attempt`, which failed with `error`, is followed by another. Never throws. */
export function decideRetry(
  spec: Tries & { readonly name: string },
  error: unknown,
  attempt: number,
  { clock, options }: TriesPlace,
): RetryDecision {
  if (attempt >= spec.maxAttempts) return theEnd
  if (final.some((code) => hasCause(error, code))) return theEnd
  try {
    if (spec.retryIf !== undefined && !synchronous(spec.retryIf(error), 'retryIf')) return theEnd
    const statedMs = retryAfterOf(error, () => clock.now())
    if (statedMs !== undefined) return { delayMs: statedMs }
    if (spec.backoff === undefined) return { delayMs: 0 }
    const delay = synchronous(spec.backoff(attempt, options.random), 'backoff')
    const delayMs = durationMs(delay)
    if (delayMs === undefined)
      throw new RangeError(
        `backoff of step "${spec.name}" returned ${describe(delay)}, which is not a duration, for attempt ${attempt}`,
      )
    return { delayMs }
  } catch (policyError) {
    return { delayMs: undefined, policyError }
  }
}

/** Nobody waits for a policy's promise: taken for a value it would always be true, and its rejection would end the process. */
export function synchronous<Value>(value: Value, policy: string): Value {
  if (!isPromiseLike(value)) return value
  Promise.resolve(value).catch(() => {})
  throw new TypeError(`${policy} must return its answer directly, not a promise`)
}
