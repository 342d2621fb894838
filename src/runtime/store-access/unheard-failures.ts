import { EngineError } from '../../core/engine-error.ts'
import { SerializationError, StoreError } from '../../core/errors.ts'
import { describeThrown, isDocketError, isError, readOf } from '../../core/thrown.ts'

// What has been reported is remembered, so that a loop says it once; more than this many different ones are something else.
const mostKnown = 100

/**
 * Failures of what nobody waits for, as process warnings: each once. What only says that the store is away, or that a right is lost, is tried
 * again or reported elsewhere; what the store refuses for good, and mistakes in code, would be seen by nobody.
 */
export class UnheardFailures {
  readonly #known = new Set<string>()
  readonly #isClosed: () => boolean
  readonly #ofOpening = new WeakSet<object>()

  constructor(isClosed: () => boolean) {
    this.#isClosed = isClosed
  }

  /** What a store fails with as it is opened is one failure, whatever it was opened for. */
  opening(error: unknown): void {
    if (typeof error === 'object' && error !== null) this.#ofOpening.add(error)
  }

  /** Gives what catches the failure of an undertaking, which is named in a few words: `reading messages`. */
  of(what: string): (error: unknown) => void {
    return (error) => this.report(what, error)
  }

  report(what: string, error: unknown): void {
    // A store that is closed refuses what was under way, as it should.
    if (error instanceof StoreError && this.#isClosed()) return
    if (!isReported(error)) return
    const isOfOpening = typeof error === 'object' && error !== null && this.#ofOpening.has(error)
    const undertaking = isOfOpening ? 'opening the store' : what
    this.#warn(`${undertaking} failed in the background: ${describeThrown(error)}`, error)
  }

  /** A schedule that a docket was given is not declared, and will not be, whatever the reason is. */
  reportUndeclared(schedule: string, error: unknown): void {
    const what = `schedule ${JSON.stringify(schedule)} is not declared, so that it starts nothing`
    process.emitWarning(`${what}: ${describeThrown(error)}`, { type: 'DocketScheduleWarning' })
  }

  /** The lease is lost, since renewals failed: that says why, whatever it is. */
  reportLoss(error: unknown): void {
    this.#warn(`the lease was lost, since it could not be renewed: ${describeThrown(error)}`, error)
  }

  /** What the store refuses, and is tried again until it takes it. */
  reportRefusal(what: string, error: unknown): void {
    if (this.#isClosed()) return
    this.#warn(`${what} is refused, and tried again until the store takes it: ${describeThrown(error)}`, error)
  }

  #warn(message: string, error: unknown): void {
    if (this.#known.has(message)) return
    if (this.#known.size >= mostKnown) this.#known.clear()
    this.#known.add(message)
    const isFromOutside = isOfStore(error) || error instanceof EngineError
    const stack = isFromOutside ? undefined : readOf(error, 'stack')
    const type =
      error instanceof EngineError ? 'DocketEngineWarning' : isFromOutside ? 'DocketStoreWarning' : 'DocketBugWarning'
    process.emitWarning(message, { type, ...(typeof stack === 'string' && { detail: stack }) })
  }
}

function isOfStore(error: unknown): boolean {
  return error instanceof StoreError || error instanceof SerializationError
}

function isReported(error: unknown): boolean {
  if (error instanceof StoreError || error instanceof EngineError) return !error.isTransient
  return error instanceof SerializationError || !isError(error) || !isDocketError(error)
}
