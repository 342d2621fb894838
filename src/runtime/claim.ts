import { resultKey } from '../core/keys.ts'
import { SerializationError } from '../core/errors.ts'
import type { PersistSpec } from '../core/graph-index.ts'
import { copyOf } from '../core/copy.ts'
import { close, moveTo } from './attempt.ts'
import type { ResultCache } from './result-cache.ts'
import type { StepRun } from './step-run.ts'

// Computations under way in this process, by their result's key.
const claims = new Map<string, Claim>()

/**
 * The key of a persisted step's result.
 * @throws SerializationError when the inputs have no canonical form
 */
export function resultKeyOf(
  { scope, family }: PersistSpec,
  inputs: unknown,
  execution: { readonly id: string; readonly asked: string | undefined },
): string {
  if (scope === 'global') return resultKey(family, inputs)
  // One result per step and execution, whatever flows into it: an unpersisted step above that gives another value after
  // a failure must not charge the card again. The parts of a batch have only their inputs to tell them apart.
  const { id, asked } = execution
  return resultKey(family, asked === undefined ? ['batch', id, inputs] : ['execute', id, asked])
}

/**
 * The one computation of a key in this process. Its leader runs the step; equal calls wait as followers and share the
 * outcome. A leader that is cancelled hands over to a follower, together with the attempt that is running.
 */
export class Claim {
  readonly key: string
  readonly #cache: ResultCache
  #leader: StepRun | undefined
  #followers = new Set<StepRun>()

  private constructor(key: string, leader: StepRun, cache: ResultCache) {
    this.key = key
    this.#cache = cache
    this.#leader = leader
  }

  /** Takes the result from the cache, waits for who computes it, or becomes the one who does. */
  static request(run: StepRun, cache: ResultCache): void {
    const { execution } = run
    let key: string
    let kept: { readonly value: unknown } | undefined
    try {
      key = resultKeyOf(run.planStep.spec.persist!, run.inputs, execution)
      kept = cache.get(run.planStep.spec.persist!, key, execution.clock.now())
    } catch (error) {
      run.failed(placed(error, run, 'inputs'), 'FAIL')
      return
    }
    if (kept !== undefined) {
      run.cached(kept.value, false)
      return
    }
    const existing = claims.get(key)
    if (existing !== undefined) {
      run.claim = existing
      existing.#followers.add(run)
      return
    }
    const claim = new Claim(key, run, cache)
    claims.set(key, claim)
    claim.#lead(run)
  }

  #lead(run: StepRun): void {
    this.#leader = run
    run.claim = this
    run.execution.emitter?.cacheChecked(run, run.execution.clock.now(), 'cache.miss', false)
    run.proceed()
  }

  /**
   * Keeps the leader's result and gives it to all who wait. A result that is kept already (an earlier attempt was late) has
   * been seen by others: then that one is given back, and holds.
   * @throws SerializationError
   */
  commit(run: StepRun, made: unknown): unknown {
    if (this.#leader !== run) return made
    const earlier = this.#cache.peek(run.planStep.spec.persist!, this.key, run.execution.clock.now())
    const value = earlier === undefined ? made : earlier.value
    if (earlier === undefined) this.#keep(run, value)
    const followers = this.#settle()
    if (followers.size === 0) return value
    const shared = copyOf(value)
    queueMicrotask(() => {
      for (const follower of followers)
        if (follower.claim === this && !follower.hasEnded) follower.cached(copyOf(shared), true)
    })
    return value
  }

  /** Shares the leader's failure with all who wait; nothing is kept. */
  fail(run: StepRun, error: unknown): void {
    if (this.#leader !== run) return
    const followers = this.#settle()
    const attempts = run.attempt
    queueMicrotask(() => {
      for (const follower of followers)
        if (follower.claim === this && !follower.hasEnded) follower.failed(error, 'FAIL', undefined, attempts)
    })
  }

  /** A run was cancelled: a follower just goes; a leader's attempt goes on if somebody waits for it. */
  leave(run: StepRun, reason: unknown): void {
    if (this.#leader !== run) {
      this.#followers.delete(run)
      return
    }
    const next = this.#nextLeader()
    const attempt = run.current
    if (next === undefined) {
      this.#settle()
      if (attempt !== undefined) close(attempt, reason)
    } else if (attempt === undefined) {
      next.inherit(run)
      this.#lead(next)
    } else {
      this.#leader = next
      moveTo(attempt, next)
      next.slot = run.slot
      run.slot = undefined
      next.adopt(attempt.attempt)
    }
  }

  /** Takes the longest waiting follower; not one whose batch is ending too and will cancel it in a moment. */
  #nextLeader(): StepRun | undefined {
    for (const follower of this.#followers) {
      if (follower.execution.isOver) continue
      this.#followers.delete(follower)
      return follower
    }
    return undefined
  }

  /** Keeps what an attempt brought after its step had ended: the work is done, so nobody needs to do it again. */
  commitLate(run: StepRun, value: unknown): void {
    const { persist } = run.planStep.spec
    if (this.#cache.peek(persist!, this.key, run.execution.clock.now()) !== undefined) return
    try {
      this.#keep(run, value)
    } catch {
      // What can't be kept is dropped: the step has ended, and there is nobody left to tell.
    }
  }

  #keep(run: StepRun, value: unknown): void {
    try {
      this.#cache.set(run.planStep.spec.persist!, this.key, value, run.execution.clock.now())
    } catch (error) {
      throw placed(error, run, 'result')
    }
  }

  #settle(): ReadonlySet<StepRun> {
    this.#leader = undefined
    if (claims.get(this.key) === this) claims.delete(this.key)
    const followers = this.#followers
    this.#followers = new Set()
    return followers
  }
}

/** The error that tells besides whose value could not be kept. */
function placed(error: unknown, run: StepRun, what: 'inputs' | 'result'): unknown {
  if (!(error instanceof SerializationError)) return error
  const { place } = run.execution
  return new SerializationError(
    `the ${what} of step "${run.step}" can't be remembered: ${error.message}`,
    { ...place, step: run.step, attempt: run.attempt },
    { cause: error },
  )
}
