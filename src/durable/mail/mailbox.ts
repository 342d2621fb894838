import { isTerminal } from '../../core/contracts/statuses.ts'
import { placeOfMessage } from '../../core/contracts/signal-message.ts'
import type { MailPosition, Message, PostedMessage } from '../../core/contracts/message.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { deletedOnRequest } from '../ownership/deleted-on-request.ts'
import type { Owned } from '../ownership/owned.ts'
import { Portion } from '../recovery/portion.ts'
import type { Reopening } from '../recovery/reopen.ts'
import { childDeleted, childEnded } from '../records/child-digest.ts'
import { isArriving } from '../records/graph-hash.ts'
import { deleteUnowned } from '../recovery/unowned.ts'
import { addReason, cancelledOnRequest } from '../recovery/unread-mail.ts'
import { LookAnswers, lookKind } from './look.ts'

/** What was read of the messages to one execution. */
interface Delivered {
  readonly owned: Owned
  /** Not read again: what has no effect yet hides nothing that comes after it. */
  position: MailPosition
  /** What comes after that has no effect. */
  isDeleting: boolean
}

/** A message that this process has posted, and the life of the execution that was here then. */
interface Arrived extends PostedMessage {
  readonly owned: Owned | undefined
}

const mostTaken = 1_000

function takenName(execution: string, messageId: string): string {
  return JSON.stringify([execution, messageId])
}

const unread: MailPosition = { control: 0, data: 0 }

/**
 * Reads the messages to executions that this process owns, and does what they say. A message is consumed in the commit that writes its
 * effect: if the process dies before, the next owner finds it.
 */
export class Mailbox {
  readonly #context: DocketContext
  readonly #reopening: Reopening
  readonly #looks: LookAnswers
  readonly #delivered = new Map<string, Delivered>()
  readonly #portion = new Portion()
  /** Messages that this process has posted, in the order in which the store has answered. */
  readonly #arrived: Arrived[] = []
  /** Those that were taken as they arrived, before their sender has heard that they are posted. */
  readonly #taken = new Set<string>()
  #isWanted = false
  /** What has failed is tried again: the message is there still. */
  readonly #onFailure: (error: unknown) => void

  constructor(context: DocketContext, reopening: Reopening) {
    this.#context = context
    this.#looks = new LookAnswers(context)
    this.#reopening = reopening
    this.#onFailure = context.connection.failures.of('doing what a message says')
  }

  /** There may be something that is to be read. */
  want(): void {
    this.#isWanted = true
  }

  /** This process has posted one to an execution of its own. */
  arrived(posted: PostedMessage): void {
    this.#arrived.push({ ...posted, owned: this.#context.owned.get(posted.message.execution) })
  }

  /** Whether a message to this execution has arrived, and is taken, or about to be: the one that was posted under this id, or any that is not taken yet. */
  hasArrived(id: string, messageId: string | undefined): boolean {
    if (messageId !== undefined && this.#taken.delete(takenName(id, messageId))) return true
    return this.#arrived.some(({ message }) => message.execution === id)
  }

  /** Takes what has arrived, where all before it is known, and reads what else has come. @throws StoreError */
  async read(): Promise<void> {
    const arrived = this.#arrived.splice(0)
    if (!this.#isWanted && arrived.every((posted) => this.#hasTaken(posted))) return
    this.#isWanted = false
    try {
      await this.#read()
    } catch (error) {
      // Of what was read until then, others may be missing that came before it.
      this.#isWanted = true
      throw error
    }
  }

  /** Whether it was the next one of an execution that lives here, or was read before. */
  #hasTaken({ message, after, owned }: Arrived): boolean {
    // One that has the same id since counts its messages anew.
    if (owned === undefined || this.#context.owned.get(message.execution) !== owned) return false
    const delivered = this.#delivered.get(message.execution)
    const { control, data } = delivered?.owned === owned ? delivered.position : unread
    const last = Math.max(control, data)
    if (message.seq <= last) return true
    if (after !== last) return false
    this.#take(owned, message)
    if (message.id !== undefined) this.#taken.add(takenName(message.execution, message.id))
    // Not every sender asks.
    if (this.#taken.size > mostTaken) this.#taken.clear()
    return true
  }

  async #read(): Promise<void> {
    const { connection, owned, turns } = this.#context
    // Nobody writes to an owner that has nothing, unless the store thinks that it has.
    if (owned.size === 0 && !turns.isUncertainOfAny) return
    const after = new Map<string, MailPosition>()
    for (const [id, { position }] of this.#delivered) after.set(id, position)
    // What comes to live here between two portions has had nothing of the first one: it gets all with the next round, in order. What comes while one is on its
    // way may have the id of what was deleted meanwhile: those are the messages to that.
    const absent = new Set<string>()
    for (;;) {
      // A portion costs the store about as much as all that is unread: there are few of them.
      const limit = this.#portion.size
      const request = { owner: connection.session.owner, after, limit }
      const newcomers = (this.#context.newcomers = new Set<string>())
      let portion: readonly Message[]
      try {
        portion = await connection.store.readMail(request)
      } finally {
        // At once: what begins between the answer and this line would be taken for what was there before.
        this.#context.newcomers = undefined
      }
      for (const message of portion) {
        const { execution } = message
        // Also of what does not live here: it is looked at once in each round, and hides nothing.
        after.set(execution, { ...(after.get(execution) ?? unread), [message.class]: message.seq })
        const receiver = owned.get(execution)
        if (receiver === undefined) {
          absent.add(execution)
          if (!turns.has(execution)) void this.#takeForUnknown(message).catch(this.#onFailure)
        } else if (newcomers.has(execution)) {
          absent.add(execution)
          this.#isWanted = true
        } else if (!absent.has(execution)) this.#take(receiver, message)
      }
      if (portion.length < limit) return
      this.#portion.brought(portion.reduce((bytes, { payload }) => bytes + (payload?.length ?? 0), 0))
    }
  }

  #take(owned: Owned, message: Message): void {
    const { execution, kind, seq, payload } = message
    const delivered = this.#deliver(owned, message)
    owned.messageRead(message)
    if (kind === 'delete' || delivered.isDeleting) {
      const isFirst = !delivered.isDeleting
      delivered.isDeleting = true
      if (isFirst) void this.#delete(owned)
    } else if (kind === 'cancel' && !owned.hasDeparted) {
      owned.commits.consumeWithEnd(seq)
      const error = cancelledOnRequest(execution, owned.graph)
      void addReason(this.#context, execution, error, payload).then(() => owned.cancel(error))
    } else if (kind === lookKind) this.#looks.answer(owned, message)
    else if (kind === 'retry' && owned.hasEnded) void this.#retryLater(owned, message)
    else if (kind === 'cancel' || kind === 'retry') owned.commits.consume(seq)
    else if (placeOfMessage(message) !== undefined) owned.takeSignal(message)
    else if (kind === 'event') owned.events?.take(message)
    else if (kind === 'reschedule') owned.moveTimer(message)
    else if (kind === childEnded || kind === childDeleted) {
      owned.commits.consume(seq)
      if (message.id !== undefined) this.#context.childEnded(execution, message.id)
    }
  }

  #deliver(owned: Owned, message: Message): Delivered {
    let delivered = this.#delivered.get(owned.id)
    if (delivered?.owned !== owned) {
      delivered = { owned, position: unread, isDeleting: false }
      this.#delivered.set(owned.id, delivered)
      void owned.gone.then(() => this.#forget(owned))
    }
    delivered.position = { ...delivered.position, [message.class]: message.seq }
    return delivered
  }

  /** Messages that are there still are read as new. */
  #forget(owned: Owned): void {
    if (this.#delivered.get(owned.id)?.owned === owned) this.#delivered.delete(owned.id)
  }

  async #delete(owned: Owned): Promise<void> {
    const { id } = owned
    owned.commits.deleteWithEnd()
    owned.cancel(deletedOnRequest(id, owned.graph))
    await owned.departure
    await owned.rest
    try {
      if (owned.commits.isDeleted) {
        this.#context.turns.deleted(owned.commits)
        // What a function that does not listen to its signal may still bring is not wanted any more.
        owned.lose()
        return
      }
      if (await deleteUnowned(this.#context, id)) return
    } catch (error) {
      this.#onFailure(error)
    }
    // Somebody else has it, or it is this process's again under another right: the message is there still.
    this.#forget(owned)
  }

  /** A message for what the store thinks is this process's, and does not live here: answers were lost. */
  async #takeForUnknown(message: Message): Promise<void> {
    const { execution: id, kind } = message
    const record = await this.#context.recordOf(id)
    if (record === undefined || this.#context.owned.has(id) || isArriving(record)) return
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
