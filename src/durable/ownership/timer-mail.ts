import { describeThrown } from '../../core/thrown.ts'
import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { Message } from '../../core/contracts/message.ts'
import { isTerminalStep } from '../../core/contracts/statuses.ts'
import { moveIdentity } from '../../core/contracts/timer-message.ts'
import type { TimerMove } from '../../core/contracts/timer-message.ts'
import type { FormerNames } from '../../core/graph/former-names.ts'
import type { AsyncContext } from '../../runtime/environment/async-context.ts'
import type { StepRun } from '../../runtime/execution/step-run.ts'
import { isPromiseLike } from '../../runtime/inputs/check-value.ts'
import { TimerTimes } from '../../runtime/steps/timer-times.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import { placeOf } from '../records/step-place.ts'
import type { ExecutionCommits } from './execution-commits.ts'
import type { MailEffects } from './mail-effects.ts'

/** A timer that was moved, and the messages that did it: the last one holds. */
interface Moved {
  dueAt: number
  readonly seqs: number[]
}

/** A move with the number of the message that brought it. */
export type ReadMove = TimerMove & { readonly seq: number }

/** An execution, or what a batch has under way, whose timers wait here. */
interface TimedExecution {
  readonly runs: readonly (StepRun | undefined)[]
  readonly context: AsyncContext
  readonly setup: { readonly itemKey?: string | undefined }
}

/**
 * Messages that move timers of an execution or batch that lives here. One is consumed by the commit that has the timer's new time, or its end: where the
 * process dies before, the next owner finds it. For a timer that is not set yet it stays where it is.
 */
export class TimerMail {
  readonly times = new TimerTimes()
  readonly #connection: StoreConnection
  readonly #commits: ExecutionCommits
  readonly #id: string
  readonly #former: FormerNames | undefined
  readonly #moved = new Map<string, Moved>()
  #executions: () => readonly TimedExecution[] = () => []
  #lastRead = 0

  constructor(
    connection: StoreConnection,
    commits: ExecutionCommits,
    of: { readonly id: string; readonly former: FormerNames | undefined },
  ) {
    this.#connection = connection
    this.#commits = commits
    this.#id = of.id
    this.#former = of.former
    commits.consumesBy(this)
  }

  /** Timers may wait here from now on. */
  follow(executions: () => readonly TimedExecution[]): void {
    this.#executions = executions
  }

  /** Moves that came before anything of it lives here. */
  begin(moves: readonly ReadMove[]): void {
    for (const move of moves) {
      this.#lastRead = Math.max(this.#lastRead, move.seq)
      this.#take(move, move.seq)
    }
  }

  /** A message that moves a timer. Each is taken once, however often it is read. */
  take({ seq, payload }: Message): void {
    if (seq <= this.#lastRead || payload === undefined) return
    this.#lastRead = seq
    const failed = (thrown: unknown): void => {
      const onFailure = this.#connection.failures.of(`setting a timer of "${this.#id}" (${describeThrown(thrown)})`)
      this.#commits.write({ steps: [], consumed: [seq] }).catch(onFailure)
    }
    try {
      const move = this.#connection.encoding.decode(payload, moveIdentity(this.#id))
      if (isPromiseLike(move)) move.then((late) => this.#take(late as TimerMove, seq), failed)
      else this.#take(move as TimerMove, seq)
    } catch (thrown) {
      failed(thrown)
    }
  }

  #take({ step, item, dueAt }: TimerMove, seq: number): void {
    const name = this.#former?.steps.get(step) ?? step
    const place = placeOf({ step: name, item })
    const moved = this.#moved.get(place) ?? { dueAt, seqs: [] }
    moved.dueAt = dueAt
    moved.seqs.push(seq)
    this.#moved.set(place, moved)
    this.times.set(name, item, dueAt)
    if (!this.#moveHere({ step: name, item, dueAt })) return
    this.#moved.delete(place)
    this.#commits.consume(seq)
  }

  /** Moves a timer that waits here. @returns whether it has ended; of a batch's item that has, nothing is known here */
  #moveHere({ step, item, dueAt }: TimerMove): boolean {
    const execution = this.#executions().find(({ setup: { itemKey = '' } }) => itemKey === item)
    const run = execution?.runs.find((one) => one?.step === step)
    execution?.context.run(() => run?.reschedule(dueAt))
    return run?.hasEnded === true
  }

  /** The messages that a commit with these records consumes. */
  effectsOf(records: readonly StepRecord[]): MailEffects | undefined {
    if (this.#moved.size === 0) return undefined
    const consumed = records.flatMap((record) => {
      const moved = this.#moved.get(placeOf(record))
      if (moved === undefined) return []
      const hasEnded = isTerminalStep(record.status)
      return hasEnded || (record.status === 'waiting' && record.dueAt === moved.dueAt) ? moved.seqs : []
    })
    return consumed.length === 0 ? undefined : { consumed }
  }

  /** What a commit did not write, the next one says again. */
  undo(): void {}
}
