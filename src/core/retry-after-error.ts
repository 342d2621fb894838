import { types } from 'node:util'
import { describe } from './check-options.ts'
import { DocketError, named, defaultFields } from './docket-error.ts'
import { durationHint, durationMs } from './duration.ts'
import type { Duration } from './duration.ts'
import { OptionError } from './errors.ts'

/** What a RetryAfterError is given besides the time. */
export interface RetryAfterOptions extends ErrorOptions {
  /**
   * Whether the attempt counts. `false` where nothing has been tried, since a circuit is open or a quota of your own is used up: then the next one has the same number. It holds for
   * functions of steps that are tried more than once, and for calls of durable functions. @default true
   */
  readonly countsAsAttempt?: boolean
}

/**
 * Thrown by a step (or put into a cause chain) to say when another attempt can help: the next one begins then, whatever `backoff` says. It counts as an
 * attempt like any other failure, unless it says otherwise, and whether there is a next one is for `retry` to say.
 *
 * @example
 * if (response.status === 429) throw new RetryAfterError(Number(response.headers.get('retry-after')) * 1_000)
 * @throws OptionError for what is neither a duration nor a valid Date
 */
export class RetryAfterError extends DocketError {
  static {
    named(this, 'RetryAfterError')
    defaultFields(this, { retryAfterMs: undefined, retryAt: undefined })
  }

  /** How long after the failure the next attempt begins, in milliseconds; undefined where `retryAt` says when. */
  declare readonly retryAfterMs: number | undefined
  /** When the next attempt begins; at once, where that is over. Undefined where `retryAfterMs` says so. */
  declare readonly retryAt: Date | undefined

  /** Whether the attempt that ends with it counts as one. */
  readonly countsAsAttempt: boolean

  constructor(after: Duration | Date, options?: RetryAfterOptions) {
    const at = types.isDate(after) ? new Date(after.getTime()) : undefined
    const ms = at === undefined ? durationMs(after as Duration) : at.getTime()
    if (ms === undefined || Number.isNaN(ms))
      throw new OptionError(
        `RetryAfterError: ${describe(after)} is neither a duration nor a valid Date; ${durationHint}, or give the Date of the next attempt`,
      )
    const when = at === undefined ? `in ${ms} ms` : `at ${at.toISOString()}`
    super('RETRY_AFTER', `another attempt can help ${when}`, {}, options)
    if (at === undefined) this.retryAfterMs = ms
    else this.retryAt = at
    this.countsAsAttempt = options?.countsAsAttempt ?? true
  }
}
