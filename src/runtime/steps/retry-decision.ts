import { describe } from '../../core/check-options.ts'
import { durationMs } from '../../core/duration.ts'
import { hasCause, retryAfterOf } from '../../core/thrown.ts'
import type { Tries } from '../../core/graph/graph-index.ts'
import { isPromiseLike } from '../inputs/check-value.ts'

/** What follows a failed attempt: another one after a wait, or the end; `policyError` is what the user's own policy threw. */
export type RetryDecision =
  /** `isRepeated`: the attempt does not count, and the next one has its number. */
  | { readonly delayMs: number; readonly isRepeated: boolean }
  | { readonly delayMs: undefined; readonly isRepeated: false; readonly policyError: unknown }

/** Where something is tried. */
export interface TriesPlace {
  readonly clock: { now(): number }
  readonly options: { readonly random: () => number }
}

/** What another attempt can't help. */
const final = ['NON_RETRYABLE', 'EXECUTION_ABORTED', 'RERUN_MISMATCH', 'REFUSED'] as const
const theEnd: RetryDecision = { delayMs: undefined, isRepeated: false, policyError: undefined }

/** Decides whether attempt number `attempt`, which failed with `error`, is followed by another, or does not count where that `mayRepeat`. Never throws. */
export function decideRetry(
  spec: Tries & { readonly name: string },
  error: unknown,
  attempt: number,
  { clock, options }: TriesPlace,
  mayRepeat = false,
): RetryDecision {
  if (spec.maxAttempts === 1 || (attempt >= spec.maxAttempts && !mayRepeat)) return theEnd
  const stated = retryAfterOf(error, () => clock.now())
  const isRepeated = mayRepeat && stated?.countsAsAttempt === false
  if (attempt >= spec.maxAttempts && !isRepeated) return theEnd
  if (final.some((code) => hasCause(error, code))) return theEnd
  try {
    if (spec.retryIf !== undefined && !synchronous(spec.retryIf(error), 'retryIf')) return theEnd
    if (stated !== undefined) return { delayMs: stated.ms, isRepeated }
    if (spec.backoff === undefined) return { delayMs: 0, isRepeated }
    const delay = synchronous(spec.backoff(attempt, options.random), 'backoff')
    const delayMs = durationMs(delay)
    if (delayMs === undefined)
      throw new RangeError(
        `backoff of step "${spec.name}" returned ${describe(delay)}, which is not a duration, for attempt ${attempt}`,
      )
    return { delayMs, isRepeated }
  } catch (policyError) {
    return { delayMs: undefined, isRepeated: false, policyError }
  }
}

/** Nobody waits for a policy's promise: taken for a value it would always be true, and its rejection would end the process. */
export function synchronous<Value>(value: Value, policy: string): Value {
  if (!isPromiseLike(value)) return value
  Promise.resolve(value).catch(() => {})
  throw new TypeError(`${policy} must return its answer directly, not a promise`)
}
