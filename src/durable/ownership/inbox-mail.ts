import { append } from '../../core/append.ts'
import { describeThrown } from '../../core/thrown.ts'
import { InputError } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { Message } from '../../core/contracts/message.ts'
import { placeOfMessage, signalIdentity } from '../../core/contracts/signal-message.ts'
import { updateKind, updateOf } from '../../core/contracts/update-message.ts'
import type { UpdateRef } from '../../core/contracts/update-message.ts'
import { isTerminalStep } from '../../core/contracts/statuses.ts'
import { presentNames } from '../../core/graph/former-names.ts'
import type { Plan, PlanStep } from '../../core/graph/plan.ts'
import type { AnyDataType } from '../../core/language/data-type.ts'
import type { AnyUpdateType } from '../../core/language/update.ts'
import type { AsyncContext } from '../../runtime/environment/async-context.ts'
import type { Emitter } from '../../runtime/execution/emitter.ts'
import { isPromiseLike, issuesText } from '../../runtime/inputs/check-value.ts'
import { MemoryInbox } from '../../runtime/steps/inbox.ts'
import type { Checkpoints } from '../../runtime/steps/checkpoints.ts'
import { synchronous } from '../../runtime/steps/retry-decision.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import type { ExecutionCommits } from './execution-commits.ts'
import { allEffects } from './mail-effects.ts'
import type { MailEffects } from './mail-effects.ts'
import { OpenUpdates } from './open-updates.ts'
import { untouchable } from './shown-values.ts'

/** An execution that messages come to. */
interface ReceivingExecution {
  readonly plan: Plan
  readonly runs: readonly ({ readonly hasEnded: boolean } | undefined)[]
  /** By the places of their types. */
  readonly values: readonly unknown[]
  readonly setup: { readonly checkpoints?: Pick<Checkpoints, 'shown'> | undefined }
  readonly place: ErrorPlace
  readonly hasEnded: boolean
  readonly context: AsyncContext
  readonly emitter: Emitter | undefined
}

/** What an inbox's mail is of. */
interface InboxMailParts {
  readonly connection: StoreConnection
  readonly commits: ExecutionCommits
  /** The id of the execution, or of the batch. */
  readonly id: string
  /** The steps that receive something. */
  readonly steps: readonly PlanStep[]
  /** The index of the batch's item that it is of. @default it is of an execution, or of what items share */
  readonly item?: number | undefined
}

/**
 * The messages of which a step receives any number, to one execution that lives here, or to one item of a batch: they come to its inbox in their order, each once, and
 * stay in the store until a commit has what they have led to.
 */
export class InboxMail {
  readonly inbox: MemoryInbox
  readonly #parts: InboxMailParts
  /** Which step receives a type. */
  readonly #receivers: ReadonlyMap<string, string>
  /** What steps have taken, and no commit has consumed yet: by step, the numbers of the messages. */
  readonly #taken = new Map<string, number[]>()
  /** Present names of types by all that they have had. */
  readonly #names: ReadonlyMap<string, string>
  readonly #machines: ReadonlySet<string>
  readonly #updates: OpenUpdates
  #execution: ReceivingExecution | undefined
  #lastRead = 0
  #decoding = 0
  /** Values are decoded one after the other, so that none overtakes another; undefined while none takes its time. */
  #last: Promise<void> | undefined

  constructor(parts: InboxMailParts) {
    this.#parts = parts
    this.#updates = new OpenUpdates(parts)
    this.#receivers = new Map(
      parts.steps.flatMap(({ spec }) => spec.receives.map(({ name }) => [name, spec.name] as const)),
    )
    this.#names = presentNames(parts.steps.flatMap(({ spec }) => spec.receives))
    this.#machines = new Set(parts.steps.flatMap(({ spec }) => (spec.kind === 'machine' ? [spec.name] : [])))
    this.inbox = new MemoryInbox(
      parts.steps.flatMap(({ spec }) => spec.receives),
      {
        onSetAside: (type, message, issues, update) => {
          const what = `a message "${type}" does not fit: ${issuesText(issues)}`
          const error = new InputError('INPUT_INVALID', what, issues, this.#execution?.place)
          if (update === undefined) this.#setAside(type, message, error)
          else this.#updates.reject(update, error)
        },
        isOpen: (update) => this.#updates.has(update),
        onAnswered: (answer) => this.#updates.answer(answer),
        onRefused: (update, reason) => this.#updates.reject(update, reason),
        refuses: (type, value, update) => update !== undefined && this.#refuses(type as AnyUpdateType, value, update),
        onTaken: ({ type, message, update }, leads) => {
          // An update stays until it is answered.
          if (message === undefined || update !== undefined) return
          if (!leads) return parts.commits.consume(message)
          const step = this.#receivers.get(type)!
          const taken = this.#taken.get(step)
          if (taken === undefined) this.#taken.set(step, [message])
          else taken.push(message)
        },
      },
    )
  }

  /** The execution, which has not begun. */
  follow(execution: ReceivingExecution): void {
    this.#execution = execution
  }

  /** Whether a step here receives the type. */
  receives(type: string): boolean {
    return this.#names.has(type)
  }

  /** Whether something that came is still to be read or checked, or its answer to be written. */
  get isBusy(): boolean {
    return this.#decoding > 0 || this.inbox.isChecking || this.#updates.isAnswering
  }

  /** A message that brings a value. Each is taken once, however often it is read. */
  take(message: Message): void {
    const { seq, at, payload } = message
    if (seq <= this.#lastRead) return
    this.#lastRead = seq
    const place = placeOfMessage(message)!
    const type = this.#names.get(place.type)!
    const update = message.kind === updateKind ? updateOf(message) : undefined
    if (update !== undefined) {
      const step = this.#receivers.get(type)!
      if (this.#hasEnded(step)) return this.#updates.tooLate(update)
      this.#updates.add(update, step)
    }
    const came = (value: unknown): void => {
      this.inbox.give(type, value, at, seq, update)
      this.check()
    }
    const failed = (thrown: unknown): void => {
      if (update === undefined) this.#setAside(type, seq, thrown)
      else this.#updates.reject(update, thrown)
    }
    const decode = (): unknown =>
      payload === undefined
        ? undefined
        : this.#parts.connection.encoding.decode(payload, signalIdentity(this.#parts.id, place))
    try {
      const value = decode()
      if (this.#last === undefined && !isPromiseLike(value)) return came(value)
      this.#decoding++
      this.#last = this.#inTurn(this.#last, value, came, failed)
    } catch (thrown) {
      failed(thrown)
    }
  }

  /** Whether an update is still to be answered. */
  mayAnswer(update: UpdateRef): boolean {
    return this.#updates.has(update)
  }

  /** What a commit does that ends the execution: nothing is answered after it. */
  atEnd(): MailEffects | undefined {
    return this.#updates.ended()
  }

  #hasEnded(step: string): boolean {
    const position = this.#parts.steps.find(({ spec }) => spec.name === step)!.position
    return this.#execution?.runs[position]?.hasEnded === true
  }

  /** Asks what validates an update, by what is on record; where it throws, that is the answer. */
  #refuses({ name: type, validate }: AnyUpdateType, value: unknown, update: UpdateRef): boolean {
    if (validate === undefined) return false
    const { plan, values, setup } = this.#execution!
    try {
      const valueOf = ({ name }: AnyDataType): unknown => {
        const slot = plan.types.findIndex((one) => one.name === name)
        return slot < 0 ? setup.checkpoints?.shown?.(name) : values[slot]
      }
      // What is refused has no effect.
      const view = { get: (one: AnyDataType) => untouchable(valueOf(one)) as never }
      synchronous(validate(untouchable(value), view) as unknown, `validate of update "${type}"`)
      return false
    } catch (reason) {
      this.#updates.reject(update, reason)
      return true
    }
  }

  async #inTurn(
    before: Promise<void> | undefined,
    value: unknown,
    came: (value: unknown) => void,
    failed: (thrown: unknown) => void,
  ): Promise<void> {
    const decoded = Promise.resolve(value).then(
      (late) => () => came(late),
      (thrown: unknown) => () => failed(thrown),
    )
    await before
    const settle = await decoded
    if (--this.#decoding === 0) this.#last = undefined
    settle()
  }

  /** Types that came and that no step has taken. */
  get unread(): readonly string[] {
    return [...new Set(this.inbox.unread.map(({ type }) => type))]
  }

  /** What has come may be looked at: the execution has begun. */
  check(): void {
    const execution = this.#execution
    if (execution !== undefined && !execution.hasEnded) execution.context.run(() => this.inbox.check())
  }

  /** Numbers of the messages that a step has taken, and that are in no commit yet. */
  takenBy(step: string): readonly number[] {
    return [...(this.#taken.get(step) ?? [])]
  }

  /** A commit is about to be written that consumes these. */
  consuming(seqs: readonly number[]): void {
    this.#updates.consuming(seqs)
    for (const [step, taken] of this.#taken) {
      const left = taken.filter((seq) => !seqs.includes(seq))
      if (left.length === 0) this.#taken.delete(step)
      else if (left.length < taken.length) this.#taken.set(step, left)
    }
  }

  /**
   * What a step has taken goes with its end, whatever it leads to; what a machine has taken, with what it is at then, and neither with a failure nor where it is given up: it is
   * left where it was before.
   */
  effectsOf(records: readonly StepRecord[], areGivenUp = false): MailEffects | undefined {
    if (records.length === 0) return undefined
    let effects: MailEffects | undefined
    const consumed: number[] = []
    for (const { step, status } of records) {
      const isMachine = this.#machines.has(step)
      const isLeft = areGivenUp || status === 'failed' || status === 'cancelled'
      const goes = isMachine ? !isLeft : isTerminalStep(status)
      if (isMachine) effects = allEffects([effects, this.#updates.answeredBy(step, goes)])
      if (goes) append(consumed, this.takenBy(step))
    }
    if (consumed.length > 0) effects = allEffects([effects, { consumed }])
    if (effects?.consumed !== undefined) this.consuming(effects.consumed)
    const ended = new Set(records.flatMap(({ step, status }) => (isTerminalStep(status) ? [step] : [])))
    return allEffects([effects, this.#updates.ended(ended)])
  }

  /** Nobody can use it: it hides no other one. */
  #setAside(type: string, seq: number | undefined, error: unknown): void {
    const { connection, commits, item } = this.#parts
    const { clock, failures } = connection
    this.#execution?.emitter?.durable(clock.now(), { type: 'signal.set-aside', item, signal: type, error })
    if (seq === undefined) return
    const what = `setting a message "${type}" aside (${describeThrown(error)})`
    commits.write({ steps: [], consumed: [seq] }).catch(failures.of(what))
  }
}
