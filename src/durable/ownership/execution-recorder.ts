import { LeaseLostError, SerializationError } from '../../core/errors.ts'
import { hasCause } from '../../core/thrown.ts'
import type { HeadChange, StepRecord } from '../../core/contracts/execution-record.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import type { StepStatus } from '../../core/contracts/statuses.ts'
import { placed } from '../../runtime/results/claim-keeper.ts'
import type { Recorder } from '../../runtime/execution/recorder.ts'
import type { StepRun } from '../../runtime/execution/step-run.ts'
import { patienceOf } from '../../runtime/store-access/store-patience.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import { OpenRecords } from './open-records.ts'
import { WritesUnderWay } from './writes-under-way.ts'
import { AnnouncedAttempts, firstAttemptOf, isRetriedAtOnce } from './announced-attempts.ts'
import { lostError } from './ownership-right.ts'
import { SuspectAttempts } from './suspect-attempts.ts'
import type { OwnershipRight } from './ownership-right.ts'
import { inputHashOf, itemOf, recordOfRun } from './record-of-run.ts'

/** A value that the execution goes on with, or ends with, or that came when its step had ended. */
type Kept = 'next' | 'last' | 'late'

/** Writes the records of one execution, under the epoch in which this process acquired it. */
export class ExecutionRecorder implements Recorder {
  readonly #connection: StoreConnection
  readonly #right: OwnershipRight
  readonly #since: number
  /** Called when a commit was refused: another process owns the execution, or it was deleted. */
  readonly #onLost: () => void
  /** The last note of a step. */
  readonly #noted = new WeakMap<StepRun, StepRecord>()
  readonly #suspects: SuspectAttempts
  readonly #announced = new AnnouncedAttempts()
  readonly #stragglers = new Set<StepRun>()
  readonly #open: OpenRecords
  readonly #underWay = new WritesUnderWay()
  /** Goes out with the next commit. */
  #pendingHead: HeadChange | undefined
  /** The step that ended last, where the execution forgets those that have ended. */
  lastForgotten: StepRun | undefined
  #endKept = false
  #hasProgress = false
  #hasEndWritten = false
  #isOff = false
  #hasStoppedNotes = false
  /** The last message that takes effect with the end. */
  #consumedByEnd: number | undefined

  /** `open`: the records of steps that have not ended, as an earlier life left them. */
  constructor(connection: StoreConnection, right: OwnershipRight, open: readonly StepRecord[], onLost: () => void) {
    this.#connection = connection
    this.#right = right
    this.#open = new OpenRecords(open)
    this.#suspects = new SuspectAttempts(connection.clock)
    this.#since = connection.clock.elapsed()
    this.#onLost = onLost
  }

  /** These steps were recorded with the execution, as begun. */
  begunWith(records: readonly StepRecord[]): void {
    this.#announced.begunWith(records)
    this.#expect(records)
  }

  /** These are about to begin: where the execution ends before, nothing was tried. */
  #expect(records: readonly StepRecord[]): void {
    for (const record of records) this.#open.add({ ...record, attempt: 0, startedAt: undefined })
  }

  /** Whether functions run on although their signals are aborted. */
  get hasStragglers(): boolean {
    return this.#stragglers.size > 0
  }
  get isIdle(): boolean {
    return this.#underWay.isIdle
  }

  /** Resolves when no value is on its way, and all notes are. */
  idle(): Promise<void> {
    return this.#underWay.idle()
  }

  /** Writes nothing any more. */
  turnOff(): void {
    this.#isOff = true
  }

  /** Nothing is noted any more of how steps fare; what was on its way is. */
  stopNotes(): void {
    this.#hasStoppedNotes = true
  }

  /** Gives the execution up; set once the docket closes. */
  giveUp: (() => void) | undefined

  /**
   * What needs the docket, and fails because it is closed, has not failed: it goes on where the execution does.
   */
  handsOverInstead(error: unknown): boolean {
    if (this.giveUp === undefined || !hasCause(error, 'DOCKET_CLOSED')) return false
    this.giveUp()
    return true
  }

  /** Called when the last straggler is done. */
  onLastStraggler: () => void = () => {}

  persist(run: StepRun, value: unknown, status: 'completed' | 'cached'): Promise<unknown> {
    return run.persisting ?? run.markPersisting(this.#persist(run, value, status))
  }

  persistLate(run: StepRun, value: unknown): void {
    if (run.persisting === undefined)
      run.markPersisting(
        this.#save(run, value, 'completed', 'late').then(
          () => {
            this.#underWay.arrived()
            return value
          },
          (error: unknown) => {
            this.#underWay.arrived()
            run.markPersisting(undefined)
            throw error
          },
        ),
      )
    run.persisting?.catch(() => {}).finally(() => this.endedLate(run))
  }

  noteStarted(run: StepRun): Promise<void> | undefined {
    // A process that slept through the end of its lease must not do now what others may be doing.
    const { session } = this.#connection
    const isHeld = session.owner === this.#right.owner && session.holds()
    if (isHeld === true) return this.#noteBegun(run)
    if (isHeld !== false) return isHeld.then((isStillHeld) => (isStillHeld ? this.#noteBegun(run) : this.#lose()))
    this.#lose()
    return undefined
  }

  #noteBegun(run: StepRun): Promise<void> | undefined {
    // Only a step that is tried again counts its attempts: for it, a death must not be forgotten.
    if (run.persist === undefined || run.planStep.spec.maxAttempts === 1) return undefined
    const announced = this.#announced.take(run, itemOf(run))
    if (announced !== undefined && run.attempt === 1)
      this.#open.add(firstAttemptOf(run.planStep, itemOf(run), run.startedAt!))
    const note = (): Promise<void> => this.#note(run, 'running', undefined)
    const isSuspect = this.#right.recoveries > 0 && (run.attempt > 1 || !this.#hasProgress)
    const noted = announced !== undefined ? announced.noted : isSuspect ? this.#suspects.begin(note) : note()
    return noted?.catch((error: unknown) => {
      if (error instanceof LeaseLostError || run.persist?.onStoreError !== 'run') throw error
      run.storeFailed('keep', error)
    })
  }

  noteRetry(run: StepRun, error: unknown): void {
    if (!isRetriedAtOnce(run)) void this.#note(run, 'retrying', error)
    else this.#announced.add(run, itemOf(run), this.#note(run, 'running', undefined, run.attempt + 1))
  }

  noteFailed(run: StepRun, error: unknown): void {
    if (!(error instanceof LeaseLostError)) void this.#note(run, 'failed', error)
  }

  forgotten(run: StepRun): void {
    this.lastForgotten = run
  }

  noteCancelled(run: StepRun, reason: unknown): void {
    // Only of a step that is tried again it is written that it runs. What its last attempt failed with is kept.
    if (run.planStep.spec.maxAttempts > 1 && !(reason instanceof LeaseLostError))
      void this.#note(run, 'cancelled', run.error)
  }

  end(output: unknown): Promise<void> | undefined {
    return this.#endKept || this.#isOff ? undefined : this.#end(output)
  }

  straggles(run: StepRun): void {
    this.#stragglers.add(run)
  }

  endedLate(run: StepRun): void {
    if (this.#stragglers.delete(run) && this.#stragglers.size === 0) this.onLastStraggler()
  }

  /** Writes records that are made elsewhere. */
  write(steps: readonly StepRecord[], head?: HeadChange): Promise<void> {
    return this.#commit(steps, head, Infinity, undefined)
  }

  /** Writes what changes of the execution itself, however long the store stays away: until then this process is its owner. */
  change(head: HeadChange): Promise<void> {
    return this.#commit([], head, Infinity, undefined)
  }

  /** Messages up to this one end the execution: they are consumed in the commit that does. */
  consumeWithEnd(seq: number): void {
    this.#consumedByEnd = Math.max(seq, this.#consumedByEnd ?? 0)
  }

  /** The message is of no effect, and is read no more; not before those that came before it. */
  consume(seq: number): void {
    if (this.#consumedByEnd !== undefined && !this.#hasEndWritten) this.consumeWithEnd(seq)
    else this.#commit([], {}, Infinity, undefined, seq).catch(() => {})
  }

  /** Records of the attempts that run here, as they are where the execution is given up: its next owner begins them under the same numbers. */
  givenUp(): readonly StepRecord[] {
    return this.#open.givenUp(this.#connection.clock.now())
  }

  /** Changes that nothing waits for: with the next commit. */
  amend(head: HeadChange): void {
    this.#pendingHead = { ...this.#pendingHead, ...head }
  }

  /** The input hash of a step, for comparisons; undefined where the inputs have no canonical form. */
  inputHashOf(run: StepRun): string | undefined {
    return inputHashOf(run, this.#connection.encoding)
  }

  /** Writes how long the execution has been owned, where a timeout counts that. */
  writeOwnedMs(): void {
    if (this.#right.timeoutMs !== undefined) this.change({ ownedMs: this.ownedMs }).catch(() => {})
  }

  /** How long processes have owned the execution. */
  get ownedMs(): number {
    return this.#right.ownedMs + Math.max(0, this.#connection.clock.elapsed() - this.#since)
  }

  #persist(run: StepRun, value: unknown, status: 'completed' | 'cached'): Promise<unknown> {
    const { execution } = run
    const isTheEnd = execution.endsWith(run)
    if (isTheEnd) execution.holdOutcome(true)
    return this.#save(run, value, status, isTheEnd ? 'last' : 'next').then(
      () => {
        this.#underWay.arrived()
        if (isTheEnd) this.#endKept = true
        this.#hasProgress = true
        return value
      },
      (error: unknown) => {
        this.#underWay.arrived()
        if (isTheEnd) execution.holdOutcome(false)
        return this.#goOn(run, value, error)
      },
    )
  }

  /** Goes on with a value that could not be kept, where the step's policy says so. */
  #goOn(run: StepRun, value: unknown, error: unknown): unknown {
    const isFinal = error instanceof SerializationError || error instanceof LeaseLostError
    if (isFinal || run.persist?.onStoreError !== 'run') {
      run.markPersisting(undefined)
      throw placed(error, run, 'result')
    }
    run.storeFailed('keep', error)
    return value
  }

  /**
   * Writes a step's value; the last one as the execution's output too, the next one with the attempts that it leads to. It counts as under way until `arrived` is called. Not an
   * async function: where no codec takes its time, its turns of the microtask queue were a tenth of a step's cost.
   */
  #save(run: StepRun, value: unknown, status: 'completed' | 'cached', which: Kept): Promise<void> {
    this.#underWay.begin()
    try {
      const encoded = this.#connection.encoding.encode(value, this.#identityOf(run, 'output'))
      if (which !== 'last' && !(encoded instanceof Promise)) return this.#write(run, status, encoded, which)
      const ending = which === 'last' ? this.#ending(value) : undefined
      return Promise.all([encoded, ending]).then(([output, head]) => this.#write(run, status, output, which, head))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #write(run: StepRun, status: StepStatus, output: StoredValue, which: Kept, head?: HeadChange): Promise<void> {
    const at = this.#connection.clock.now()
    const record = recordOfRun(run, status, this.inputHashOf(run), {
      output,
      error: undefined,
      endedAt: at,
      dueAt: undefined,
    })
    const until = this.#connection.clock.elapsed() + patienceOf(run.planStep.spec)
    const begun = which === 'next' ? this.#announced.ledToBy(run, itemOf(run), at) : []
    this.#expect(begun)
    const written = this.#commit([record, ...begun], head, until, run, undefined, at)
    if (which === 'next') written.catch(() => this.#announced.revoke(run, begun))
    return written
  }

  async #end(output: unknown): Promise<void> {
    this.#underWay.begin()
    try {
      await this.change(await this.#ending(output))
      this.#endKept = true
    } finally {
      this.#underWay.arrived()
    }
  }

  async #ending(value: unknown): Promise<HeadChange> {
    // Encoded once more, as what it is here: no value can be moved to another place.
    const output = await this.#outputOf(value)
    await this.#underWay.encoded()
    return {
      status: 'completed',
      output,
      error: undefined,
      endedAt: this.#connection.clock.now(),
      ownedMs: this.ownedMs,
      isReleased: true,
    }
  }

  async #outputOf(value: unknown): Promise<StoredValue> {
    const { id } = this.#right
    try {
      return await this.#connection.encoding.encode(value, ['execution', id, 'output'])
    } catch (error) {
      if (!(error instanceof SerializationError)) throw error
      const message = `the output of execution "${id}" can't be remembered: ${error.message}`
      throw new SerializationError(message, { executionId: id }, { cause: error })
    }
  }

  #note(run: StepRun, status: StepStatus, error: unknown, attempt = run.attempt): Promise<void> {
    // What an earlier attempt brought late holds, whatever becomes of this one.
    if (this.#isOff || this.#hasStoppedNotes || run.persisting !== undefined) return Promise.resolve()
    const hasEnded = status === 'failed' || status === 'cancelled'
    const endedAt = hasEnded ? this.#connection.clock.now() : undefined
    const dueAt = status === 'retrying' ? run.dueAt : undefined
    const noted = {
      ...recordOfRun(run, status, this.inputHashOf(run), { output: undefined, error: undefined, endedAt, dueAt }),
      attempt,
    }
    this.#noted.set(run, noted)
    const write = async (stored: StoredValue | undefined): Promise<void> => {
      // While a codec took its time, the step may have gone on: what was noted or kept of it since then holds.
      if (this.#noted.get(run) !== noted || run.persisting !== undefined) return
      const record = { ...noted, error: stored }
      this.#open.add(record)
      await this.#commit([record], undefined, this.#connection.clock.elapsed() + patienceOf(run.planStep.spec), run)
    }
    const stored =
      error === undefined ? undefined : this.#connection.encoding.encodeError(error, this.#identityOf(run, 'error'))
    const written = stored instanceof Promise ? stored.then(write) : write(stored)
    if (stored instanceof Promise) void this.#underWay.whileEncoding(stored)
    // Most are not awaited.
    written.catch(() => {})
    return written
  }

  #identityOf(run: StepRun, field: 'output' | 'error'): readonly string[] {
    return ['step', this.#right.id, run.step, itemOf(run), field]
  }

  #commit(
    steps: readonly StepRecord[],
    head: HeadChange | undefined,
    until: number,
    run: StepRun | undefined,
    consumed?: number,
    at = this.#connection.clock.now(),
  ): Promise<void> {
    const { session, commits } = this.#connection
    session.noticeBlocked()
    if (this.#isOff) return Promise.reject(lostError(this.#right, run?.step))
    const { id, owner, epoch, timeoutMs, recoveries } = this.#right
    let change = this.#pendingHead === undefined ? head : { ...this.#pendingHead, ...head }
    this.#pendingHead = undefined
    // What a process did that lived long enough to do it counts against the suspicion that this execution kills them.
    if (recoveries > 0 && !this.#hasProgress && steps.some(({ status }) => status === 'completed'))
      change = { ...change, recoveries: 0 }
    if (timeoutMs !== undefined && change?.ownedMs === undefined) change = { ...change, ownedMs: this.ownedMs }
    const isEnd = change?.status !== undefined && isTerminal(change.status)
    const records = isEnd ? [...this.#open.closed(at, steps), ...steps] : steps
    const seq = isEnd ? this.#consumedByEnd : consumed
    const commit = { id, owner, epoch, at, steps: records, head: change, consumed: seq }
    return commits.add(commit, until).then((isKept) => {
      if (isKept) {
        this.#open.written(records)
        if (isEnd) this.#hasEndWritten = true
        return
      }
      this.#lose()
      throw lostError(this.#right, run?.step)
    })
  }

  #lose(): void {
    if (this.#isOff) return
    this.#isOff = true
    this.#onLost()
  }
}
