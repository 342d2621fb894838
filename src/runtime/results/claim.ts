import { copyOf } from '../../core/values/copy.ts'
import type { PersistSpec } from '../../core/graph/graph-index.ts'
import { resultKey } from '../../core/values/keys.ts'
import { DeadlockError } from '../../core/errors.ts'
import { stepsAround, wayRound } from '../environment/current-step.ts'
import { beginWait, cantEndBefore, endWait, mayCloseRing } from '../environment/open-waits.ts'
import { CacheKeeper, placed, SharedKeeper } from './claim-keeper.ts'
import type { ClaimKeeper } from './claim-keeper.ts'
import { ShortLivedMap } from '../collections/short-lived-map.ts'
import { ResultCache } from './result-cache.ts'
import type { ClaimUnderWay, Found, SharedResults } from './shared-results.ts'
import type { Claimant } from './claimant.ts'
import { isPromise } from '../../core/own-promise.ts'
import { inMicrotask } from '../../core/in-microtask.ts'

// Computations of results that this process's memory keeps, by the result's key.
const claims = new ShortLivedMap<ClaimUnderWay>()

/**
 * The key of a persisted step's result.
 * @throws SerializationError when the inputs have no canonical form
 */
export function resultKeyOf(
  { scope, family: present }: PersistSpec,
  inputs: unknown,
  execution: { readonly id: string; readonly setup: { readonly requestDigest?: string | undefined } },
  family = present,
): string {
  if (scope === 'global') return resultKey(family, inputs)
  // One result per step and execution, whatever flows into it: an unpersisted step above that gives another value after
  // a failure must not charge the card again. Only their inputs distinguish the parts of a batch.
  const { id, setup } = execution
  return resultKey(
    family,
    setup.requestDigest === undefined ? ['batch', id, inputs] : ['execute', id, setup.requestDigest],
  )
}

/** Keys under which a result may be remembered since before something got another name; undefined where nothing did. */
function formerKeysOf({ persist, inputs, execution }: Claimant): (() => readonly string[]) | undefined {
  const former = persist!.former
  if (former === undefined) return undefined
  return () => former.families.map((family) => resultKeyOf(persist!, inputs, execution, family))
}

/** What this process's memory has under a key or, since before something got another name, under a former one. */
function keptIn(cache: ResultCache, run: Claimant, key: string): { readonly value: unknown } | undefined {
  const { execution } = run
  const persist = run.persist!
  const now = execution.clock.lifetime()
  const kept = cache.get(persist, key, now)
  if (kept !== undefined || persist.former === undefined) return kept
  for (const family of persist.former.families) {
    const former = cache.get({ family }, resultKeyOf(persist, run.inputs, execution, family), now)
    if (former !== undefined) return former
  }
  return undefined
}

/**
 * The one computation of a key in this process. Its leader runs the step; equal calls wait as followers and share the
 * outcome. A leader that is cancelled hands over to a follower, together with the attempt that is running.
 */
export class Claim implements ClaimUnderWay {
  readonly key: string
  readonly #underWay: ShortLivedMap<ClaimUnderWay>
  readonly #keeper: ClaimKeeper
  #leader: Claimant | undefined
  #followers = new Set<Claimant>()
  #isCommitting = false
  #isAsking = false

  private constructor(key: string, leader: Claimant, underWay: ShortLivedMap<ClaimUnderWay>, keeper: ClaimKeeper) {
    this.key = key
    this.#leader = leader
    this.#underWay = underWay
    this.#keeper = keeper
    underWay.set(key, this)
    leader.claim = this
  }

  /** Takes the result that is remembered, waits for the step that computes it, or becomes the leader, which computes it. */
  static request(run: Claimant, place: ResultCache | SharedResults): void {
    const { execution } = run
    let key: string
    let kept: { readonly value: unknown } | undefined
    try {
      key = resultKeyOf(run.persist!, run.inputs, execution)
      if (place instanceof ResultCache) kept = keptIn(place, run, key)
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
      existing.join(run)
      return
    }
    if (place instanceof ResultCache) new Claim(key, run, underWay, new CacheKeeper(place, key)).#lead(run)
    else {
      const keeper = new SharedKeeper(place)
      new Claim(key, run, underWay, keeper).#ask(run, place, keeper)
    }
  }

  get leader(): Claimant | undefined {
    return this.#leader
  }

  join(run: Claimant): void {
    // Now that its own context is the current one: it is led on from here by others.
    void run.execution.context
    const { caller, id, place } = run.execution
    const [leader] = caller === undefined ? [] : stepsAround(caller, (one) => one === (this.#leader as unknown))
    if (leader !== undefined) {
      const way = wayRound(caller, leader, `step "${run.step}" (execution "${id}")`)
      const message = `step "${run.step}" waits for itself: ${way}, which needs the result that the first is making; call it with other inputs, or outside of the step`
      run.failed(new DeadlockError(message, { ...place, step: run.step }), 'FAIL', undefined, 0)
      return
    }
    run.claim = this
    this.#followers.add(run)
    if (mayCloseRing(run)) this.#requireNoRing(run)
  }

  /** The leader may wait, by a way round, for this very step. */
  #requireNoRing(run: Claimant): void {
    const ring = beginWait(run, {
      waiter: run,
      needs: (stuck) => this.#leader !== undefined && cantEndBefore(this.#leader, stuck),
      what: `needs the result that step "${this.#leader?.step}" (execution "${this.#leader?.execution.id}") is making`,
    })
    if (ring === undefined) return
    this.#followers.delete(run)
    run.claim = undefined
    const message = `step "${run.step}" waits for itself by way of others: ${ring}; call it with other inputs, or don't wait within the steps`
    run.failed(new DeadlockError(message, { ...run.execution.place, step: run.step }), 'FAIL', undefined, 0)
  }

  /** Asks a store for the result, or for the right to make it. */
  #ask(run: Claimant, shared: SharedResults, keeper: SharedKeeper): void {
    this.#isAsking = true
    void run.execution.context
    shared
      .find(run, this.key, formerKeysOf(run), () => this.#leader !== undefined)
      .then(
        // The leader may have handed over meanwhile.
        (found) => this.#inContext(() => this.#found(found, shared, keeper)),
        (error: unknown) => this.#inContext(() => this.#notFound(error)),
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
    if (leader.persist!.onStoreError === 'run') {
      leader.storeFailed('find', error)
      this.#lead(leader)
    } else leader.failed(error, 'FAIL', undefined, 0)
  }

  #lead(run: Claimant): void {
    this.#leader = run
    run.claim = this
    run.cacheMissed()
    run.proceed()
  }

  /**
   * Keeps the leader's result and gives it to all followers. A result that is kept already (an earlier attempt was late) has
   * been seen by others: then that one is given back, and holds.
   * @throws SerializationError
   */
  commit(run: Claimant, made: unknown): unknown {
    if (this.#leader !== run) return made
    this.#isCommitting = true
    const agreed = this.#keeper.commit(run, made)
    if (!isPromise(agreed)) {
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
        // The leader may have gone meanwhile; the followers are settled all the same.
        if (this.#leader === undefined) this.#shareFailure(error, run.attempt)
        throw error
      },
    )
  }

  /** Shares the leader's failure with all followers; nothing is kept. */
  fail(run: Claimant, error: unknown): void {
    if (this.#leader !== run) return
    this.#keeper.fail(error)
    this.#shareFailure(error, run.attempt)
  }

  /** A run was cancelled: a follower just goes; a leader's attempt goes on if somebody waits for it. */
  leave(run: Claimant, reason: unknown): void {
    if (this.#leader !== run) {
      this.#followers.delete(run)
      endWait(run)
      return
    }
    if (this.#isCommitting) {
      this.#leader = undefined
      return
    }
    const next = this.#nextLeader()
    if (next === undefined) {
      const { isWorking } = run
      this.#settle()
      this.#keeper.abandon(isWorking)
      if (isWorking) run.closeAttempt(reason)
    } else if (!run.isWorking) {
      next.inherit(run)
      // While the store has not answered, whoever takes the place waits for the same answer.
      if (this.#isAsking) this.#leader = next
      else next.execution.context.run(() => this.#lead(next))
    } else {
      this.#leader = next
      next.execution.context.run(() => run.handOverTo(next))
    }
  }

  commitLate(run: Claimant, value: unknown): void {
    this.#keeper.commitLate(run, value)
  }

  forget(run: Claimant): void {
    this.#keeper.forget(run)
  }

  endedLate(run: Claimant): void {
    if (this.#leader === undefined || this.#leader === run) this.#keeper.endedLate()
  }

  /** Takes the longest waiting follower; not one whose batch is ending too and will cancel it in a moment. */
  #nextLeader(): Claimant | undefined {
    for (const follower of this.#followers) {
      if (follower.execution.isOver) continue
      this.#followers.delete(follower)
      endWait(follower)
      return follower
    }
    return undefined
  }

  #share(value: unknown): void {
    const followers = this.#settle()
    if (followers.size === 0) return
    const shared = copyOf(value)
    inMicrotask(() => {
      for (const follower of followers)
        if (follower.claim === this && !follower.hasEnded)
          follower.execution.context.run(() => follower.cached(copyOf(shared), true))
    })
  }

  #shareFailure(error: unknown, attempts: number): void {
    const followers = this.#settle()
    inMicrotask(() => {
      for (const follower of followers)
        if (follower.claim === this && !follower.hasEnded)
          follower.execution.context.run(() => follower.failed(error, 'FAIL', undefined, attempts))
    })
  }

  #inContext(act: () => void): void {
    if (this.#leader === undefined) act()
    else this.#leader.execution.context.run(act)
  }

  #settle(): ReadonlySet<Claimant> {
    this.#leader = undefined
    if (this.#underWay.get(this.key) === this) this.#underWay.delete(this.key)
    const followers = this.#followers
    this.#followers = new Set()
    for (const follower of followers) endWait(follower)
    return followers
  }
}
