import type { NewMessage } from '../../core/contracts/message.ts'
import type { OutboxEntry } from '../../core/contracts/outbox.ts'
import { atMost } from '../../runtime/environment/clock.ts'
import { outsideCalls } from '../../runtime/environment/async-context.ts'
import { unref } from '../../runtime/environment/long-timeout.ts'
import type { Owned } from '../ownership/owned.ts'
import { childDeleted } from '../records/child-digest.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { postEach } from './post-each.ts'

const portionSize = 100
const lookEveryMs = 2_000
/** What is younger is on its way from the process that wrote it. */
const graceMs = 2_000
/** A receiver that lives here mostly sees by itself what the message is about, and then needs none. */
const localPauseMs = 50

/**
 * Delivers the messages that commits have caused to other executions: those of this process right after their commits, and what others
 * have left undone when it is old enough. Each is confirmed once its receiver has it, or is not there, or has ended.
 */
export class Delivery {
  readonly #context: DocketContext
  readonly #onFailure: (error: unknown) => void
  /** Written here, and not sent yet. */
  #pending: OutboxEntry[] = []
  /** Those that lived here when it was written: one that has ended since gets none. */
  readonly #receivers = new WeakMap<OutboxEntry, Owned>()
  #timer: unknown
  #sending: Promise<void> | undefined
  #isLooking = false
  #lookedAt = -Infinity

  constructor(context: DocketContext) {
    this.#context = context
    this.#onFailure = context.connection.failures.of('delivering messages between executions')
  }

  /** These have just been written. What a deletion causes is left to those who look: it has not happened yet. */
  send(written: readonly OutboxEntry[]): void {
    const entries = written.filter(({ kind }) => kind !== childDeleted)
    if (entries.length === 0) return
    const isFirst = this.#pending.length === 0
    for (const entry of entries) {
      this.#pending.push(entry)
      const receiver = this.#context.owned.get(entry.execution)
      if (receiver !== undefined) this.#receivers.set(entry, receiver)
    }
    if (isFirst || !this.#areLocal(entries)) this.#arm(this.#areLocal(this.#pending) ? localPauseMs : 0)
  }

  /** Looks, every now and then, for what other processes have left: portion by portion, and by itself. */
  look(): void {
    const { clock, isClosing } = this.#context
    const now = clock.elapsed()
    if (this.#isLooking || isClosing || now - this.#lookedAt < lookEveryMs) return
    this.#isLooking = true
    void this.#deliverLeft()
      .then(() => void (this.#lookedAt = clock.elapsed()), this.#onFailure)
      .finally(() => void (this.#isLooking = false))
  }

  /** Sends what is left, before the store is closed; what does not go out is delivered by others. */
  async close(): Promise<void> {
    const { clock, connection } = this.#context
    clock.clearTimeout(this.#timer)
    await atMost(clock, connection.session.leaseMs, this.#sendPending())
  }

  #areLocal(entries: readonly OutboxEntry[]): boolean {
    return entries.every(({ execution }) => this.#context.owned.has(execution))
  }

  #arm(pauseMs: number): void {
    const { clock } = this.#context
    clock.clearTimeout(this.#timer)
    const send = (): void => void this.#sendPending()
    this.#timer = outsideCalls.run(() => clock.setTimeout(send, pauseMs))
    unref(this.#timer)
  }

  /** One portion after the other. What fails for a passing reason is found again by whoever looks. */
  #sendPending(): Promise<void> {
    const sendAll = async (): Promise<void> => {
      try {
        while (this.#pending.length > 0) await this.#deliver(this.#pending.splice(0, portionSize))
      } catch (error) {
        this.#pending = []
        this.#onFailure(error)
      } finally {
        this.#sending = undefined
      }
    }
    return (this.#sending ??= sendAll())
  }

  async #deliverLeft(): Promise<void> {
    const { connection, clock } = this.#context
    const before = clock.now() - graceMs
    let after: OutboxEntry | undefined
    for (;;) {
      const portion = await connection.store.readOutbox({ before, after, limit: portionSize })
      if (portion.length > 0) await this.#deliver(portion)
      if (portion.length < portionSize || this.#context.isClosing) return
      after = portion.at(-1)
    }
  }

  /** Whatever the verdicts: nobody else is there to get them. What the store refuses for good is looked at again. */
  async #deliver(entries: readonly OutboxEntry[]): Promise<void> {
    const { connection } = this.#context
    const needed: OutboxEntry[] = []
    for (const entry of entries) if (!(await this.#isSeen(entry))) needed.push(entry)
    const verdicts = needed.length === 0 ? [] : await postEach(this.#context, needed.map(messageOf), this.#onFailure)
    const refused = new Set(needed.filter((_, index) => verdicts[index] === 'refused'))
    const done = refused.size === 0 ? entries : entries.filter((entry) => !refused.has(entry))
    if (done.length > 0) await connection.store.confirmOutbox(done)
  }

  /** Whether its receiver, which lives or has just ended here, has on record what it is about. */
  async #isSeen(entry: OutboxEntry): Promise<boolean> {
    const receiver = this.#receivers.get(entry) ?? this.#context.owned.get(entry.execution)
    if (receiver?.hasDeparted === true) return (await receiver.departure).type !== 'moved'
    return receiver !== undefined && this.#context.hasOnRecord(entry)
  }
}

function messageOf(entry: OutboxEntry): NewMessage {
  const { entry: _, source: __, ...message } = entry
  return message
}
