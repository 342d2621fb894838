import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { Message } from '../../core/contracts/message.ts'
import { placeOfMessage } from '../../core/contracts/signal-message.ts'
import type { UpdateRef } from '../../core/contracts/update-message.ts'
import type { Plan } from '../../core/graph/plan.ts'
import type { Execution } from '../../runtime/execution/execution.ts'
import type { MemoryInbox } from '../../runtime/steps/inbox.ts'
import type { Signals } from '../../runtime/steps/signals.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import { allEffects } from './mail-effects.ts'
import type { ExecutionCommits } from './execution-commits.ts'
import type { MailEffects } from './mail-effects.ts'
import { InboxMail } from './inbox-mail.ts'
import { SignalMail } from './signal-mail.ts'

/** What values from outside are for. */
interface MailOf {
  readonly connection: StoreConnection
  readonly commits: ExecutionCommits
  /** The id of the execution, or of the batch. */
  readonly id: string
  readonly plan: Plan
  /** The index of the batch's item that it is of. @default it is of an execution, or of what items share */
  readonly item?: number | undefined
}

/** The mail of what gets values from outside; undefined where nothing does. */
export function incomingMailOf(of: MailOf): IncomingMail | undefined {
  return receivesValues(of.plan) ? new IncomingMail(of) : undefined
}

/** Whether steps of a plan wait for values from outside, or receive them. */
export function receivesValues({ signalSteps, receivers }: Pick<Plan, 'signalSteps' | 'receivers'>): boolean {
  return signalSteps.length > 0 || receivers.length > 0
}

/** The values that come to one execution from outside, or to one item of a batch: signals, of which one counts, and messages, of which any number is received. */
export class IncomingMail {
  readonly #signals: SignalMail | undefined
  readonly #inbox: InboxMail | undefined

  constructor({ plan, ...of }: MailOf) {
    if (plan.signalSteps.length > 0) this.#signals = new SignalMail({ ...of, steps: plan.signalSteps })
    if (plan.receivers.length > 0) this.#inbox = new InboxMail({ ...of, steps: plan.receivers })
  }

  get signals(): Signals | undefined {
    return this.#signals?.signals
  }

  get inbox(): MemoryInbox | undefined {
    return this.#inbox?.inbox
  }

  /** Whether something that came is still to be read or checked. */
  get isBusy(): boolean {
    return this.#signals?.isBusy === true || this.#inbox?.isBusy === true
  }

  /** Types that came and that no step has taken. */
  get unread(): readonly string[] {
    return [...(this.#signals?.unread ?? []), ...(this.#inbox?.unread ?? [])]
  }

  /** The execution, which has not begun. */
  follow(execution: Execution): void {
    this.#signals?.follow(execution)
    this.#inbox?.follow(execution)
  }

  /** Signals that came with the execution itself. What steps receive any number of comes by mail, all of it. */
  give(values: Readonly<Record<string, unknown>>): void {
    this.#signals?.give(values)
  }

  /** A message that brings a value. False where nothing here takes its type. */
  take(message: Message): boolean {
    const place = placeOfMessage(message)
    if (place === undefined) return true
    // Whoever sent it may not have known in which of both ways the type is taken.
    if (this.#inbox?.receives(place.type) === true) this.#inbox.take(message)
    else if (this.#signals === undefined) return false
    else this.#signals.take(message)
    return true
  }

  /** What has come may be looked at: the execution has begun. */
  check(): void {
    this.#signals?.check()
    this.#inbox?.check()
  }

  /** What a commit with these records does to messages and slots, beside what they say. */
  effectsOf(records: readonly StepRecord[], areGivenUp: boolean): MailEffects | undefined {
    return allEffects([this.#signals?.effectsOf(records), this.#inbox?.effectsOf(records, areGivenUp)])
  }

  /** The commit was not written, as far as is known. */
  undo(effects: MailEffects): void {
    this.#signals?.undo(effects)
  }

  takenBy(step: string): readonly number[] {
    return this.#inbox?.takenBy(step) ?? []
  }

  consuming(seqs: readonly number[]): void {
    this.#inbox?.consuming(seqs)
  }

  /** Whether an update is still to be answered. */
  mayAnswer(update: UpdateRef): boolean {
    return this.#inbox?.mayAnswer(update) === true
  }

  /** What a commit does that ends the execution. */
  atEnd(): MailEffects | undefined {
    return this.#inbox?.atEnd()
  }

  /** What a commit does by which it is undone from then on: nothing waits any more. */
  atUndoing(): MailEffects | undefined {
    const left = this.leftOpen()
    return left.length === 0 ? undefined : { closedSlots: left }
  }

  /** Slots that are open, and that nothing will ask for any more: it has ended. */
  leftOpen(): readonly string[] {
    return this.#signals?.leftOpen() ?? []
  }
}
