import { ExecutionCancelledError } from '../../core/errors.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import type { Message } from '../../core/contracts/message.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import type { DocketContext } from '../context/docket-context.ts'
import type { Owned } from '../ownership/owned.ts'
import type { Reopening } from '../recovery/reopen.ts'
import { deleteUnowned } from '../recovery/unowned.ts'

const messagesPerRead = 100

/** Reads the messages to executions that this process owns, and does what they say. */
export class Mailbox {
  readonly #context: DocketContext
  readonly #reopening: Reopening

  constructor(context: DocketContext, reopening: Reopening) {
    this.#context = context
    this.#reopening = reopening
  }

  /** Reads what has come since. @throws StoreError */
  async read(): Promise<void> {
    const { connection, owned, turns } = this.#context
    // Nobody writes to an owner that has nothing, unless the store thinks that it has.
    if (owned.size === 0 && !turns.isUncertainOfAny) return
    for (const message of await connection.store.readMail(connection.session.owner, messagesPerRead))
      this.#take(message)
  }

  #take(message: Message): void {
    const { execution, kind, seq, payload } = message
    const owned = this.#context.owned.get(execution)
    if (owned === undefined) {
      if (!this.#context.turns.has(execution)) void this.#takeForUnknown(message).catch(() => {})
      return
    }
    const place = { graph: owned.graph, executionId: execution }
    const error = new ExecutionCancelledError(`execution "${execution}" was cancelled on request`, place)
    if (kind === 'cancel') {
      void this.#cancel(owned, error, payload)
      owned.consume(seq)
    } else if (kind === 'delete') {
      owned.cancel(error)
      void owned.departure.then(() => deleteUnowned(this.#context, execution)).catch(() => {})
    } else if (kind === 'retry') {
      owned.consume(seq)
      if (owned.hasEnded) void this.#retryLater(message)
    }
  }

  async #cancel(owned: Owned, error: ExecutionCancelledError, reason: StoredValue | undefined): Promise<void> {
    try {
      const { encoding } = this.#context.connection
      if (reason !== undefined) error.cause = await encoding.decodeError(reason, ['message', owned.id])
    } catch {
      // Cancelled all the same; only the reason can't be read.
    }
    owned.cancel(error)
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

  async #retryLater(message: Message): Promise<void> {
    try {
      const record = await this.#context.recordOf(message.execution)
      if (record?.status === 'failed' || record?.status === 'cancelled') await this.#retry(message)
    } catch {
      // The sender tries again: the execution is as it was.
    }
  }

  /** Of a batch, the message may name the items that are tried again. */
  async #retry({ execution: id, payload }: Message): Promise<void> {
    const { encoding } = this.#context.connection
    const items = payload === undefined ? undefined : await encoding.decode(payload, ['message', id])
    await this.#reopening.reopen(id, { retried: items as readonly string[] | undefined })
  }
}
