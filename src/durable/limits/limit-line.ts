import { StoreError } from '../../core/errors.ts'
import type { ConcurrencySpec, RateSpec } from '../../core/graph/graph-index.ts'
import type { SharedWrite } from '../../core/contracts/shared-state.ts'
import { outsideCalls } from '../../runtime/environment/async-context.ts'
import { sleep } from '../../runtime/environment/clock.ts'
import { fireAfter } from '../../runtime/environment/timers.ts'
import type { Timer } from '../../runtime/environment/timers.ts'
import { allAnswers } from '../../runtime/store-access/all-answers.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import { judgeLimit } from './limit-state.ts'
import type { LimitDeclaration, LimitPlace, LimitState, LimitTurn, LimitVerdict } from './limit-state.ts'
import { stateOf } from './stored-state.ts'
import { inMicrotask } from '../../core/in-microtask.ts'

const firstPauseMs = 50
const pauseGrowth = 1.5
const mostBackoffMs = 64
/** Nobody is shown to others of more than so many that wait: those that have waited longest. */
const mostShown = 100
/** As long as a call that was given up may still be under way. */
const lookAfterMs = 30_000

/** What waits in a line, or has been let in. */
export interface Waiting {
  readonly execution: string
  readonly item: string
  /** By the store's time; undefined before it has looked. */
  since: number | undefined
  /** The process as which it has entered the store's line. */
  owner?: string
  /** Whether it knows that it has to wait. */
  isKnown?: boolean
  granted(): void
  waits(since: number): void
  failed(error: unknown): void
}

/** What a line is made of. */
export interface LineParts {
  readonly connection: StoreConnection
  /** What it is found by in the store, and what people call it. */
  readonly id: string
  readonly name: string
  readonly randomId: () => string
  readonly random: () => number
  /** When this docket's declarations count as made. */
  readonly declaredAt: () => number
  /** Another declaration holds. */
  readonly onOverruled: (own: LimitDeclaration, by: LimitDeclaration) => void
  /** Nothing of this process is in it any more. */
  readonly onEmpty: () => void
}

/** What of this process waits for one limit, or has a slot of it. One look at the store is for all of it. */
export class LimitLine {
  readonly #parts: LineParts
  /** In the order of coming; after the first look, of waiting. */
  #waiting: Waiting[] = []
  readonly #leaving: LimitPlace[] = []
  readonly #held = new Set<Waiting>()
  #isLooking = false
  #mustLookAgain = false
  #timer: Timer | undefined
  #pauseMs = firstPauseMs
  /** When a write was given up whose answer was lost, in steady time: it may still arrive, and give a place to what has left since. */
  #uncertainSince: number | undefined
  #spec: ConcurrencySpec | RateSpec | undefined
  /** What holds in its place, as another process has declared it. */
  #overruledBy: LimitDeclaration | undefined
  /** What this process wrote last: most likely it is still there. */
  #written: { readonly token: string; readonly state: LimitState | undefined } | undefined

  constructor(parts: LineParts) {
    this.#parts = parts
  }

  get isEmpty(): boolean {
    const hasNobody = this.#waiting.length === 0 && this.#held.size === 0 && this.#leaving.length === 0
    return hasNobody && this.#uncertainSince === undefined
  }

  /** How many may have a slot, as far as this process knows. */
  get limit(): number {
    return (this.#overruledBy ?? this.#spec!).limit
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** What a step here declares of it. */
  declare(spec: ConcurrencySpec | RateSpec): void {
    this.#spec = spec
  }

  /** Waits in line. One that has waited since before others stands before them. */
  enter(waiting: Waiting): void {
    const { since } = waiting
    const isBehind = since === undefined && this.#waiting[0]?.since !== undefined
    const place =
      since === undefined ? -1 : this.#waiting.findIndex((one) => one.since === undefined || one.since > since)
    if (place === -1) this.#waiting.push(waiting)
    else this.#waiting.splice(place, 0, waiting)
    if (isBehind) {
      // Before those that wait already go on, there is nothing to be seen for it.
      waiting.since = this.#parts.connection.clock.now()
      inMicrotask(() => this.#waiting.includes(waiting) && this.#reportWait(waiting))
    } else this.look()
  }

  #reportWait(waiting: Waiting): void {
    waiting.isKnown = true
    waiting.waits(waiting.since!)
  }

  /** Gives back what it has, or waits no more. */
  leave(waiting: Waiting): void {
    const { execution, item, owner = this.#parts.connection.session.owner } = waiting
    const place = this.#waiting.indexOf(waiting)
    if (place !== -1) this.#waiting.splice(place, 1)
    else if (!this.#held.delete(waiting)) return
    this.#leaving.push({ execution, item, owner })
    this.look()
  }

  /** Gives back what a write has got that was given up, once it can't be under way any more. */
  lookIfUncertain(): void {
    if (this.#isUncertain) this.look()
  }

  get #isUncertain(): boolean {
    const since = this.#uncertainSince
    return since !== undefined && this.#parts.connection.clock.elapsed() - since >= lookAfterMs
  }

  /** Something may have changed. */
  look(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#mustLookAgain = true
    if (this.#isLooking) return
    this.#isLooking = true
    void outsideCalls.run(() => this.#lookAgain())
  }

  async #lookAgain(): Promise<void> {
    // What one turn has to say goes together.
    await Promise.resolve()
    let readyAt: number | undefined
    try {
      while (this.#mustLookAgain && !this.#parts.connection.isClosed) {
        this.#mustLookAgain = false
        readyAt = await this.#look()
      }
    } catch (error) {
      this.#failed(error)
    } finally {
      this.#isLooking = false
    }
    if (this.isEmpty) this.#parts.onEmpty()
    else this.#arm(readyAt)
  }

  /** The store is away: what waits goes on waiting. What it refuses for good, those that wait hear of. */
  #failed(error: unknown): void {
    if (this.#parts.connection.isClosed || (error instanceof StoreError && error.isTransient)) return
    this.#parts.connection.failures.report(`looking at ${this.#parts.name}`, error)
    for (const waiting of this.#waiting.splice(0)) waiting.failed(error)
  }

  #arm(readyAt: number | undefined): void {
    const { connection, random } = this.#parts
    if (connection.isClosed || (this.#waiting.length === 0 && this.#leaving.length === 0)) return
    const longestMs = connection.hasHints ? 2_000 : 500
    const pauseMs = this.#pauseMs * (0.8 + 0.4 * random())
    this.#pauseMs = Math.min(this.#pauseMs * pauseGrowth, longestMs)
    const dueMs =
      readyAt === undefined ? pauseMs : Math.min(longestMs, Math.max(1, Math.ceil(readyAt - connection.clock.now())))
    this.#timer = outsideCalls.run(() => fireAfter(connection.clock, dueMs, () => this.look()))
  }

  /** One look: gives when the first that waits may begin, where that is known. */
  async #look(): Promise<number | undefined> {
    const { connection, id, name, randomId, random } = this.#parts
    const { session } = connection
    await connection.ready()
    let refusals = 0
    for (let isFresh = false; ; isFresh = true) {
      const declared = this.#declared
      const shown = this.#waiting.slice(
        0,
        Math.min(mostShown, Math.max(1, declared.perMs === undefined ? declared.limit : declared.burst)),
      )
      const leaving = [...this.#leaving]
      const isUncertain = this.#isUncertain
      if (shown.length === 0 && leaving.length === 0 && !isUncertain) return undefined
      for (const waiting of shown) waiting.owner = session.owner
      // The time counts for a rate, and so for whoever waits long.
      const known = isFresh || isUncertain || declared.perMs !== undefined ? undefined : this.#written
      const { token, state, now } = known === undefined ? await this.#read() : { ...known, now: connection.clock.now() }
      const turn = {
        owner: session.owner,
        declared,
        isHere: this.#lookUp(shown),
        leaving,
        waiting: shown,
        dead: noOwners,
        now,
      }
      let verdict = judgeLimit(state, turn)
      if (verdict.outcomes.some(({ isGranted }) => !isGranted)) {
        // It may have changed, and owners may have died.
        if (known !== undefined) continue
        const dead = await this.#deadOf(state, session.owner)
        if (dead.size > 0) verdict = judgeLimit(state, { ...turn, dead })
      }
      const written = { token: randomId(), state: verdict.state }
      if (!isSame(state, verdict.state)) {
        const write = {
          key: id,
          name,
          was: token,
          token: written.token,
          state: textOf(verdict.state),
          frees: verdict.frees,
        }
        if (!(await this.#write(write))) {
          this.#written = undefined
          // Of many processes that write at once, one does each time: not all of them at the same moment again.
          if (++refusals > 2)
            await sleep(connection.clock, random() * Math.min(2 ** refusals, mostBackoffMs), { unref: true })
          continue
        }
        this.#written = verdict.state === undefined ? undefined : { token: written.token, state: verdict.state }
      } else this.#written = undefined
      if (isUncertain) this.#uncertainSince = undefined
      // What has come meanwhile stands behind: very many may leave at once.
      this.#leaving.splice(0, leaving.length)
      this.#settle(shown, turn, verdict)
      return verdict.readyAt
    }
  }

  /**
   * By the attempt, whether it has got in, or is shown. What is in the store of one that waits behind others was given to what had its name before: these would wait for
   * that slot, and it for them.
   */
  #lookUp(shown: readonly Waiting[]): LimitTurn['isHere'] {
    const here = new Set([...this.#held, ...shown].map(attemptOf))
    return (attempt) => here.has(attemptOf(attempt))
  }

  async #write(write: SharedWrite): Promise<boolean> {
    const { store, clock } = this.#parts.connection
    try {
      const [isWritten] = allAnswers(store, 'writeShared', [write], await store.writeShared([write]))
      return isWritten === true
    } catch (error) {
      this.#written = undefined
      if (error instanceof StoreError && error.isTransient) this.#uncertainSince = clock.elapsed()
      throw error
    }
  }

  #settle(
    shown: readonly Waiting[],
    { declared, now }: Pick<LimitTurn, 'declared' | 'now'>,
    { outcomes, overruledBy }: LimitVerdict,
  ): void {
    this.#overruledBy = overruledBy
    if (overruledBy !== undefined) this.#parts.onOverruled(declared, overruledBy)
    const stays = new Set(this.#waiting)
    const granted = new Set(shown.filter((_, index) => outcomes[index]!.isGranted))
    this.#waiting = this.#waiting.filter((one) => !granted.has(one))
    if (granted.size > 0) {
      this.#pauseMs = firstPauseMs
      // Those behind them may have room too.
      if (granted.size === shown.length && this.#waiting.length > 0) this.#mustLookAgain = true
    }
    for (const [index, waiting] of shown.entries()) {
      waiting.since = outcomes[index]!.since
      if (stays.has(waiting) && granted.has(waiting) && declared.perMs === undefined) this.#held.add(waiting)
    }
    // Those that are not shown wait behind those that are.
    for (const waiting of this.#waiting.filter(({ isKnown }) => isKnown !== true)) {
      waiting.since ??= now
      this.#reportWait(waiting)
    }
    // Each may give back at once what it has got.
    for (const waiting of granted) if (stays.has(waiting)) waiting.granted()
  }

  get #declared(): LimitDeclaration {
    const { limit, version, ...rate } = this.#spec!
    const of = 'perMs' in rate ? { perMs: rate.perMs, burst: rate.burst } : { perMs: undefined, burst: 1 }
    return { limit, version, at: this.#parts.declaredAt(), ...of }
  }

  async #read(): Promise<{ token: string | undefined; state: LimitState | undefined; now: number }> {
    const { connection, id } = this.#parts
    const { store } = connection
    const { now, states } = await store.readShared([id])
    const [found] = allAnswers(store, 'readShared', [id], states)
    return { token: found?.token, state: stateOf(found), now }
  }

  async #deadOf(state: LimitState | undefined, own: string): Promise<ReadonlySet<string>> {
    const { store } = this.#parts.connection
    const owners = [...new Set([...(state?.holders ?? []), ...(state?.waiters ?? [])].map(({ owner }) => owner))]
    const others = owners.filter((owner) => owner !== own)
    if (others.length === 0) return noOwners
    const known = allAnswers(store, 'readOwners', others, await store.readOwners(others))
    return new Set(others.filter((_, index) => known[index]?.isAlive !== true))
  }
}

function attemptOf({ execution, item }: Pick<LimitPlace, 'execution' | 'item'>): string {
  return `${execution.length} ${execution} ${item}`
}

const noOwners: ReadonlySet<string> = new Set()

function textOf(state: LimitState | undefined): string | undefined {
  return state === undefined ? undefined : JSON.stringify(state)
}

function isSame(one: LimitState | undefined, other: LimitState | undefined): boolean {
  return textOf(one) === textOf(other)
}
