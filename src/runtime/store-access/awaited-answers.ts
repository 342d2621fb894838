import { textOfAnswered } from '../../core/contracts/answered-hint.ts'
import type { CheckpointRecord } from '../../core/contracts/checkpoint-record.ts'
import { isAnswer } from '../../core/contracts/update-message.ts'

/** The answers to updates that somebody in this process waits for: it sees for itself when they are written here. */
export class AwaitedAnswers {
  /** What is called when an answer is announced, by its execution and name. */
  readonly #waiting = new Map<string, Set<() => void>>()

  /** Somebody waits from now on, until the returned function is called; calls back when another process has written the answer, which may be missed. */
  add(execution: string, name: string, onAnnounced: () => void): () => void {
    const key = textOfAnswered({ execution, name })
    const callbacks = this.#waiting.get(key) ?? new Set()
    this.#waiting.set(key, callbacks.add(onAnnounced))
    return () => {
      callbacks.delete(onAnnounced)
      if (callbacks.size === 0 && this.#waiting.get(key) === callbacks) this.#waiting.delete(key)
    }
  }

  /** The store has said that it is written. Of many who wait, each is called for its own alone. */
  announced(answer: { readonly execution: string; readonly name: string }): void {
    for (const callback of this.#waiting.get(textOfAnswered(answer)) ?? []) callback()
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
