import { describeThrown } from '../../core/thrown.ts'
import { InputError } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { Message } from '../../core/contracts/message.ts'
import { placeOfMessage, placeOfSlot, signalIdentity } from '../../core/contracts/signal-message.ts'
import { isTerminalStep } from '../../core/contracts/statuses.ts'
import { presentNames } from '../../core/graph/former-names.ts'
import { signalSlotOf } from '../../core/graph/signal-slot-of.ts'
import type { Plan, PlanStep } from '../../core/graph/plan.ts'
import type { AsyncContext } from '../../runtime/environment/async-context.ts'
import type { Emitter } from '../../runtime/execution/emitter.ts'
import type { StepState } from '../../runtime/execution/step-state.ts'
import { statusOf } from '../../runtime/execution/step-status.ts'
import { isPromiseLike, issuesText } from '../../runtime/inputs/check-value.ts'
import { Signals } from '../../runtime/steps/signals.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import type { ExecutionCommits } from './execution-commits.ts'
import type { MailEffects } from './mail-effects.ts'

/** An execution that signals come to. */
interface SignalledExecution {
  readonly plan: Plan
  readonly runs: readonly (StepState | undefined)[]
  readonly place: ErrorPlace
  readonly hasEnded: boolean
  readonly context: AsyncContext
  readonly emitter: Emitter | undefined
}

/** What a mail is of. */
interface SignalMailParts {
  readonly connection: StoreConnection
  readonly commits: ExecutionCommits
  /** The id of the execution, or of the batch. */
  readonly id: string
  /** The steps that wait for signals. */
  readonly steps: readonly PlanStep[]
  /** The index of the batch's item that it is of. @default it is of an execution, or of what items share */
  readonly item?: number | undefined
}

/**
 * The signals to one execution that lives here, or to one item of a batch: what came of them, and what its commits do to their messages and slots. A message is consumed by the
 * commit that has the value of its step, and a slot is closed by the one that ends the wait without a value.
 */
export class SignalMail {
  readonly signals: Signals
  readonly #connection: StoreConnection
  readonly #commits: ExecutionCommits
  readonly #id: string
  readonly #item: number | undefined
  readonly #steps: readonly PlanStep[]
  /** Types whose slots that this process has closed, or found its step ended. */
  readonly #closed = new Set<string>()
  /** Types whose slot this process has opened, for which another message may have taken it. */
  readonly #opened = new Set<string>()
  /** Types whose slot may be closed, though it is waited for. */
  readonly #unknown = new Set<string>()
  #execution: SignalledExecution | undefined
  #lastRead = 0
  /** Present names of types by all that they have had. */
  readonly #names: ReadonlyMap<string, string>
  /** Types that came and that no step waits for. */
  readonly #strays = new Set<string>()
  #decoding = 0

  constructor({ connection, commits, id, steps, item }: SignalMailParts) {
    this.#connection = connection
    this.#commits = commits
    this.#id = id
    this.#item = item
    this.#steps = steps
    this.#names = presentNames(steps.map(({ spec }) => spec.output))
    this.signals = new Signals(
      steps.map(({ spec }) => spec.output),
      (type, message, issues) => {
        const what = `a signal "${type}" does not fit: ${issuesText(issues)}`
        this.#setAside(type, message, new InputError('INPUT_INVALID', what, issues, this.#execution?.place))
      },
    )
  }

  /** The execution, which has not begun. */
  follow(execution: SignalledExecution): void {
    this.#execution = execution
    for (const step of this.#steps) if (execution.runs[step.position]?.hasEnded === true) this.#closed.add(nameOf(step))
  }

  /** Whether something that came is still to be read or checked. */
  get isBusy(): boolean {
    return this.#decoding > 0 || this.signals.areChecking
  }

  /** Values that came with the execution itself. */
  give(values: Readonly<Record<string, unknown>>): void {
    for (const [type, value] of Object.entries(values)) if (!this.#closed.has(type)) this.signals.give(type, value)
  }

  /** A message that brings a value. Each is taken once, however often it is read. */
  take(message: Message): void {
    const { seq, at, payload } = message
    if (seq <= this.#lastRead) return
    this.#lastRead = seq
    const { encoding } = this.#connection
    const place = placeOfMessage(message)!
    const type = this.#names.get(place.type) ?? place.type
    try {
      const value = payload === undefined ? undefined : encoding.decode(payload, signalIdentity(this.#id, place))
      if (!isPromiseLike(value)) return this.#came(type, value, seq, at)
      this.#decoding++
      value.then(
        (late) => {
          this.#decoding--
          this.#came(type, late, seq, at)
        },
        (thrown: unknown) => {
          this.#decoding--
          this.#setAside(type, seq, thrown)
        },
      )
    } catch (thrown) {
      this.#setAside(type, seq, thrown)
    }
  }

  /** Types that came and that no step has taken. */
  get unread(): readonly string[] {
    const left = this.#steps.filter((step) => {
      const run = this.#execution?.runs[step.position]
      return run?.hasOutput !== true && this.signals.has(nameOf(step))
    })
    return [...left.map(nameOf), ...this.#strays]
  }

  /** What has come may be looked at: the execution has begun. */
  check(): void {
    const execution = this.#execution!
    if (!execution.hasEnded) execution.context.run(() => this.signals.check())
  }

  /** What a commit with these records does to messages and slots, beside what they say. */
  effectsOf(records: readonly StepRecord[]): MailEffects | undefined {
    const consumed: number[] = []
    const closedSlots: string[] = []
    const openedSlots: string[] = []
    if (this.#execution === undefined) return undefined
    const { plan, runs, hasEnded } = this.#execution
    const isOver = (run: StepState | undefined): boolean => isOverForGood(run, hasEnded)
    for (const step of this.#steps) {
      const name = nameOf(step)
      if (this.#closed.has(name)) continue
      const record = records.find((one) => one.step === step.spec.name && isTerminalStep(one.status))
      const isUnknown = this.#unknown.delete(name)
      if (record === undefined && !isOver(runs[step.position]) && !isLost(plan, runs, step, records, isOver)) {
        if (isUnknown && !hasEnded && !this.signals.has(name)) openedSlots.push(this.#opening(step))
        continue
      }
      this.#closed.add(name)
      const message = this.signals.messageOf(name)
      const isConsumed = record?.status === 'completed' && message !== undefined
      if (isConsumed) consumed.push(message)
      // Put together with a commit that opens the slot and comes once more, it would open what its message holds, which is gone by then.
      const mayBeOpened = isConsumed ? this.#opened.has(name) : !this.signals.has(name)
      if (mayBeOpened) closedSlots.push(this.#slotOf(step))
    }
    return effectsIn(consumed, closedSlots, openedSlots)
  }

  /** Slots that are open, and that nothing will ask for any more: it has ended. Those that something was sent to stay taken. */
  leftOpen(): readonly string[] {
    const left = this.#steps.filter((step) => !this.#closed.has(nameOf(step)) && !this.signals.has(nameOf(step)))
    return left.map((step) => this.#slotOf(step))
  }

  /**
   * The commit was not written, as far as is known: what it did to slots is to be done by another one. A slot that is waited for still may be
   * closed, where the answer alone was lost: the next commit opens it.
   */
  undo({ closedSlots = [], openedSlots = [] }: MailEffects): void {
    for (const slot of [...closedSlots, ...openedSlots]) {
      const { type: first } = placeOfSlot(slot)
      const type = this.#names.get(first) ?? first
      this.#closed.delete(type)
      this.#unknown.add(type)
    }
  }

  #opening(step: PlanStep): string {
    this.#opened.add(nameOf(step))
    return this.#slotOf(step)
  }

  #slotOf({ spec }: PlanStep): string {
    return signalSlotOf(spec.output, this.#item)
  }

  #came(type: string, value: unknown, seq: number, at: number): void {
    // What no step waits for stays where it is: another version of the graph may have one.
    if (!this.#steps.some((step) => nameOf(step) === type)) return void this.#strays.add(type)
    // Its step has ended, or had its value with the start.
    if (this.#closed.has(type) || !this.signals.give(type, value, { seq, at })) this.#commits.consume(seq)
    else this.check()
  }

  /** Nobody can use it: it hides no other one, which may take its place. */
  #setAside(type: string, seq: number | undefined, error: unknown): void {
    const { clock, failures } = this.#connection
    this.#execution?.emitter?.durable(clock.now(), {
      type: 'signal.set-aside',
      item: this.#item,
      signal: type,
      error,
    })
    if (seq === undefined) return
    const step = this.#steps.find((one) => nameOf(one) === type)
    const openedSlots = step === undefined || this.#closed.has(type) ? undefined : [this.#opening(step)]
    const what = `setting a signal "${type}" aside (${describeThrown(error)})`
    this.#commits.write({ steps: [], consumed: [seq], openedSlots }).catch(failures.of(what))
  }
}

/** What a commit does to messages and slots; undefined for nothing. */
export function effectsIn(
  consumed: readonly number[],
  closedSlots: readonly string[],
  openedSlots: readonly string[],
): MailEffects | undefined {
  const count = consumed.length + closedSlots.length + openedSlots.length
  if (count === 0) return undefined
  return { consumed, closedSlots, ...(openedSlots.length > 0 && { openedSlots }) }
}

/** Whether a step is over wherever the execution goes on: why one was skipped, or what has ended the execution and so the step, may be on no record, and be gone with this process. */
function isOverForGood(run: StepState | undefined, hasEnded: boolean): boolean {
  if (run?.hasEnded !== true) return false
  const status = statusOf(run)
  return status !== 'skipped' && !(hasEnded && status === 'cancelled')
}

function nameOf({ spec }: PlanStep): string {
  return spec.output.name
}

/** Whether a record decides the one race that waits for the signal: it loses by that. */
function isLost(
  { racers, dependants, isWanted, steps, producers }: Plan,
  runs: readonly (StepState | undefined)[],
  { outputSlot }: PlanStep,
  records: readonly StepRecord[],
  isOver: (run: StepState | undefined) => boolean,
): boolean {
  if (racers === undefined || dependants[outputSlot]!.length > 0 || isWanted[outputSlot]!) return false
  const races = racers[outputSlot]!
  return (
    races.length > 0 &&
    races.every((race) => {
      const run = runs[race]
      if (run?.hasEnded === true || run?.first !== undefined) return true
      const ports = steps[race]!.portSlots.filter((slot) => slot !== outputSlot)
      // A value that comes after its step has failed is kept, and decides nothing.
      const open = ports.filter((slot) => !isOver(runs[producers[slot]!]))
      const names = open.flatMap((slot) => steps[producers[slot]!]?.spec.name ?? [])
      return records.some(({ step, status }) => (status === 'completed' || status === 'cached') && names.includes(step))
    })
  )
}
