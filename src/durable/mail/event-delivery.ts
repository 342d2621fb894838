import { eventMessage } from '../../core/contracts/event-message.ts'
import type { EventDelivery as Due } from '../../core/contracts/event-record.ts'
import type { PostVerdict } from '../../core/contracts/message.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { postEach } from './post-each.ts'

const portionSize = 500
const lookEveryMs = 2_000

/**
 * Wakes the executions that wait for events that have come: right after the emission in its own process, and every now and then what other processes
 * have emitted and not delivered. Delivered twice it is the same message, and whoever is woken asks the store for the event.
 */
export class EventDelivery {
  readonly #context: DocketContext
  readonly #onFailure: (error: unknown) => void
  #isDelivering = false
  #isWanted = false
  #lookedAt = -Infinity

  constructor(context: DocketContext) {
    this.#context = context
    this.#onFailure = context.connection.failures.of('waking executions that wait for an event')
  }

  /** An event has come, or may have. */
  soon(): void {
    this.#isWanted = true
    if (this.#isDelivering || this.#context.connection.isClosed) return
    this.#isDelivering = true
    void this.#deliverAll()
      .catch(this.#onFailure)
      .finally(() => (this.#isDelivering = false))
  }

  /** Looks whether others have left something, by itself. */
  look(): void {
    if (this.#context.clock.elapsed() - this.#lookedAt >= lookEveryMs && !this.#context.isClosing) this.soon()
  }

  async #deliverAll(): Promise<void> {
    const { store } = this.#context.connection
    while (this.#isWanted) {
      this.#isWanted = false
      this.#lookedAt = this.#context.clock.elapsed()
      for (;;) {
        const at = this.#context.clock.now()
        const portion = await store.undelivered(portionSize)
        if (portion.length === 0) break
        await this.#deliver(portion, at)
      }
    }
  }

  /** One that is refused for good is given up. */
  async #deliver(portion: readonly Due[], at: number): Promise<void> {
    const { store } = this.#context.connection
    const messages = portion.map((due) => eventMessage(due, at))
    const verdicts = await postEach(this.#context, messages, this.#onFailure)
    const over = portion.filter((_, index) => isOver(verdicts[index]))
    const woken = portion.filter((_, index) => !isOver(verdicts[index]))
    if (woken.length > 0) await store.delivered(woken)
    if (over.length > 0) await store.endWaits(over.map((due) => ({ ...due, at })))
  }
}

function isOver(verdict: PostVerdict | 'refused' | undefined): boolean {
  return verdict === 'ended' || verdict === 'unknown' || verdict === 'refused'
}
