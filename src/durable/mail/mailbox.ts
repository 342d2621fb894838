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

  #take({ execution, kind, seq, payload }: Message): void {
    const owned = this.#context.owned.get(execution)
    if (owned === undefined) {
      if (!this.#context.turns.has(execution)) void this.#takeForUnknown(execution, kind).catch(() => {})
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
      if (owned.hasEnded) void this.#retryLater(execution)
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
  async #takeForUnknown(id: string, kind: Message['kind']): Promise<void> {
    const record = await this.#context.recordOf(id)
    if (record === undefined || this.#context.owned.has(id)) return
    if (!isTerminal(record.status)) this.#context.turns.markUncertain()
    else if (kind === 'delete') await deleteUnowned(this.#context, id)
    else if (kind === 'retry' && record.status !== 'completed') await this.#reopening.reopen(id)
  }

  async #retryLater(id: string): Promise<void> {
    try {
      const record = await this.#context.recordOf(id)
      if (record?.status === 'failed' || record?.status === 'cancelled') await this.#reopening.reopen(id)
    } catch {
      // The sender tries again: the execution is as it was.
    }
  }
}
