import { append } from '../../core/append.ts'
import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { CheckpointRecord } from '../../core/contracts/checkpoint-record.ts'
import type { Message } from '../../core/contracts/message.ts'
import { placeOfMessage, placeOfSlot } from '../../core/contracts/signal-message.ts'
import { updateKind, updateOf } from '../../core/contracts/update-message.ts'
import type { UpdateRef } from '../../core/contracts/update-message.ts'
import type { BatchPlan } from '../../core/graph/batch-plan.ts'
import { signalSlotOf } from '../../core/graph/signal-slot-of.ts'
import type { Execution } from '../../runtime/execution/execution.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import { allEffects } from './mail-effects.ts'
import type { ExecutionCommits } from './execution-commits.ts'
import type { MailEffects } from './mail-effects.ts'
import { incomingMailOf } from './incoming-mail.ts'
import type { IncomingMail } from './incoming-mail.ts'
import { OpenUpdates } from './open-updates.ts'
import { effectsIn } from './signal-mail.ts'

/** A batch that values come to. */
interface SignalledBatch {
  readonly connection: StoreConnection
  readonly commits: ExecutionCommits
  readonly id: string
  readonly plan: BatchPlan
  /** The items' names in the records. */
  readonly keys: readonly string[]
}

/** The mail of an item that is under way. */
interface ItemMail {
  readonly item: number
  readonly mail: IncomingMail
}

/**
 * The values that come to a batch which lives here: one mail for what its items share, and one for each item that is under way. What comes for an item that has not begun is kept
 * until it does.
 */
export class BatchSignals {
  readonly #batch: SignalledBatch
  /** Undefined where nothing that items share gets values. */
  readonly #shared: IncomingMail | undefined
  /** By the items' keys. */
  readonly #open = new Map<string, ItemMail>()
  readonly #early = new Map<number, Message[]>()
  /** Items before this one have begun; before the first, what they share has not. */
  #begun = -1

  constructor(batch: SignalledBatch) {
    const { connection, commits, id, plan } = batch
    this.#batch = batch
    this.#shared = incomingMailOf({ connection, commits, id, plan: plan.shared })
    commits.consumesBy(this)
  }

  /** Whether something that came is still to be read or checked. */
  get isBusy(): boolean {
    if (this.#shared?.isBusy === true) return true
    for (const { mail } of this.#open.values()) if (mail.isBusy) return true
    return false
  }

  /** Where an item, or what items share, gets values from; undefined where it gets none. */
  of(item: number | undefined): IncomingMail | undefined {
    if (item === undefined) return this.#shared
    const { connection, commits, id, plan, keys } = this.#batch
    const mail = incomingMailOf({ connection, commits, id, plan: plan.item.plan, item })
    if (mail !== undefined) this.#open.set(keys[item]!, { item, mail })
    return mail
  }

  /** Its execution is about to begin, and knows what an earlier life has done. */
  begins(item: number | undefined, execution: Execution): void {
    this.#begun = item === undefined ? Math.max(this.#begun, 0) : item + 1
    const mail = item === undefined ? this.#shared : this.#open.get(this.#batch.keys[item]!)?.mail
    if (mail === undefined) return
    mail.follow(execution)
    for (const message of this.#early.get(item ?? -1) ?? []) mail.take(message)
    this.#early.delete(item ?? -1)
    mail.check()
  }

  /** What came by mail before anything of it lives here. */
  keep(messages: readonly Message[]): void {
    for (const message of messages)
      if (placeOfMessage(message) !== undefined) this.#keep(placeOfMessage(message)?.item ?? -1, message)
  }

  /** A message that brings a value. What comes for an item that has ended stays where it is: a retry may want it. */
  take(message: Message): void {
    const { item } = placeOfMessage(message) ?? {}
    if ((item ?? -1) >= this.#begun) this.#keep(item ?? -1, message)
    else if (item === undefined) this.#shared?.take(message)
    else {
      const open = this.#open.get(this.#batch.keys[item]!)
      if (open !== undefined) open.mail.take(message)
      else if (message.kind === updateKind) new OpenUpdates(this.#batch).tooLate(updateOf(message))
    }
  }

  #keep(item: number, message: Message): void {
    const early = this.#early.get(item)
    if (early === undefined) this.#early.set(item, [message])
    else if (!early.some(({ seq }) => seq === message.seq)) early.push(message)
  }

  /** An item has ended: gives the slots that are to be closed, and forgets it. */
  ended(item: number): readonly string[] {
    const key = this.#batch.keys[item]!
    const open = this.#open.get(key)
    this.#early.delete(item)
    if (this.#open.delete(key)) return open!.mail.leftOpen()
    // It never began.
    return this.#batch.plan.item.plan.signalSteps.map(({ spec }) => signalSlotOf(spec.output, item))
  }

  /** What a commit with these records does to messages and slots, beside what they say. */
  effectsOf(records: readonly StepRecord[], areGivenUp: boolean): MailEffects | undefined {
    const byItem = Map.groupBy(records, ({ item }) => item)
    const consumed: number[] = []
    const closedSlots: string[] = []
    const openedSlots: string[] = []
    const checkpoints: CheckpointRecord[] = []
    for (const [key, some] of byItem) {
      const mail = key === '' ? this.#shared : this.#open.get(key)?.mail
      const effects = mail?.effectsOf(some, areGivenUp)
      append(consumed, effects?.consumed ?? [])
      append(closedSlots, effects?.closedSlots ?? [])
      append(openedSlots, effects?.openedSlots ?? [])
      append(checkpoints, effects?.checkpoints ?? [])
    }
    const effects = effectsIn(consumed, closedSlots, openedSlots)
    return checkpoints.length === 0 ? effects : { ...effects, checkpoints }
  }

  mayAnswer(update: UpdateRef): boolean {
    if (this.#shared?.mayAnswer(update) === true) return true
    for (const { mail } of this.#open.values()) if (mail.mayAnswer(update)) return true
    return false
  }

  /** What a commit does that ends the batch. */
  atEnd(): MailEffects | undefined {
    const mails = [this.#shared, ...[...this.#open.values()].map(({ mail }) => mail)]
    return allEffects(mails.map((mail) => mail?.atEnd()))
  }

  takenBy(step: string, item: string): readonly number[] {
    return (item === '' ? this.#shared : this.#open.get(item)?.mail)?.takenBy(step) ?? []
  }

  consuming(seqs: readonly number[]): void {
    this.#shared?.consuming(seqs)
    for (const { mail } of this.#open.values()) mail.consuming(seqs)
  }

  /** The commit was not written, as far as is known. */
  undo({ closedSlots = [], openedSlots = [] }: MailEffects): void {
    for (const slot of [...closedSlots, ...openedSlots]) {
      const { item } = placeOfSlot(slot)
      const mail = item === undefined ? this.#shared : this.#open.get(this.#batch.keys[item]!)?.mail
      mail?.undo({ closedSlots: [slot] })
    }
  }
}
