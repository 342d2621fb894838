import { isTerminal } from '../../core/contracts/statuses.ts'
import type { Message } from '../../core/contracts/message.ts'
import type { DocketContext } from '../context/docket-context.ts'
import type { Owned } from '../ownership/owned.ts'
import type { Reopening } from '../recovery/reopen.ts'
import { deleteUnowned } from '../recovery/unowned.ts'
import { addReason, cancelledOnRequest } from '../recovery/unread-mail.ts'

const messagesPerRead = 100

/** Messages to one execution that were read, and whose effect is not written yet. */
interface Pending {
  readonly owned: Owned
  readonly seqs: Set<number>
  /** What comes after that has no effect. */
  isDeleting: boolean
}

/**
 * Reads the messages to executions that this process owns, and does what they say. A message is consumed in the commit that writes its
 * effect: if the process dies before, the next owner finds it.
 */
export class Mailbox {
  readonly #context: DocketContext
  readonly #reopening: Reopening
  readonly #pending = new Map<string, Pending>()
  /** What has failed is tried again: the message is there still. */
  readonly #onFailure: (error: unknown) => void

  constructor(context: DocketContext, reopening: Reopening) {
    this.#context = context
    this.#reopening = reopening
    this.#onFailure = context.connection.failures.of('doing what a message says')
  }

  /** Reads what has come since. @throws StoreError */
  async read(): Promise<void> {
    const { connection, owned, turns } = this.#context
    // Nobody writes to an owner that has nothing, unless the store thinks that it has.
    if (owned.size === 0 && !turns.isUncertainOfAny) return
    // What waits for its effect is read again, and hides nothing that comes after it.
    let limit = messagesPerRead
    for (const { seqs } of this.#pending.values()) limit += seqs.size
    for (const message of await connection.store.readMail(connection.session.owner, limit)) this.#take(message)
  }

  #take(message: Message): void {
    const { execution, kind, seq, payload } = message
    const owned = this.#context.owned.get(execution)
    if (owned === undefined) {
      if (!this.#context.turns.has(execution)) void this.#takeForUnknown(message).catch(this.#onFailure)
      return
    }
    const pending = this.#pendingOf(owned)
    if (pending?.seqs.has(seq) === true) return
    if (kind === 'delete' || pending?.isDeleting === true) {
      const isFirst = pending?.isDeleting !== true
      this.#keep(owned, seq).isDeleting = true
      if (isFirst) this.#delete(owned)
    } else if (kind === 'cancel' && !owned.hasDeparted) {
      this.#keep(owned, seq)
      owned.commits.consumeWithEnd(seq)
      const error = cancelledOnRequest(execution, owned.graph)
      void addReason(this.#context, execution, error, payload).then(() => owned.cancel(error))
    } else if (kind === 'retry' && owned.hasEnded) {
      this.#keep(owned, seq)
      void this.#retryLater(owned, message)
    } else if (kind === 'cancel' || kind === 'retry') owned.commits.consume(seq)
  }

  #pendingOf(owned: Owned): Pending | undefined {
    const pending = this.#pending.get(owned.id)
    return pending?.owned === owned ? pending : undefined
  }

  #keep(owned: Owned, seq: number): Pending {
    let pending = this.#pendingOf(owned)
    if (pending === undefined) {
      pending = { owned, seqs: new Set(), isDeleting: false }
      this.#pending.set(owned.id, pending)
      void owned.gone.then(() => this.#forget(owned))
    }
    pending.seqs.add(seq)
    return pending
  }

  /** Messages that are there still are read as new. */
  #forget(owned: Owned): void {
    if (this.#pendingOf(owned) !== undefined) this.#pending.delete(owned.id)
  }

  #delete(owned: Owned): void {
    owned.cancel(cancelledOnRequest(owned.id, owned.graph))
    owned.departure
      .then(() => deleteUnowned(this.#context, owned.id))
      .catch((error: unknown) => {
        this.#onFailure(error)
        this.#forget(owned)
      })
  }

  /** A message for what the store thinks is this process's, and does not live here: answers were lost. */
  async #takeForUnknown(message: Message): Promise<void> {
    const { execution: id, kind } = message
    const record = await this.#context.recordOf(id)
    if (record === undefined || this.#context.owned.has(id)) return
    if (!isTerminal(record.status)) this.#context.turns.markUncertain()
    else if (kind === 'delete') await deleteUnowned(this.#context, id)
    else if (kind === 'retry' && record.status !== 'completed') await this.#retry(message)
  }

  /** What begins it again consumes what was said to its last life. */
  async #retryLater(owned: Owned, message: Message): Promise<void> {
    try {
      const record = await this.#context.recordOf(owned.id)
      if (record?.status === 'failed' || record?.status === 'cancelled') await this.#retry(message)
    } catch (error) {
      this.#onFailure(error)
      this.#forget(owned)
    }
  }

  /** Of a batch, the message may name the items that are tried again. */
  async #retry({ execution: id, payload }: Message): Promise<void> {
    const { encoding } = this.#context.connection
    const items = payload === undefined ? undefined : await encoding.decode(payload, ['message', id])
    await this.#reopening.reopen(id, { retried: items as readonly string[] | undefined })
  }
}
