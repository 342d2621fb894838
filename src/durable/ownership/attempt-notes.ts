import { LeaseLostError } from '../../core/errors.ts'
import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { StepStatus } from '../../core/contracts/statuses.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import { placed } from '../../runtime/results/claim-keeper.ts'
import type { StepRun } from '../../runtime/execution/step-run.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import { patienceOf } from '../../runtime/store-access/store-patience.ts'
import { AnnouncedAttempts, firstAttemptOf, isRetriedAtOnce } from './announced-attempts.ts'
import type { ExecutionCommits } from './execution-commits.ts'
import { mayBegin } from './may-begin.ts'
import type { OwnershipRight } from './ownership-right.ts'
import { attemptsOfRun } from './attempts-of-run.ts'
import { identityOf, inputHashOf, itemOf, recordOfRun } from './record-of-run.ts'
import { storedQueue } from '../records/queued-since.ts'
import type { StoredQueue } from '../records/queued-since.ts'
import type { AwaitedLimit } from '../../runtime/steps/shared-limits.ts'
import { storedKey } from '../records/awaited-key.ts'
import { storedState } from '../records/kept-state.ts'
import { SuspectAttempts } from './suspect-attempts.ts'
import type { WritesUnderWay } from './writes-under-way.ts'
import { isPromise } from '../../core/own-promise.ts'

/** What is noted of the steps of one execution while they have no value: that an attempt runs, waits for the next, has failed. */
export class AttemptNotes {
  readonly #connection: StoreConnection
  readonly #right: OwnershipRight
  readonly #commits: ExecutionCommits
  readonly #underWay: WritesUnderWay
  /** The last note of a step. */
  readonly #noted = new WeakMap<StepRun, StepRecord>()
  /** What steps' work is at that is on its way, with the messages that have led to it. */
  readonly #keeping = new WeakMap<StepRun, { readonly state: unknown; readonly taken: readonly number[] }>()
  readonly #suspects: SuspectAttempts
  readonly #announced = new AnnouncedAttempts()
  /** Notes of what won races. */
  readonly #decisions = new WeakMap<StepRun, Promise<void>>()
  #hasStopped = false

  constructor(connection: StoreConnection, right: OwnershipRight, commits: ExecutionCommits, underWay: WritesUnderWay) {
    this.#connection = connection
    this.#right = right
    this.#commits = commits
    this.#underWay = underWay
    this.#suspects = new SuspectAttempts(connection.clock)
  }

  /** Nothing is noted any more; what was on its way is. */
  stop(): void {
    this.#hasStopped = true
  }

  /** These steps were recorded with the execution, as begun. */
  begunWith(records: readonly StepRecord[]): void {
    this.#announced.begunWith(records)
    this.#commits.expect(records)
  }

  /** Records of the attempts that begin once this value is kept; it is on its way from now on. */
  ledToBy(run: StepRun, at: number): readonly StepRecord[] {
    const begun = this.#announced.ledToBy(run, itemOf(run), at)
    this.#commits.expect(begun)
    return begun
  }

  /** The value could not be kept, and so what was recorded with it is not on record. */
  revoke(run: StepRun, begun: readonly StepRecord[]): void {
    this.#announced.revoke(run, begun)
  }

  started(run: StepRun): Promise<void> | undefined {
    const isHeld = this.mayBegin()
    // Meanwhile it may have ended, with its execution: a note that it runs would come after that.
    if (isPromise(isHeld))
      return isHeld.then((isStillHeld) => (isStillHeld && !run.hasEnded ? this.#begun(run) : undefined))
    return isHeld ? this.#begun(run) : undefined
  }

  mayBegin(): boolean | Promise<boolean> {
    return mayBegin(this.#connection, this.#commits)
  }

  #begun(run: StepRun): Promise<void> | undefined {
    // Only a step that is tried again counts its attempts: for it, a death must not be forgotten. What won a race is on record before its
    // function runs: what that does must not be done again for another winner.
    const { maxAttempts, passesOn, compensate } = run.planStep.spec
    const isDecision = run.first !== undefined && !passesOn
    if (run.persist === undefined || (maxAttempts === 1 && !isDecision && compensate === undefined)) return undefined
    const announced = this.#announced.take(run, itemOf(run))
    if (announced !== undefined && run.attempt === 1)
      this.#commits.follow(firstAttemptOf(run.planStep, itemOf(run), run.startedAt!))
    const note = (): Promise<void> => this.#note(run, 'running', undefined, maxAttempts === 1 ? 0 : run.attempt)
    const isSuspect = this.#right.recoveries > 0 && (run.attempt > 1 || !this.#commits.hasProgress)
    // While it waited for its turn, it may have ended.
    const noteInTurn = (): Promise<void> => (run.hasEnded ? Promise.resolve() : note())
    const noted = announced !== undefined ? announced.noted : isSuspect ? this.#suspects.begin(noteInTurn) : note()
    if (isDecision && noted !== undefined) this.#decisions.set(run, noted)
    return noted?.catch((error: unknown) => {
      if (error instanceof LeaseLostError || run.persist?.onStoreError !== 'run') throw error
      run.storeFailed('keep', error)
    })
  }

  /** Resolves once it is on record what won a race, also where its function waits for a slot. */
  async decided(run: StepRun): Promise<void> {
    // What was decided in this turn begins in it.
    await Promise.resolve()
    if (run.persisting !== undefined) await run.persisting
    else if (run.attempt === 0 && !run.hasEnded) await this.#note(run, 'running', undefined)
    else await this.#decisions.get(run)
  }

  retried(run: StepRun, error: unknown): void {
    if (!isRetriedAtOnce(run)) void this.#note(run, 'retrying', error)
    else this.#announced.add(run, itemOf(run), this.#note(run, 'running', undefined, run.attempt + 1))
  }

  /** What a step's work is at. By `waitsUntil` it waits then. */
  state(run: StepRun, state: unknown, waitsUntil: { readonly dueAt: number | undefined } | undefined): Promise<void> {
    return this.#note(run, waitsUntil === undefined ? 'running' : 'waiting', undefined, run.attempt, {
      state,
      dueAt: waitsUntil?.dueAt,
    })
  }

  waiting(run: StepRun): void {
    // That it waits is on record with what it is at.
    if (run.heldState !== undefined) return
    void this.#note(run, 'waiting', undefined)
  }

  /** It waits for limits that all processes share. */
  queued(run: StepRun, since: number, limits: readonly AwaitedLimit[]): void {
    // What has won a race stays on record.
    if (run.first !== undefined || run.heldState !== undefined) return
    void this.#note(
      run,
      'queued',
      undefined,
      run.attempt,
      { state: undefined, dueAt: undefined },
      storedQueue(since, limits),
    )
  }

  failed(run: StepRun, error: unknown): void {
    // That this execution is lost says nothing of the step; that another one was lost, as a child, does.
    const isLost = error instanceof LeaseLostError && error.executionId === this.#right.id
    if (!isLost) void this.#note(run, 'failed', error)
  }

  skipped(run: StepRun, error: unknown): void {
    void this.#note(run, 'skipped', error)
  }

  /** `isByEnd`: its execution, or its item, has ended: it goes out with that. */
  cancelled(run: StepRun, reason: unknown, isByEnd: boolean): void {
    const { compensate, maxAttempts, kind } = run.planStep.spec
    // What may have to be undone, or to be cancelled elsewhere, stays as it is until that is done or the execution ends: whoever goes on must know that it began.
    if (reason instanceof LeaseLostError || compensate !== undefined || kind === 'remote') return
    // Of most steps that are tried once nothing is on record before their value. What the last attempt failed with is kept.
    // A codec may still be at work on a note.
    const isNoted = this.#noted.has(run) || this.#commits.isOpen({ step: run.step, item: itemOf(run) })
    const isOnRecord = maxAttempts > 1 || isNoted
    if (!isOnRecord) return
    const note = (): void => {
      const at = { state: run.heldState, dueAt: undefined, isByEnd }
      void this.#note(run, 'cancelled', run.error, run.attempt, at)
    }
    // Whoever slept through the end of its lease writes nothing of the race by which others were stopped: then they go on, as what they are at.
    const isHeld = isByEnd || this.mayBegin()
    if (isHeld === true) note()
    else if (isHeld !== false)
      void this.#underWay.whileEncoding(isHeld.then((isStillHeld) => (isStillHeld ? note() : undefined)))
  }

  /** `at`: what the step's work is at, where that is what is noted. */
  #note(
    run: StepRun,
    status: StepStatus,
    error: unknown,
    attempt = run.attempt,
    at: { readonly state: unknown; readonly dueAt: number | undefined; readonly isByEnd?: boolean } = {
      state: run.heldState,
      dueAt: run.dueAt,
    },
    queue?: StoredQueue,
  ): Promise<void> {
    // What an earlier attempt brought late holds, whatever becomes of this one.
    if (this.#commits.isOff || this.#hasStopped || run.persisting !== undefined) return Promise.resolve()
    const { clock, encoding } = this.#connection
    const hasEnded = status === 'failed' || status === 'skipped' || status === 'cancelled'
    const endedAt = hasEnded ? clock.now() : undefined
    const dueAt = status === 'retrying' || status === 'waiting' ? at.dueAt : undefined
    const noted: StepRecord = {
      ...recordOfRun(run, status, inputHashOf(run, encoding), {
        output: undefined,
        error: undefined,
        endedAt,
        dueAt,
        attempts: undefined,
      }),
      attempt,
    }
    this.#noted.set(run, noted)
    // Whether what it is at gets there is not known yet: if not, this takes the messages along that have led to it.
    const kept = hasEnded ? this.#keeping.get(run) : undefined
    const consumed = kept !== undefined && kept.state === at.state && kept.taken.length > 0 ? kept.taken : undefined
    const write = async (
      stored: StoredValue | undefined,
      output: StoredValue | undefined,
      attempts: StoredValue | undefined,
    ): Promise<void> => {
      // While a codec took its time, the step may have gone on: what was noted or kept of it since then holds.
      if (this.#noted.get(run) !== noted || run.persisting !== undefined) return
      const record = { ...noted, error: stored, output, attempts }
      this.#commits.follow(record, at.isByEnd)
      if (at.isByEnd === true) return
      const isKept = !hasEnded && at.state !== undefined
      const keeping = isKept ? { state: at.state, taken: this.#commits.takenBy(record.step, record.item) } : undefined
      const written = this.#commits.write({
        steps: [record],
        consumed,
        until: clock.elapsed() + patienceOf(run.planStep.spec),
        step: run.step,
      })
      // What is written next comes after it, and must not take the step back to where it was before: what led to this is consumed.
      const before = run.heldState
      if (at.state !== before) run.more.keptState = at.state
      if (keeping !== undefined) this.#keeping.set(run, keeping)
      try {
        await written
      } catch (thrown) {
        if (run.heldState === at.state) run.more.keptState = before
        throw thrown
      } finally {
        if (keeping !== undefined && this.#keeping.get(run) === keeping) this.#keeping.delete(run)
      }
    }
    const stored =
      error === undefined ? undefined : encoding.encodeError(error, identityOf(this.#right.id, run, 'error'))
    const first = this.#notedOf(run, status, at.state, queue)
    const history = attemptsOfRun(run, this.#right.id, encoding, this.#right.owner, attempt)
    const isLater = [stored, first, history].some((value) => isPromise(value))
    const all = isLater ? Promise.all([stored, first, history]) : undefined
    const written =
      all === undefined
        ? write(stored as StoredValue, first as StoredValue, history as StoredValue)
        : all.then(([error, output, attempts]) => write(error, output, attempts))
    if (all !== undefined) void this.#underWay.whileEncoding(all)
    // Most are not awaited.
    written.catch(() => {})
    return written
  }

  /**
   * What came first, of a race that is decided, the key of the event that is waited for, or what the work is at: it stands in the place of the value until
   * there is one.
   */
  #notedOf(
    run: StepRun,
    status: StepStatus,
    state: unknown,
    queue: StoredQueue | undefined,
  ): StoredValue | undefined | Promise<StoredValue | undefined> {
    const { first, awaitedKey } = run
    if (
      queue === undefined &&
      first === undefined &&
      state === undefined &&
      (awaitedKey === undefined || status !== 'waiting')
    )
      return undefined
    const noted =
      queue !== undefined
        ? queue
        : state !== undefined
          ? storedState(state)
          : first === undefined
            ? storedKey(awaitedKey!)
            : { ...first }
    try {
      return this.#connection.encoding.encode(noted, identityOf(this.#right.id, run, 'output'))
    } catch (error) {
      return Promise.reject(placed(error, run, 'state') as Error)
    }
  }
}
