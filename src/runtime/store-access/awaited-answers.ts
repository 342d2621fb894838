import type { CheckpointRecord } from '../../core/contracts/checkpoint-record.ts'
import { isAnswer } from '../../core/contracts/update-message.ts'

/** The answers to updates that somebody in this process waits for: it sees for itself when they are written here. */
export class AwaitedAnswers {
  /** How many wait, by the execution and the name of the update. */
  readonly #waiting = new Map<string, number>()

  /** Somebody waits from now on, until the returned function is called. */
  add(execution: string, name: string): () => void {
    const key = keyOf(execution, name)
    this.#waiting.set(key, (this.#waiting.get(key) ?? 0) + 1)
    return () => {
      const left = this.#waiting.get(key)! - 1
      if (left > 0) this.#waiting.set(key, left)
      else this.#waiting.delete(key)
    }
  }

  /** Names of the answers among these that nobody here waits for: somebody in another process does, if anybody. Undefined where there are none. */
  elsewhere(execution: string, checkpoints: readonly CheckpointRecord[] = []): readonly string[] | undefined {
    let names: string[] | undefined
    for (const one of checkpoints)
      if (isAnswer(one) && !this.#waiting.has(keyOf(execution, one.name))) (names ??= []).push(one.name)
    return names
  }
}

function keyOf(execution: string, name: string): string {
  return `${execution.length}:${execution}${name}`
}
