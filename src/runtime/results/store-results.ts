import { requireLength } from '../../core/check-length.ts'
import { LeaseLostError } from '../../core/errors.ts'
import type { PersistSpec } from '../../core/graph/graph-index.ts'
import type { Store } from '../../core/contracts/store.ts'
import type { ResultClaim, ResultState } from '../../core/contracts/result-record.ts'
import { createValueEncoding } from '../../core/values/value-encoding.ts'
import { KeyedListeners } from '../collections/keyed-listeners.ts'
import { fullClockOf } from '../environment/clock.ts'
import { randomId } from '../environment/ids.ts'
import { ShortLivedMap } from '../collections/short-lived-map.ts'
import { provideStoreResults } from './loaded-results.ts'
import type { ClaimUnderWay, Found, ResultRight, SharedResults } from './shared-results.ts'
import type { Claimant } from './claimant.ts'
import { allAnswers } from '../store-access/all-answers.ts'
import { CallBatcher } from '../store-access/call-batcher.ts'
import { StoreConnection } from '../store-access/store-connection.ts'
import { markAsLook, unref } from '../environment/long-timeout.ts'
import { patienceMs, patienceOf } from '../store-access/store-patience.ts'

const firstPollMs = 10
const longestPollMs = 250
const longestPollWithHintsMs = 1_000

/** Global results in a store: one computation over all processes, whose outcome all callers share. */
export class StoreResults implements SharedResults {
  readonly claims = new ShortLivedMap<ClaimUnderWay>()
  readonly #connection: StoreConnection
  readonly #waiting = new KeyedListeners<undefined>()
  /** Epochs of the rights that this process knows it has. */
  readonly #rights = new Map<string, number>()
  readonly #claims: CallBatcher<ResultClaim, ResultState>
  readonly #onUnreturned: (error: unknown) => void

  constructor(connection: StoreConnection) {
    this.#connection = connection
    this.#onUnreturned = connection.failures.of('giving back the right to make a result')
    const { store } = connection
    this.#claims = new CallBatcher(
      async (claims) => allAnswers(store, 'claimResults', claims, await store.claimResults(claims)),
      {
        ...connection.batching,
        lockedError: ({ key }) => connection.lockedError(`result "${key}"`),
        onError: (_, claims) => this.#markUncertain(claims),
      },
    )
    connection.listen((hint) => {
      if (hint.type === 'result') this.#waiting.call(hint.key, undefined)
    })
  }

  async find(
    run: Claimant,
    key: string,
    formerKeys: (() => readonly string[]) | undefined,
    isWaiting: () => boolean,
  ): Promise<Found> {
    await this.#connection.readyBy(this.#deadline(run))
    const stored = this.#connection.encoding.resultKey(key)
    // A codec of the user's may have made it.
    requireLength(this.#connection.store, 'resultKey', `step "${run.step}": the key of its result`, stored)
    const found = await this.#find(run, stored, isWaiting)
    if (found.type !== 'right' || formerKeys === undefined) return found
    try {
      const former = await this.#findFormer(run, formerKeys(), isWaiting)
      if (former === undefined) return found
      await this.#carryOver(run, found.right, former)
      return former
    } catch (error) {
      this.release(found.right)
      throw error
    }
  }

  /** What is remembered under former keys; a process of an older version that makes it now is waited for. */
  async #findFormer(
    run: Claimant,
    formerKeys: readonly string[],
    isWaiting: () => boolean,
  ): Promise<Found | undefined> {
    const keys = formerKeys.map((key) => this.#connection.encoding.resultKey(key))
    const until = this.#deadline(run)
    const states = await Promise.all(keys.map((key) => this.#connection.lookups.add(key, until)))
    for (const [index, state] of states.entries()) {
      if (state?.status === 'completed') return this.#foundFrom(state, keys[index]!, false)
      if (state?.status !== 'running') continue
      const found = await this.#wait(run, keys[index]!, state.epoch, isWaiting)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Keeps a result under its present key too, where that makes it hold no longer than it was to hold. */
  async #carryOver(run: Claimant, right: ResultRight, former: Found): Promise<void> {
    try {
      if (former.type === 'value' && run.persist!.ttlMs === undefined) await this.commit(run, right, former.value)
      else this.release(right)
    } catch {
      // It is remembered where it was.
      this.release(right)
    }
  }

  async commit(run: Claimant, right: ResultRight, value: unknown): Promise<unknown> {
    const { encoding, clock, resultCommits } = this.#connection
    const output = await encoding.encode(value, ['result', right.key])
    const { ttlMs } = run.persist!
    const until = this.#deadline(run)
    let held = right
    try {
      for (;;) {
        const at = clock.now()
        const isKept = await resultCommits.add({ ...held, at, outcome: { status: 'completed', output, ttlMs } }, until)
        this.#drop(held)
        if (isKept) return value
        // Somebody else took over, or an answer was lost: what is there now holds.
        const found = await this.#find(run, right.key, () => true)
        if (found.type === 'value') return found.value
        if (found.type === 'failure') throw this.#lostBy(run, found.error)
        held = found.right
      }
    } catch (error) {
      if (held !== right) this.release(held)
      throw error
    }
  }

  fail(right: ResultRight, error: unknown): void {
    void this.#fail(right, error)
  }

  async purge(limit: number): Promise<number> {
    return this.#connection.isOpen ? this.#connection.store.purgeResults(limit) : 0
  }

  release(right: ResultRight): void {
    this.#end(right, { status: 'released' })
  }

  releaseLater(right: ResultRight): void {
    const { clock, session } = this.#connection
    unref(clock.setTimeout(() => this.release(right), session.leaseMs))
  }

  async #find(run: Claimant, key: string, isWaiting: () => boolean): Promise<Found> {
    const claim = { key, ...identityOf(run), at: this.#connection.clock.now() }
    let awaited: number | undefined
    for (;;) {
      await this.#connection.readyBy(this.#deadline(run))
      const { owner } = this.#connection.session
      const state = await this.#claim({ ...claim, owner }, this.#deadline(run))
      if (state.status === 'claimed') return { type: 'right', right: { key, owner, epoch: state.epoch } }
      if (state.status === 'running') {
        awaited = state.epoch
        const found = await this.#wait(run, key, awaited, isWaiting)
        if (found !== undefined) return found
        continue
      }
      return this.#foundFrom(state, key, awaited !== undefined)
    }
  }

  async #claim(claim: ResultClaim, until: number): Promise<ResultState> {
    try {
      const state = await this.#claims.add(claim, until)
      if (state.status === 'claimed') this.#rights.set(claim.key, state.epoch)
      return state
    } catch (error) {
      void this.#giveUnknownBack(claim).catch(this.#onUnreturned)
      throw error
    }
  }

  /** The store may have given rights that nobody here knows of, or give them when the call arrives after all. */
  #markUncertain(claims: readonly ResultClaim[]): void {
    const look = (): void => {
      for (const claim of claims) void this.#giveUnknownBack(claim).catch(this.#onUnreturned)
    }
    unref(this.#connection.clock.setTimeout(look, patienceMs))
  }

  /** Ends a claim whose answer did not reach this process: others would wait for it for as long as this process lives. */
  async #giveUnknownBack({ key, owner }: Pick<ResultClaim, 'key' | 'owner'>): Promise<void> {
    const { lookups, resultCommits, session, clock } = this.#connection
    const isIdle = (): boolean => owner === session.owner && !this.#rights.has(key)
    if (!isIdle()) return
    const state = await lookups.add(key, clock.elapsed() + patienceMs)
    if (state?.status !== 'running' || !isIdle()) return
    const at = clock.now()
    const outcome = { status: 'released' } as const
    await resultCommits.add({ key, owner, epoch: state.epoch, at, outcome }, Infinity)
  }

  async #fail(right: ResultRight, error: unknown): Promise<void> {
    try {
      const stored = await this.#connection.encoding.encodeError(error, ['result', right.key, 'error'])
      this.#end(right, { status: 'failed', error: stored })
    } catch (unstorable) {
      // A codec that fails: others make the result anew.
      this.#connection.failures.report(`writing what result "${right.key}" failed with`, unstorable)
      this.release(right)
    }
  }

  #drop({ key, epoch }: ResultRight): void {
    if (this.#rights.get(key) === epoch) this.#rights.delete(key)
  }

  /** Waits until the claim of another process has ended; undefined where it ended with nothing, so that this one may claim. */
  async #wait(run: Claimant, key: string, epoch: number, isWaiting: () => boolean): Promise<Found | undefined> {
    for (let pauseMs = firstPollMs; ; pauseMs = Math.min(pauseMs * 2, this.#longestPause)) {
      await this.#pause(key, pauseMs)
      if (!isWaiting()) return { type: 'failure', error: undefined }
      const state = await this.#connection.lookups.add(key, this.#deadline(run))
      if (state === undefined || state.status === 'claimed') return undefined
      if (state.status === 'running') continue
      if (state.status === 'failed' && state.epoch < epoch) return undefined
      return this.#foundFrom(state, key, true)
    }
  }

  async #foundFrom(state: ResultState, key: string, isNew: boolean): Promise<Found> {
    const { encoding } = this.#connection
    if (state.status === 'completed')
      return { type: 'value', value: await encoding.decode(state.output, ['result', key]), isNew }
    const error = state.status === 'failed' ? state.error : undefined
    return {
      type: 'failure',
      error: error === undefined ? undefined : await encoding.decodeError(error, ['result', key, 'error']),
    }
  }

  get #longestPause(): number {
    return this.#connection.hasHints ? longestPollWithHintsMs : longestPollMs
  }

  #pause(key: string, ms: number): Promise<void> {
    const { clock } = this.#connection
    return new Promise((resolve) => {
      const done = (): void => {
        clock.clearTimeout(timer)
        unlisten()
        resolve()
      }
      const timer = clock.setTimeout(done, ms)
      markAsLook(timer)
      const unlisten = this.#waiting.add(key, done)
    })
  }

  #deadline(run: Claimant): number {
    return this.#connection.clock.elapsed() + patienceOf(run.planStep.spec)
  }

  #end(right: ResultRight, outcome: { status: 'released' } | { status: 'failed'; error: string | Uint8Array }): void {
    const { clock, resultCommits } = this.#connection
    this.#drop(right)
    // However long the store stays away: others wait for as long as this owner lives.
    resultCommits
      .add({ ...right, at: clock.now(), outcome }, Infinity)
      // A driver that repeats calls by itself may have claimed twice.
      .then((hasEnded) => (hasEnded ? undefined : this.#giveUnknownBack(right)))
      .catch(this.#connection.failures.of(`ending the claim of result "${right.key}"`))
  }

  #lostBy(run: Claimant, cause: unknown): LeaseLostError {
    return new LeaseLostError(
      `step "${run.step}" made a result, but was away for so long that another process took its place and failed`,
      { ...run.execution.place, step: run.step, attempt: run.attempt },
      { cause },
    )
  }
}

function identityOf(run: Claimant): Pick<ResultClaim, 'namespace' | 'step' | 'version' | 'type'> {
  const { spec } = run.planStep
  const persist: PersistSpec = run.persist!
  return { namespace: persist.namespace, step: spec.name, version: spec.version, type: spec.output.name }
}

function ignore(): void {}

/** The results of a step's own store, by this process: opened when the first step asks, for the user to close. */
export function storeResultsOf(store: Store): SharedResults {
  return new StoreResults(
    new StoreConnection({
      store,
      encoding: createValueEncoding({ format: store.format }),
      clock: fullClockOf(undefined),
      leaseMs: 5_000,
      name: 'process',
      randomId: () => randomId(undefined),
      random: Math.random,
      onLost: ignore,
      onBlocked: ignore,
    }),
  )
}

provideStoreResults(storeResultsOf)
