import { textOfAnswered } from '../../core/contracts/answered-hint.ts'
import type { CheckpointRecord } from '../../core/contracts/checkpoint-record.ts'
import { isAnswer } from '../../core/contracts/update-message.ts'
import { KeyedListeners } from '../collections/keyed-listeners.ts'

/** The answers to updates that somebody in this process waits for: it sees for itself when they are written here. */
export class AwaitedAnswers {
  /** What is called when an answer is announced, by its execution and name. */
  readonly #waiting = new KeyedListeners<undefined>()

  /** Somebody waits from now on, until the returned function is called; calls back when another process has written the answer, which may be missed. */
  add(execution: string, name: string, onAnnounced: () => void): () => void {
    return this.#waiting.add(textOfAnswered({ execution, name }), onAnnounced)
  }

  /** The store has said that it is written. Of many who wait, each is called for its own alone. */
  announced(answer: { readonly execution: string; readonly name: string }): void {
    this.#waiting.call(textOfAnswered(answer), undefined)
  }

  /** Names of the answers among these that nobody here waits for: somebody in another process does, if anybody. Undefined where there are none. */
  elsewhere(execution: string, checkpoints: readonly CheckpointRecord[] = []): readonly string[] | undefined {
    let names: string[] | undefined
    for (const one of checkpoints)
      if (isAnswer(one) && !this.#waiting.has(textOfAnswered({ execution, name: one.name })))
        (names ??= []).push(one.name)
    return names
  }
}
