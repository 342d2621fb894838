import { LeaseLostError, SerializationError } from '../../core/errors.ts'
import { hasCause } from '../../core/thrown.ts'
import { isSensitiveType } from '../../core/graph/sensitivity.ts'
import type { AnyDataType } from '../../core/language/data-type.ts'
import { withoutSensitiveParts } from '../../core/values/plain-data.ts'
import type { HeadChange } from '../../core/contracts/execution-record.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import type { StepStatus } from '../../core/contracts/statuses.ts'
import { placed } from '../../runtime/results/claim-keeper.ts'
import type { Recorder, UndoneStep } from '../../runtime/execution/recorder.ts'
import type { AwaitedLimit } from '../../runtime/steps/shared-limits.ts'
import type { StepRun } from '../../runtime/execution/step-run.ts'
import { patienceOf } from '../../runtime/store-access/store-patience.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import { attemptsOfRun } from './attempts-of-run.ts'
import { AttemptNotes } from './attempt-notes.ts'
import type { Effect } from '../../runtime/execution/effects.ts'
import type { UndoView } from '../../runtime/execution/execution-view.ts'
import { UndoNotes, unlessLost } from './undo-notes.ts'
import type { ExecutionCommits } from './execution-commits.ts'
import type { OwnershipRight } from './ownership-right.ts'
import { identityOf, inputHashOf, recordOfRun } from './record-of-run.ts'
import { WritesUnderWay } from './writes-under-way.ts'
import { isPromise } from '../../core/own-promise.ts'

/** A value that the execution goes on with, or ends with, or that came when its step had ended. */
type Kept = 'next' | 'last' | 'late'

/** Keeps what the steps of one execution make, and its output. */
export class ExecutionRecorder implements Recorder {
  readonly commits: ExecutionCommits
  readonly notes: AttemptNotes
  readonly undoNotes: UndoNotes
  readonly owner: string
  readonly #connection: StoreConnection
  readonly #right: OwnershipRight
  readonly #target: AnyDataType
  readonly #stragglers = new Set<StepRun>()
  readonly #underWay = new WritesUnderWay()
  /** The step that ended last, where the execution forgets those that have ended. */
  lastForgotten: StepRun | undefined
  #endKept = false
  #failure: { readonly error: unknown } | undefined
  #notedEnding: Promise<void> | undefined
  /** Whether the end that releases it is on its way to the store, or there. */
  isEndUnderWay = false
  /** Called when that goes out. */
  onEndUnderWay: () => void = () => {}

  constructor(connection: StoreConnection, right: OwnershipRight, commits: ExecutionCommits, target: AnyDataType) {
    this.#connection = connection
    this.#right = right
    this.#target = target
    this.owner = right.owner
    this.commits = commits
    this.notes = new AttemptNotes(connection, right, commits, this.#underWay)
    this.undoNotes = new UndoNotes(connection, right, commits)
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

  /** Whether what the losers of races did may still have to be undone. */
  hasOpenLosses = (): boolean => false

  /** Whether the execution's output is written while its record stays open, for what the losers of its races did. */
  isLeftOpen = false

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
    const noted = this.notes.started(run)
    if (run.planStep.spec.compensate === undefined || this.commits.isOff) return noted
    return Promise.all([this.undoNotes.begins(run), noted]).then(() => {})
  }

  mayBegin(): boolean | Promise<boolean> {
    return this.notes.mayBegin()
  }

  noteRetry(run: StepRun, error: unknown): void {
    this.notes.retried(run, error)
  }

  noteWaiting(run: StepRun): void {
    this.notes.waiting(run)
  }

  noteQueued(run: StepRun, since: number, limits: readonly AwaitedLimit[]): void {
    this.notes.queued(run, since, limits)
  }

  async noteState(
    run: StepRun,
    state: unknown,
    waitsUntil: { readonly dueAt: number | undefined } | undefined,
  ): Promise<void> {
    try {
      await this.notes.state(run, state, waitsUntil)
    } catch (error) {
      throw placed(error, run, 'state')
    }
  }

  noteFailed(run: StepRun, error: unknown): void {
    this.notes.failed(run, error)
  }

  noteSkipped(run: StepRun, error: unknown): void {
    this.notes.skipped(run, error)
  }

  noteCancelled(run: StepRun, reason: unknown): void {
    this.notes.cancelled(run, reason, run.execution.hasEnded)
  }

  async noteDecided(race: StepRun): Promise<void> {
    // Where it can't be written, the race fails, and all is undone.
    await this.notes.decided(race).catch(() => {})
  }

  noteUndo(effect: Effect, view: UndoView, { itemKey = '', undoings }: UndoneStep): Promise<void> {
    return this.undoNotes.undo({ step: effect.spec.name, item: itemKey }, view, undoings, effect)
  }

  failing(error: unknown): void {
    this.#failure ??= { error }
  }

  noteFailing(): Promise<void> | undefined {
    return this.#failure === undefined ? undefined : this.#noteEnding(this.#failure.error)
  }

  noteCompensating(error: unknown, itemKey: string | undefined): Promise<void> {
    return unlessLost(itemKey === undefined ? this.#noteEnding(error) : this.#noteUndoing(error, itemKey))
  }

  /** Once is enough, of what ends with children and has something to undo. */
  #noteEnding(error: unknown): Promise<void> {
    return (this.#notedEnding ??= this.#noteUndoing(error, undefined))
  }

  async #noteUndoing(error: unknown, itemKey: string | undefined): Promise<void> {
    // What the end has stopped goes along.
    await this.#underWay.encoded()
    await this.noteUndoing(error, itemKey)
  }

  /** Resolves once it is on record that all of it is undone from now on. */
  protected noteUndoing(error: unknown, _itemKey: string | undefined): Promise<void> {
    return this.undoNotes.compensating(error)
  }

  forgotten(run: StepRun): void {
    this.lastForgotten = run
  }

  /** In an earlier life its output was written, and its record left open. */
  endKept(): void {
    this.#endKept = this.isLeftOpen = true
  }

  /** What the losers of its races did is undone, as far as it can be: nothing of it is left. */
  complete(): Promise<void> {
    const { clock } = this.#connection
    return this.commits.change({
      status: 'completed',
      endedAt: clock.now(),
      ownedMs: this.commits.ownedMs,
      isReleased: true,
    })
  }

  /** What is on its way to the store is the end of the execution, if `head` has one: follows one that releases it. */
  followEnd(head: HeadChange | undefined, written: Promise<void>): Promise<void> {
    if (head?.isReleased !== true) return written
    this.isEndUnderWay = true
    written.catch(() => {
      this.isEndUnderWay = false
    })
    this.onEndUnderWay()
    return written
  }

  end(output: unknown): Promise<void> | undefined {
    return this.#endKept || this.commits.isOff ? undefined : this.#end(output)
  }

  get parking(): Promise<boolean> | undefined {
    return this.commits.parking
  }

  endsAfter(work: Promise<unknown>): void {
    this.#underWay.begin()
    void Promise.allSettled([work]).then(() => this.#underWay.arrived())
  }

  endsWith(work: () => Promise<unknown>): void {
    const noted = this.noteFailing()
    this.endsAfter(noted === undefined ? work() : noted.then(work))
  }

  straggles(run: StepRun): void {
    this.#stragglers.add(run)
  }

  endedLate(run: StepRun): void {
    if (this.#stragglers.delete(run) && this.#stragglers.size === 0) this.onLastStraggler()
  }

  /** The input hash of a step, for comparisons; undefined where the inputs have no canonical form. */
  inputHashOf(run: StepRun): string | undefined {
    return inputHashOf(run, this.#connection.encoding)
  }

  #persist(run: StepRun, value: unknown, status: 'completed' | 'cached'): Promise<unknown> {
    const { execution } = run
    const isTheEnd = execution.endsWith(run)
    if (isTheEnd) execution.holdOutcome(true)
    return this.#save(run, value, status, isTheEnd ? 'last' : 'next').then(
      () => {
        this.#underWay.arrived()
        if (isTheEnd) this.#endKept = true
        this.commits.noteProgress()
        this.undoNotes.made(run)
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
      const encoded = this.#connection.encoding.encode(value, identityOf(this.#right.id, run, 'output'))
      const attempts = attemptsOfRun(run, this.#right.id, this.#connection.encoding, this.owner)
      const isLater = isPromise(encoded) || isPromise(attempts)
      if (which !== 'last' && !isLater) return this.#write(run, status, encoded, which, attempts)
      const ending = which === 'last' ? this.#ending(value) : undefined
      return Promise.all([encoded, attempts, ending]).then(([output, history, head]) =>
        this.#write(run, status, output, which, history, head),
      )
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #write(
    run: StepRun,
    status: StepStatus,
    output: StoredValue,
    which: Kept,
    attempts: StoredValue | undefined,
    head?: HeadChange,
  ): Promise<void> {
    const at = this.#connection.clock.now()
    const record = recordOfRun(run, status, this.inputHashOf(run), {
      output,
      error: undefined,
      endedAt: at,
      dueAt: undefined,
      attempts,
    })
    const until = this.#connection.clock.elapsed() + patienceOf(run.planStep.spec)
    const begun = which === 'next' ? this.notes.ledToBy(run, at) : []
    const written = this.commits.write({ steps: [record, ...begun], head, until, step: run.step, at })
    if (which === 'next') written.catch(() => this.notes.revoke(run, begun))
    return this.followEnd(head, written)
  }

  async #end(output: unknown): Promise<void> {
    this.#underWay.begin()
    try {
      const head = await this.#ending(output)
      await this.followEnd(head, this.commits.change(head))
      this.#endKept = true
    } finally {
      this.#underWay.arrived()
    }
  }

  async #ending(value: unknown): Promise<HeadChange> {
    // Encoded once more, as what it is here: no value can be moved to another place.
    const output = await this.#outputOf(value)
    await this.#underWay.encoded()
    this.isLeftOpen = this.hasOpenLosses()
    const noError = { error: undefined, errorCode: undefined }
    if (this.isLeftOpen) return { status: 'compensating', output, ...noError, ownedMs: this.commits.ownedMs }
    return {
      status: 'completed',
      output,
      ...noError,
      endedAt: this.#connection.clock.now(),
      ownedMs: this.commits.ownedMs,
      isReleased: true,
    }
  }

  async #outputOf(value: unknown): Promise<StoredValue> {
    const { id } = this.#right
    try {
      return await this.#connection.encoding.encode(value, ['execution', id, 'output'])
    } catch (error) {
      if (!(error instanceof SerializationError)) throw error
      const cause = withoutSensitiveParts(error, isSensitiveType(this.#target)) as SerializationError
      const message = `the output of execution "${id}" can't be remembered: ${cause.message}`
      throw new SerializationError(message, { executionId: id }, { cause })
    }
  }
}
