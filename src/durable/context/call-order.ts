import { withResolvers } from '../../core/own-promise.ts'

/**
 * The order in which this docket was called to send messages to each execution. To make a message may take a call longer than the one after
 * it, which has nothing to read; they are posted in the order of the calls all the same.
 */
export class CallOrder {
  readonly #last = new Map<string, Promise<void>>()

  /** The next place of an execution. To be disposed of, posted or not: others wait for it. */
  enter(execution: string): PlaceInOrder {
    const { promise: left, resolve } = withResolvers()
    const before = this.#last.get(execution)
    this.#last.set(execution, left)
    return new PlaceInOrder(before, () => {
      if (this.#last.get(execution) === left) this.#last.delete(execution)
      resolve()
    })
  }
}

/** A call that sends one message. */
export class PlaceInOrder implements Disposable {
  readonly #before: Promise<void> | undefined
  readonly #leave: () => void

  constructor(before: Promise<void> | undefined, leave: () => void) {
    this.#before = before
    this.#leave = leave
  }

  /** Resolves when all calls before this one have posted theirs, or given up; undefined where there are none. Never rejects. */
  get before(): Promise<void> | undefined {
    return this.#before
  }

  /** Posts it, once all calls before this one have posted theirs, or given up. */
  async post<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    if (this.#before !== undefined) await this.#before
    const answer = call()
    this.#leave()
    return answer
  }

  /** One that was not posted is none whose turn those after it need to wait for; those before it are. */
  [Symbol.dispose](): void {
    if (this.#before === undefined) this.#leave()
    else void this.#before.then(this.#leave)
  }
}
