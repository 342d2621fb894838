import { describeThrown } from '../../core/thrown.ts'
import type { CheckpointRecord } from '../../core/contracts/checkpoint-record.ts'
import { answerRecord } from '../../core/contracts/update-message.ts'
import type { UpdateRef } from '../../core/contracts/update-message.ts'
import type { UpdateAnswer } from '../../runtime/steps/checkpoints.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import { encodedAnswer } from './encoded-answer.ts'
import type { ExecutionCommits } from './execution-commits.ts'
import type { MailEffects } from './mail-effects.ts'
import { isPromise } from '../../core/own-promise.ts'

/** What of an execution that lives here answers updates. */
interface AnsweringExecution {
  readonly connection: StoreConnection
  readonly commits: ExecutionCommits
  /** The id of the execution, or of the batch. */
  readonly id: string
}

/** The updates that an execution which lives here has been sent, and that are not answered. Their messages stay until they are. */
export class OpenUpdates {
  readonly #execution: AnsweringExecution
  /** By name, with the step that is to answer. */
  readonly #open = new Map<string, { readonly update: UpdateRef; readonly step: string }>()

  /** Answers that are not written yet, by the names of the updates. */
  readonly #answered = new Map<string, CheckpointRecord>()
  /** Answers that a codec is at work on. */
  #encoding = 0

  constructor(execution: AnsweringExecution) {
    this.#execution = execution
  }

  /** One has come. */
  add(update: UpdateRef, step: string): void {
    this.#open.set(update.name, { update, step })
  }

  has({ name }: UpdateRef): boolean {
    return this.#open.has(name)
  }

  /** Whether something is answered that is not on its way to the store. */
  get isAnswering(): boolean {
    return this.#encoding > 0 || this.#answered.size > 0
  }

  /** A commit is about to be written that consumes these: it answers them. */
  consuming(seqs: readonly number[]): void {
    if (this.#open.size === 0) return
    for (const [name, { update }] of this.#open) if (seqs.includes(update.message)) this.#open.delete(name)
  }

  /** What answers those that these steps will not answer any more, or all of them: they have ended. */
  ended(steps?: ReadonlySet<string>): MailEffects | undefined {
    if (this.#open.size === 0) return undefined
    const at = this.#execution.connection.clock.now()
    const consumed: number[] = []
    const checkpoints: CheckpointRecord[] = []
    for (const { update, step } of this.#open.values()) {
      if (steps !== undefined && !steps.has(step)) continue
      consumed.push(update.message)
      checkpoints.push(answerRecord(update.name, 'ended', at))
    }
    this.consuming(consumed)
    return consumed.length === 0 ? undefined : { consumed, checkpoints }
  }

  /** It is answered in the commit that has what its machine is at next. Undefined where nothing has to be waited for. @throws SerializationError, as a rejection too */
  answer(answer: UpdateAnswer): Promise<void> | undefined {
    const { connection, id } = this.#execution
    const record = encodedAnswer(connection, id, answer, connection.clock.now())
    const keep = (encoded: CheckpointRecord): void => {
      // An end may have answered it meanwhile.
      if (this.has(answer.update)) this.#answered.set(answer.update.name, encoded)
    }
    if (!isPromise(record)) {
      keep(record)
      return undefined
    }
    this.#encoding++
    return record.then(keep).finally(() => void this.#encoding--)
  }

  /** What answers those that the machine of a step has answered; `goes`: what it is at is written. */
  answeredBy(machine: string, goes: boolean): MailEffects | undefined {
    if (this.#answered.size === 0) return undefined
    const consumed: number[] = []
    const checkpoints: CheckpointRecord[] = []
    for (const [name, answer] of this.#answered) {
      const open = this.#open.get(name)
      if (open !== undefined && open.step !== machine) continue
      this.#answered.delete(name)
      // What has been answered by an end meanwhile is not answered twice.
      if (open === undefined || !goes) continue
      consumed.push(open.update.message)
      checkpoints.push(answer)
    }
    return consumed.length === 0 ? undefined : { consumed, checkpoints }
  }

  /** Nothing handles it any more: it comes too late. */
  tooLate(update: UpdateRef): void {
    this.#open.delete(update.name)
    const { clock } = this.#execution.connection
    this.#write(update, answerRecord(update.name, 'ended', clock.now()))
  }

  /** It is refused: nothing of it happens. */
  reject(update: UpdateRef, reason: unknown): void {
    this.#open.delete(update.name)
    const { connection, id } = this.#execution
    const { failures } = connection
    const written = async (): Promise<void> => {
      const answer = { update, outcome: { error: reason } }
      this.#write(update, await encodedAnswer(connection, id, answer, connection.clock.now(), 'rejected'))
    }
    void written().catch(failures.of(`refusing an update (${describeThrown(reason)})`))
  }

  #write({ message }: UpdateRef, answer: CheckpointRecord): void {
    const { commits, connection } = this.#execution
    const onFailure = connection.failures.of('answering an update')
    commits.write({ steps: [], consumed: [message], checkpoints: [answer] }).catch(onFailure)
  }
}
