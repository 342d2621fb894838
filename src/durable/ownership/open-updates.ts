import { describeThrown } from '../../core/thrown.ts'
import type { CheckpointRecord } from '../../core/contracts/checkpoint-record.ts'
import { checkpointIdentity } from '../../core/contracts/checkpoint-record.ts'
import { answerPlace, answerRecord } from '../../core/contracts/update-message.ts'
import type { UpdateRef } from '../../core/contracts/update-message.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import type { ExecutionCommits } from './execution-commits.ts'
import type { MailEffects } from './mail-effects.ts'

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
    const place = checkpointIdentity(id, answerPlace(update.name), 'error')
    const written = async (): Promise<void> => {
      const error = await connection.encoding.encodeError(reason, place)
      this.#write(update, answerRecord(update.name, 'rejected', connection.clock.now(), { error }))
    }
    void written().catch(failures.of(`refusing an update (${describeThrown(reason)})`))
  }

  #write({ message }: UpdateRef, answer: CheckpointRecord): void {
    const { commits, connection } = this.#execution
    const onFailure = connection.failures.of('answering an update')
    commits.write({ steps: [], consumed: [message], checkpoints: [answer] }).catch(onFailure)
  }
}
