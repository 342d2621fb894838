import { LeaseLostError } from '../../core/errors.ts'
import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import type { UndoView } from '../../runtime/execution/execution-view.ts'
import type { Effect } from '../../runtime/execution/effects.ts'
import { attemptsUntilUndone } from '../../runtime/execution/past-attempts.ts'
import type { StepState } from '../../runtime/execution/step-state.ts'
import type { StepRun } from '../../runtime/execution/step-run.ts'
import { sleep } from '../../runtime/environment/clock.ts'
import { placed } from '../../runtime/results/claim-keeper.ts'
import { patienceOf, pauseAfter } from '../../runtime/store-access/store-patience.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import {
  failingRecordOf,
  inputsRecordOf,
  uncertainRecordOf,
  undoIdentity,
  undoneRecordsOf,
  undoRecordOf,
} from '../records/undo-records.ts'
import { placeOf } from '../records/step-place.ts'
import type { KeptHistory, StepPlace } from '../records/undo-records.ts'
import { encodeAttempts } from '../records/attempt-history.ts'
import { itemOf } from './record-of-run.ts'
import type { ExecutionCommits, Written } from './execution-commits.ts'
import type { OwnershipRight } from './ownership-right.ts'
import { SuspectAttempts } from './suspect-attempts.ts'
import { errorCodeOf } from '../records/error-code.ts'

/** The step that is undone, and whether it has failed. */
type UndoneEffect = Pick<Effect, 'step' | 'hasFailed'>

/** Where the right to write is lost the execution is undone elsewhere: then it never resolves. */
export function unlessLost(written: Promise<void>): Promise<void> {
  return written.catch((refusal: unknown) => {
    if (refusal instanceof LeaseLostError) return new Promise<never>(() => {})
    throw refusal
  })
}

/** What is noted of steps that have `compensate`: what they were given, before they begin, and how far what they did is undone. */
export class UndoNotes {
  readonly #connection: StoreConnection
  readonly #right: OwnershipRight
  readonly #commits: ExecutionCommits
  /** Steps that are called here, or about to be, and have no value yet. */
  readonly #begun = new Set<string>()
  /** Attempts to undo steps that are under way here. */
  readonly #running = new Map<string, readonly [StepPlace, UndoView]>()
  /** Whether a step has begun here that may have to be undone. */
  haveBegun = false
  readonly #suspects: SuspectAttempts

  constructor(connection: StoreConnection, right: OwnershipRight, commits: ExecutionCommits) {
    this.#connection = connection
    this.#right = right
    this.#commits = commits
    this.#suspects = new SuspectAttempts(connection.clock)
  }

  /** Resolves once it is on record what the attempt is given, and whether an earlier one is uncertain. Rejects where that can't be written. */
  async begins(run: StepRun): Promise<void> {
    const { clock } = this.#connection
    const { step } = run
    const place = { step, item: itemOf(run) }
    this.haveBegun = true
    const inputs = await this.#inputsOf(run, place)
    const isUncertain = run.execution.effects?.of(step)?.isUncertain === true
    const steps = [inputsRecordOf(place, inputs), ...(isUncertain ? [uncertainRecordOf(place)] : [])]
    await this.#commits.write({ steps, step, until: clock.elapsed() + patienceOf(run.planStep.spec) })
    // Before that it is not called: whoever hands it over knows that it has done nothing.
    this.#begun.add(placeOf(place))
  }

  async #inputsOf(run: StepRun, place: StepPlace): Promise<StoredValue> {
    try {
      return await this.#connection.encoding.encode(run.inputs, undoIdentity(this.#right.id, place, 'inputs'))
    } catch (error) {
      throw placed(error, run, 'inputs')
    }
  }

  /** The step has a value, which is on record. */
  made(run: StepRun): void {
    if (this.#begun.size > 0) this.#begun.delete(placeOf({ step: run.step, item: itemOf(run) }))
  }

  /** Of attempts that are given up here nobody knows what they did; attempts to undo a step, which are given up here too, were none. */
  givenUp(records: readonly StepRecord[]): readonly StepRecord[] {
    const uncertain = records.filter((record) => this.#begun.has(placeOf(record))).map(uncertainRecordOf)
    const takenBack = [...this.#running.values()].map(([place, view]) =>
      undoRecordOf(place, { ...view, status: 'retrying', attempt: view.attempt - 1 }, undefined),
    )
    return [...uncertain, ...takenBack]
  }

  /** Resolves once it is on record that the execution ends so, and is undone first. Rejects where the right to write is lost. */
  async compensating(error: unknown): Promise<void> {
    await this.#untilWritten(async (isBare) => ({
      steps: [],
      head: {
        status: 'compensating',
        error: isBare ? undefined : await this.#encoded(error, ['execution', this.#right.id, 'error']),
        errorCode: errorCodeOf(error),
        ownedMs: this.#commits.ownedMs,
      },
    }))
  }

  /** Resolves once it is on record that an item of a batch fails so, and is undone first. Rejects where the right to write is lost. */
  async itemFailing(error: unknown, place: StepPlace): Promise<void> {
    await this.#untilWritten(async (isBare) => {
      const identity = ['step', this.#right.id, place.step, place.item, 'error']
      const record = failingRecordOf(place, isBare ? undefined : await this.#encoded(error, identity))
      this.#commits.follow(record)
      return { steps: [record] }
    })
  }

  /** Resolves once it is on record how far a step is undone. Of one that `hasFailed` there is no result that would count: its record stays, with what it failed of. */
  undo(place: StepPlace, view: UndoView, undoings: number, { step, hasFailed }: UndoneEffect): Promise<void> {
    const note = (): Promise<void> => this.#undo(place, view, undoings, hasFailed ? undefined : step)
    if (view.status !== 'running') {
      this.#running.delete(placeOf(place))
      return note()
    }
    this.#running.set(placeOf(place), [place, view])
    return this.#right.recoveries > 0 ? this.#suspects.begin(note) : note()
  }

  #undo(place: StepPlace, view: UndoView, undoings: number, replaced: StepState | undefined): Promise<void> {
    const written = this.#untilWritten(async (isBare) => {
      const hasError = view.error !== undefined && !isBare
      const error = hasError ? await this.#encoded(view.error, undoIdentity(this.#right.id, place, 'error')) : undefined
      const { endedAt } = view
      const isKept = replaced !== undefined && endedAt !== undefined && !isBare
      const record = undoRecordOf(place, view, error, isKept ? await this.#historyOf(place, replaced) : undefined)
      const [dropped, count] = endedAt === undefined ? [] : undoneRecordsOf(place, undoings + 1, endedAt)
      return { steps: [record, replaced && dropped, count].filter((one) => one !== undefined) }
    })
    return unlessLost(written)
  }

  async #historyOf(place: StepPlace, step: StepState): Promise<KeptHistory> {
    const { encoding } = this.#connection
    const { id, owner } = this.#right
    const attempts = attemptsUntilUndone(step, owner)
    const identity = undoIdentity(id, place, 'attempts')
    return {
      attempts: attempts.length === 0 ? undefined : await encodeAttempts(attempts, identity, encoding),
      queuedAt: step.extras?.queuedAt,
    }
  }

  /** Tries for as long as it takes; without the error, which the store may refuse, every other time. Rejects where the right to write is lost. */
  async #untilWritten(what: (isBare: boolean) => Promise<Written>): Promise<void> {
    const { clock } = this.#connection
    for (let tries = 0; ; tries++) {
      try {
        await this.#commits.write(await what(tries % 2 === 1))
        return
      } catch (refusal) {
        if (refusal instanceof LeaseLostError) throw refusal
        if (tries % 2 === 1) await sleep(clock, pauseAfter(tries), { unref: true })
      }
    }
  }

  /** Undefined where a codec fails: the fact is written all the same. */
  async #encoded(error: unknown, identity: readonly string[]): Promise<StoredValue | undefined> {
    try {
      return await this.#connection.encoding.encodeError(error, identity)
    } catch {
      return undefined
    }
  }
}
