import { copyOf } from '../../core/values/copy.ts'
import type { PersistSpec } from '../../core/graph/graph-index.ts'
import { resultKey } from '../../core/values/keys.ts'
import { close, moveTo } from '../steps/attempt.ts'
import { CacheKeeper, placed, SharedKeeper } from './claim-keeper.ts'
import type { ClaimKeeper } from './claim-keeper.ts'
import { ShortLivedMap } from '../collections/short-lived-map.ts'
import { ResultCache } from './result-cache.ts'
import type { Found, SharedResults } from './shared-results.ts'
import type { StepRun } from '../execution/step-run.ts'

// Computations of results that this process's memory keeps, by the result's key.
const claims = new ShortLivedMap<Claim>()

/**
 * The key of a persisted step's result.
 * @throws SerializationError when the inputs have no canonical form
 */
export function resultKeyOf(
  { scope, family }: PersistSpec,
  inputs: unknown,
  execution: { readonly id: string; readonly setup: { readonly asked?: string | undefined } },
): string {
  if (scope === 'global') return resultKey(family, inputs)
  // One result per step and execution, whatever flows into it: an unpersisted step above that gives another value after
  // a failure must not charge the card again. The parts of a batch have only their inputs to tell them apart.
  const { id, setup } = execution
  return resultKey(family, setup.asked === undefined ? ['batch', id, inputs] : ['execute', id, setup.asked])
}

/**
 * The one computation of a key in this process. Its leader runs the step; equal calls wait as followers and share the
 * outcome. A leader that is cancelled hands over to a follower, together with the attempt that is running.
 */
export class Claim {
  readonly key: string
  readonly #underWay: ShortLivedMap<Claim>
  readonly #keeper: ClaimKeeper
  #leader: StepRun | undefined
  #followers = new Set<StepRun>()
  #isCommitting = false
  #isAsking = false

  private constructor(key: string, leader: StepRun, underWay: ShortLivedMap<Claim>, keeper: ClaimKeeper) {
    this.key = key
    this.#leader = leader
    this.#underWay = underWay
    this.#keeper = keeper
    underWay.set(key, this)
    leader.claim = this
  }

  /** Takes the result that is remembered, waits for who computes it, or becomes the one who does. */
  static request(run: StepRun, place: ResultCache | SharedResults): void {
    const { execution } = run
    let key: string
    let kept: { readonly value: unknown } | undefined
    try {
      key = resultKeyOf(run.persist!, run.inputs, execution)
      if (place instanceof ResultCache) kept = place.get(run.persist!, key, execution.clock.now())
    } catch (error) {
      run.failed(placed(error, run, 'inputs'), 'FAIL')
      return
    }
    if (kept !== undefined) {
      run.cached(kept.value, false)
      return
    }
    const underWay = place instanceof ResultCache ? claims : place.claims
    const existing = underWay.get(key)
    if (existing !== undefined) {
      run.claim = existing
      existing.#followers.add(run)
      return
    }
    if (place instanceof ResultCache) new Claim(key, run, underWay, new CacheKeeper(place, key)).#lead(run)
    else {
      const keeper = new SharedKeeper(place)
      new Claim(key, run, underWay, keeper).#ask(run, place, keeper)
    }
  }

  /** Asks a store for the result, or for the right to make it. */
  #ask(run: StepRun, shared: SharedResults, keeper: SharedKeeper): void {
    this.#isAsking = true
    shared
      .find(run, this.key, () => this.#leader !== undefined)
      .then(
        (found) => this.#found(found, shared, keeper),
        (error: unknown) => this.#notFound(error),
      )
  }

  #found(found: Found, shared: SharedResults, keeper: SharedKeeper): void {
    this.#isAsking = false
    const leader = this.#leader
    if (leader === undefined) {
      if (found.type === 'right') shared.release(found.right)
    } else if (found.type === 'right') {
      keeper.right = found.right
      this.#lead(leader)
    } else if (found.type === 'failure') {
      leader.failed(found.error, 'FAIL', undefined, 0)
    } else {
      this.#share(found.value)
      leader.cached(found.value, found.isNew)
    }
  }

  #notFound(error: unknown): void {
    this.#isAsking = false
    const leader = this.#leader
    if (leader === undefined) return
    const { execution } = leader
    if (leader.persist!.onStoreError === 'run') {
      execution.emitter?.storeFailed(leader, execution.clock.now(), 'find', error)
      this.#lead(leader)
    } else leader.failed(error, 'FAIL', undefined, 0)
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
    this.#isCommitting = true
    const agreed = this.#keeper.commit(run, made)
    if (!(agreed instanceof Promise)) {
      this.#share(agreed)
      return agreed
    }
    return agreed.then(
      (value: unknown) => {
        this.#share(value)
        return value
      },
      (error: unknown) => {
        this.#isCommitting = false
        // The leader may have gone meanwhile; who waits is told all the same.
        if (this.#leader === undefined) this.#shareFailure(error, run.attempt)
        throw error
      },
    )
  }

  /** Shares the leader's failure with all who wait; nothing is kept. */
  fail(run: StepRun, error: unknown): void {
    if (this.#leader !== run) return
    this.#keeper.fail(error)
    this.#shareFailure(error, run.attempt)
  }

  /** A run was cancelled: a follower just goes; a leader's attempt goes on if somebody waits for it. */
  leave(run: StepRun, reason: unknown): void {
    if (this.#leader !== run) {
      this.#followers.delete(run)
      return
    }
    if (this.#isCommitting) {
      this.#leader = undefined
      return
    }
    const next = this.#nextLeader()
    const attempt = run.current
    if (next === undefined) {
      this.#settle()
      this.#keeper.abandon(attempt !== undefined)
      if (attempt !== undefined) close(attempt, reason)
    } else if (attempt === undefined) {
      next.inherit(run)
      // While the store has not answered, whoever takes the place waits for the same answer.
      if (this.#isAsking) this.#leader = next
      else this.#lead(next)
    } else {
      this.#leader = next
      moveTo(attempt, next)
      next.slot = run.slot
      run.slot = undefined
      next.adopt(attempt.attempt)
    }
  }

  commitLate(run: StepRun, value: unknown): void {
    this.#keeper.commitLate(run, value)
  }

  endedLate(run: StepRun): void {
    if (this.#leader === undefined || this.#leader === run) this.#keeper.endedLate()
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

  #share(value: unknown): void {
    const followers = this.#settle()
    if (followers.size === 0) return
    const shared = copyOf(value)
    queueMicrotask(() => {
      for (const follower of followers)
        if (follower.claim === this && !follower.hasEnded) follower.cached(copyOf(shared), true)
    })
  }

  #shareFailure(error: unknown, attempts: number): void {
    const followers = this.#settle()
    queueMicrotask(() => {
      for (const follower of followers)
        if (follower.claim === this && !follower.hasEnded) follower.failed(error, 'FAIL', undefined, attempts)
    })
  }

  #settle(): ReadonlySet<StepRun> {
    this.#leader = undefined
    if (this.#underWay.get(this.key) === this) this.#underWay.delete(this.key)
    const followers = this.#followers
    this.#followers = new Set()
    return followers
  }
}
