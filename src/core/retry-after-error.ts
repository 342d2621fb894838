import { types } from 'node:util'
import { describe } from './check-options.ts'
import { DocketError, named } from './docket-error.ts'
import { durationHint, durationMs } from './duration.ts'
import type { Duration } from './duration.ts'
import { OptionError } from './errors.ts'

/**
 * Thrown by a step (or put into a cause chain) to say when another attempt can help: the next one begins then, whatever `backoff` says. It counts as an
 * attempt like any other failure, and whether there is a next one is for `retry` to say.
 *
 * @example
 * if (response.status === 429) throw new RetryAfterError(Number(response.headers.get('retry-after')) * 1_000)
 * @throws OptionError for what is neither a duration nor a valid Date
 */
export class RetryAfterError extends DocketError {
  static {
    named(this, 'RetryAfterError')
  }

  /** How long after the failure the next attempt begins, in milliseconds; undefined where `retryAt` says when. */
  readonly retryAfterMs: number | undefined
  /** When the next attempt begins; at once, where that is over. Undefined where `retryAfterMs` says so. */
  readonly retryAt: Date | undefined

  constructor(after: Duration | Date, options?: ErrorOptions) {
    const at = types.isDate(after) ? new Date(after.getTime()) : undefined
    const ms = at === undefined ? durationMs(after as Duration) : at.getTime()
    if (ms === undefined || Number.isNaN(ms))
      throw new OptionError(
        `RetryAfterError: ${describe(after)} is neither a duration nor a valid Date; ${durationHint}, or give the Date of the next attempt`,
      )
    const when = at === undefined ? `in ${ms} ms` : `at ${at.toISOString()}`
    super('RETRY_AFTER', `another attempt can help ${when}`, {}, options)
    this.retryAfterMs = at === undefined ? ms : undefined
    this.retryAt = at
  }
}
