import { SerializationError } from '../../core/errors.ts'
import { isSensitivePortOf, isSensitiveType, touchesSensitiveTypes } from '../../core/graph/sensitivity.ts'
import { withoutSensitiveParts } from '../../core/values/plain-data.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import type { ResultCache } from './result-cache.ts'
import type { ResultRight, SharedResults } from './shared-results.ts'
import type { Claimant } from './claimant.ts'

/** Where the outcome of a claim goes. */
export interface ClaimKeeper {
  /** Keeps what was made and gives the result that holds, which may be an earlier one. */
  commit(run: Claimant, made: unknown): unknown
  /** Keeps what an attempt brought after its step had ended: the work is done, so nobody needs to do it again. */
  commitLate(run: Claimant, value: unknown): void
  /** The computation failed for good. */
  fail(error: unknown): void
  /** Nobody waits any more; `isRunning` if a function whose signal is aborted may still bring a value. */
  abandon(isRunning: boolean): void
  /** That function came to an end without a value. */
  endedLate(): void
  /** What was kept does not hold any more: what the step did is undone. */
  forget(run: Claimant): void
}

/** Keeps results in this process's memory. */
export class CacheKeeper implements ClaimKeeper {
  readonly #cache: ResultCache
  readonly #key: string

  constructor(cache: ResultCache, key: string) {
    this.#cache = cache
    this.#key = key
  }

  commit(run: Claimant, made: unknown): unknown {
    // One that is kept already (an earlier attempt was late) has been seen by others: it holds.
    const earlier = this.#cache.peek(run.persist!, this.#key, run.execution.clock.lifetime())
    if (earlier !== undefined) return earlier.value
    try {
      this.#set(run, made)
    } catch (error) {
      throw placed(error, run, 'result')
    }
    return made
  }

  commitLate(run: Claimant, value: unknown): void {
    if (this.#cache.peek(run.persist!, this.#key, run.execution.clock.lifetime()) !== undefined) return
    try {
      this.#set(run, value)
    } catch {
      // What can't be kept is dropped: the step has ended, and nothing is left that could report it.
    }
  }

  fail(): void {}
  abandon(): void {}
  endedLate(): void {}

  forget(run: Claimant): void {
    this.#cache.delete(run.persist!, this.#key)
  }

  #set(run: Claimant, value: unknown): void {
    this.#cache.set(run.persist!, this.#key, value, run.execution.clock.lifetime())
  }
}

/** Keeps results in a store that processes share. */
export class SharedKeeper implements ClaimKeeper {
  readonly #shared: SharedResults
  /** What the store granted; undefined before, and where the step runs without its store. */
  right: ResultRight | undefined = undefined
  /** What an attempt brought after its timeout: it holds, whatever later ones bring. */
  #late: Promise<unknown> | undefined = undefined

  constructor(shared: SharedResults) {
    this.#shared = shared
  }

  async commit(run: Claimant, made: unknown): Promise<unknown> {
    const right = this.#take()
    if (right === undefined) return this.#late?.catch(() => made) ?? made
    try {
      return await this.#shared.commit(run, right, made)
    } catch (error) {
      this.#shared.release(right)
      if (run.persist!.onStoreError === 'run' && !(error instanceof SerializationError)) {
        run.storeFailed('keep', error)
        return made
      }
      throw placed(error, run, 'result')
    }
  }

  commitLate(run: Claimant, value: unknown): void {
    const right = this.#take()
    if (right === undefined) return
    this.#late = this.#shared.commit(run, right, value)
    this.#late.catch(() => this.#shared.release(right))
  }

  fail(error: unknown): void {
    const right = this.#take()
    if (right !== undefined) this.#shared.fail(right, error)
  }

  abandon(isRunning: boolean): void {
    if (this.right === undefined) return
    if (isRunning) this.#shared.releaseLater(this.right)
    else this.#shared.release(this.#take()!)
  }

  endedLate(): void {
    const right = this.#take()
    if (right !== undefined) this.#shared.release(right)
  }

  /** What others share is not undone: `graph` refuses `compensate` there. */
  forget(): void {}

  #take(): ResultRight | undefined {
    const { right } = this
    this.right = undefined
    return right
  }
}

/** The error, with the step whose value could not be kept. What it keeps while it runs may be made of anything that it takes. */
export function placed(
  error: unknown,
  run: Pick<Claimant, 'planStep' | 'step' | 'attempt'> & { readonly execution: { readonly place: ErrorPlace } },
  what: 'inputs' | 'result' | 'state',
): unknown {
  if (!(error instanceof SerializationError) || error.step === run.step) return error
  const { place } = run.execution
  const { spec } = run.planStep
  const cause = withoutSensitiveParts(
    error,
    what === 'result'
      ? isSensitiveType(spec.output)
      : what === 'state'
        ? touchesSensitiveTypes(spec)
        : isSensitivePortOf(spec),
  ) as SerializationError
  // Of other kinds, and where it can be undone, it is on record whatever `persist` says.
  const otherwise = spec.kind === 'step' && spec.compensate === undefined ? '. Or take `persist` off the step' : ''
  return new SerializationError(
    `the ${what} of step "${run.step}" can't be remembered: ${cause.message}${otherwise}`,
    { ...place, step: run.step, attempt: run.attempt },
    { cause },
  )
}
