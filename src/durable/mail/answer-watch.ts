import type { CheckpointRecord } from '../../core/contracts/checkpoint-record.ts'
import type { ExecutionCommit } from '../../core/contracts/execution-record.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import { answerPlace } from '../../core/contracts/update-message.ts'
import type { DocketContext } from '../context/docket-context.ts'
import type { Owned } from '../ownership/owned.ts'

/**
 * Sees the answer to an update where this process writes it: begun before the update is sent, it misses none, and nothing has to be read. Where another
 * process writes it, it hears of that, if the store sends hints.
 */
export class AnswerWatch implements Disposable {
  /** The answer, once it is written here. */
  answer: CheckpointRecord | undefined
  readonly #context: DocketContext
  readonly #id: string
  readonly #name: string
  #owned: Owned | undefined
  #end: () => void = () => {}
  #hasHint = false
  readonly #endWait: () => void
  #onNews: (() => void) | undefined

  constructor(context: DocketContext, id: string, name: string) {
    this.#context = context
    this.#id = id
    this.#name = name
    this.#endWait = context.connection.awaitedAnswers.add(id, name, () => {
      this.#hasHint = true
      this.#onNews?.()
    })
    this.follow()
  }

  /** Watches the execution where it lives here only since; gives whether it does: what was answered before is to be read. */
  follow(): boolean {
    const owned = this.#context.owned.get(this.#id)
    if (owned === this.#owned) return false
    this.#end()
    this.#owned = owned
    this.#end = owned?.commits.onWritten((written) => this.#take(written)) ?? (() => {})
    return true
  }

  /** Whether the execution lives here still, so that nobody else can answer. */
  get isHere(): boolean {
    const owned = this.#owned
    return owned !== undefined && !owned.hasEnded && this.#context.owned.get(owned.id) === owned
  }

  /** Whether it has heard that there is an answer. */
  get hasHint(): boolean {
    return this.#hasHint
  }

  /** The same, once. */
  takeHint(): boolean {
    const { hasHint } = this
    this.#hasHint = false
    return hasHint
  }

  /** Calls back for an answer, and for an end, until the returned function is called. */
  onNews(callback: () => void): () => void {
    this.#onNews = callback
    return () => {
      this.#onNews = undefined
    }
  }

  [Symbol.dispose](): void {
    this.#end()
    this.#endWait()
  }

  #take({ checkpoints, head }: ExecutionCommit): void {
    const { step, item, generation } = answerPlace(this.#name)
    this.answer ??= checkpoints?.find(
      (one) => one.name === this.#name && one.step === step && one.item === item && one.generation === generation,
    )
    if (this.answer !== undefined || (head?.status !== undefined && isTerminal(head.status))) this.#onNews?.()
  }
}
