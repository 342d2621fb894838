import { LeaseLostError } from '../../core/errors.ts'
import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import type { Effect } from '../../runtime/execution/effects.ts'
import type { UndoView } from '../../runtime/execution/execution-view.ts'
import type { StepRun } from '../../runtime/execution/step-run.ts'
import { sleep } from '../../runtime/environment/clock.ts'
import { patienceOf, pauseAfter } from '../../runtime/store-access/store-patience.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import {
  inputsRecordOf,
  uncertainRecordOf,
  undoIdentity,
  undoneRecordsOf,
  undoRecordOf,
} from '../records/undo-records.ts'
import type { ExecutionCommits, Written } from './execution-commits.ts'
import type { OwnershipRight } from './ownership-right.ts'
import { SuspectAttempts } from './suspect-attempts.ts'

/** What is noted of steps that have `compensate`: what they were given, before they begin, and how far what they did is undone. */
export class UndoNotes {
  readonly #connection: StoreConnection
  readonly #right: OwnershipRight
  readonly #commits: ExecutionCommits
  /** How often steps were undone in earlier lives. */
  readonly #counts: ReadonlyMap<string, number>
  /** Steps that have begun here. */
  readonly #begun = new Set<string>()
  /** Attempts to undo steps that are under way here. */
  readonly #running = new Map<string, UndoView>()
  readonly #suspects: SuspectAttempts

  constructor(
    connection: StoreConnection,
    right: OwnershipRight,
    commits: ExecutionCommits,
    counts: ReadonlyMap<string, number> = new Map(),
  ) {
    this.#connection = connection
    this.#right = right
    this.#commits = commits
    this.#counts = counts
    this.#suspects = new SuspectAttempts(connection.clock)
  }

  /** Resolves once it is on record what the attempt is given, and whether an earlier one is uncertain. Rejects where that can't be written. */
  async begins(run: StepRun): Promise<void> {
    const { encoding, clock } = this.#connection
    const { step } = run
    this.#begun.add(step)
    const inputs = await encoding.encode(run.inputs, undoIdentity(this.#right.id, step, 'inputs'))
    const isUncertain = run.execution.effects?.of(step)?.isUncertain === true
    const steps = [inputsRecordOf(step, inputs), ...(isUncertain ? [uncertainRecordOf(step)] : [])]
    await this.#commits.write({ steps, step, until: clock.elapsed() + patienceOf(run.planStep.spec) })
  }

  /** Of attempts that are given up here nobody knows what they did; attempts to undo a step, which are given up here too, were none. */
  givenUp(records: readonly StepRecord[]): readonly StepRecord[] {
    const uncertain = records.filter(({ step }) => this.#begun.has(step)).map(({ step }) => uncertainRecordOf(step))
    const takenBack = [...this.#running].map(([step, view]) =>
      undoRecordOf(step, { ...view, status: 'retrying', attempt: view.attempt - 1 }, undefined),
    )
    return [...uncertain, ...takenBack]
  }

  /** Resolves once it is on record that the execution ends so, and is undone first. */
  async compensating(error: unknown): Promise<void> {
    await this.#untilWritten(async (isBare) => ({
      steps: [],
      head: {
        status: 'compensating',
        error: isBare ? undefined : await this.#encoded(error, ['execution', this.#right.id, 'error']),
        ownedMs: this.#commits.ownedMs,
      },
    }))
  }

  /** Resolves once it is on record how far a step is undone. */
  undo(effect: Effect, view: UndoView): Promise<void> {
    const note = (): Promise<void> => this.#undo(effect, view)
    if (view.status !== 'running') {
      this.#running.delete(effect.spec.name)
      return note()
    }
    this.#running.set(effect.spec.name, view)
    return this.#right.recoveries > 0 ? this.#suspects.begin(note) : note()
  }

  async #undo({ spec: { name } }: Effect, view: UndoView): Promise<void> {
    await this.#untilWritten(async (isBare) => {
      const hasError = view.error !== undefined && !isBare
      const error = hasError ? await this.#encoded(view.error, undoIdentity(this.#right.id, name, 'error')) : undefined
      const record = undoRecordOf(name, view, error)
      const { endedAt } = view
      const rest = endedAt === undefined ? [] : undoneRecordsOf(name, (this.#counts.get(name) ?? 0) + 1, endedAt)
      return { steps: [record, ...rest] }
    })
  }

  /**
   * Tries for as long as it takes; without the error, which the store may refuse, every other time. Where the right to write is lost the
   * execution is undone elsewhere: then it never resolves.
   */
  async #untilWritten(what: (isBare: boolean) => Promise<Written>): Promise<void> {
    const { clock } = this.#connection
    for (let tries = 0; ; tries++) {
      try {
        await this.#commits.write(await what(tries % 2 === 1))
        return
      } catch (refusal) {
        if (refusal instanceof LeaseLostError) await new Promise(() => {})
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
