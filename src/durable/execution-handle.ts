import type { Snapshot } from 'xstate'
import { ExecutionConflictError, LeaseLostError } from '../core/errors.ts'
import type { AnyDataType, GivenOf, TypedDataType, ValueOf } from '../core/language/data-type.ts'
import { inspectKey } from '../core/inspect-key.ts'
import type { AsyncContext } from '../runtime/environment/async-context.ts'
import { endWait } from '../runtime/environment/open-waits.ts'
import type { ExecutionActorRef } from '../runtime/actors/execution-logic.ts'
import type { ExecutionRecord } from '../core/contracts/execution-record.ts'
import { patienceMs } from '../runtime/store-access/store-patience.ts'
import { pauseBeforeLook } from './context/look-again.ts'
import { orClosed } from './context/closed-while-waiting.ts'
import { endedBySignal, requireNotAborted } from './context/ended-by-signal.ts'
import type { DocketContext } from './context/docket-context.ts'
import { cancelExecution, orEndUnknown } from './cancel-execution.ts'
import { detachExecution } from './detach-execution.ts'
import { checkDetails, detailsOf, infoOfExecution } from './execution-details.ts'
import type { DetailsOptions } from './execution-details.ts'
import { HopelessWait } from './hopeless-wait.ts'
import { outcomeOfRecord } from './outcome-of-record.ts'
import { isKnown, noSuchExecution, notCommitted, unknownStatus } from './records/execution-info.ts'
import type { ExecutionDetails, ExecutionInfo } from './records/execution-info.ts'
import { hasOutcome } from './records/known-outcome.ts'
import { queryExecution } from './query-execution.ts'
import { textOfHandle } from './text-of-handle.ts'
import type { KnownOfHandle } from './text-of-handle.ts'
import { findMachine, findValue } from './value-of-type.ts'
import { requireNoCircle } from './waits-in-circles.ts'
import { checkWhy, whyOf } from './why-of.ts'
import type { Why, WhyOptions } from './why/why.ts'
import { checkWatchOptions, watchValue } from './watch-value.ts'
import type { WatchOptions } from './watch-value.ts'
import { checkUpdate, sendUpdate } from './mail/send-update.ts'
import type { UpdateOptions } from './mail/send-update.ts'
import type { AnswerOf, AnyUpdateType } from '../core/language/update.ts'
import { checkSignalOptions, requireDataType, sendSignal } from './mail/send-signal.ts'
import type { SignalCallOptions, SignalVerdict } from './mail/send-signal.ts'
import { checkReschedule, rescheduleTimer } from './mail/reschedule-timer.ts'
import type { RescheduleOptions, RescheduleVerdict } from './mail/reschedule-timer.ts'
import type { StartVerdict } from './start/start-keys.ts'
import type { Duration } from '../core/duration.ts'
import type { AnyQueries, QueryInput, QueryResult } from '../core/graph/queries.ts'
import { requireName } from '../core/check-name.ts'
import { isRecord } from '../core/is-record.ts'
import { isMachineStep } from '../core/language/machine-step.ts'
import type { AnyMachineStep, MachineView } from '../core/language/machine-step.ts'
import type { AnyStep } from '../core/language/step.ts'
import type { TimerRef } from '../core/graph/timer-names.ts'

/** A step whose work is a machine. */
interface MachineOfStep {
  readonly kind: 'machine'
  /** The machine. */
  readonly machine: unknown
}
type FoundOf<T> = T extends { readonly kind: 'machine'; readonly machine: infer Machine }
  ? MachineView<Machine>
  : T extends TypedDataType
    ? ValueOf<T>
    : never

const firstPollMs = 20
const longestPollMs = 500
// Very many callers may wait for what is parked: where the store says when it has ended, they look for themselves only to be sure.
const longestParkedPollMs = 5_000

/** What was known of an execution when its handle was made. */
interface About extends KnownOfHandle {
  readonly kind?: 'execution' | 'batch'
  /** Whether it was started in a transaction of the caller's. */
  readonly isInTransaction?: boolean
  /** The caller's: it ends the wait for the result. */
  readonly signal?: AbortSignal | undefined
  /** The async context of the call that began it. */
  readonly caller?: AsyncContext
  readonly outcome?: StartVerdict | undefined
}

/** One durable execution, wherever it runs. */
export class ExecutionHandle<
  Output,
  Signal extends TypedDataType = TypedDataType,
  TimerName extends string = string,
  Queries = AnyQueries,
> {
  /** The execution's id: the caller's `id`, else a random one. */
  readonly id: string
  readonly #context: DocketContext
  readonly #about: About
  /** Whether its transaction may still be open. */
  #isUncommitted: boolean

  constructor(context: DocketContext, id: string, about: About = {}) {
    this.#context = context
    this.id = id
    this.#about = about
    this.#isUncommitted = about.isInTransaction === true
  }

  /** What became of the call to `start` that gave the handle; undefined for one that another call has given. */
  get outcome(): StartVerdict | undefined {
    return this.#about.outcome
  }

  get #graph(): string | undefined {
    return this.#about.graph ?? this.#context.owned.get(this.id)?.graph
  }

  /** The execution's actor while it lives in this process; undefined otherwise. */
  get actor(): ExecutionActorRef | undefined {
    return this.#context.owned.get(this.id)?.actor
  }

  /**
   * The execution's value, as soon as there is one, wherever it is made. The `signal` of the call that gave the handle ends the wait.
   * @throws (as rejection) what the execution failed with: StepError, ExecutionTimeoutError, ExecutionCancelledError (after a
   * restart, an Error of that name and with its fields); ExecutionCancelledError where the signal ended the wait, or another process deleted it
   * while it ran in this one; ExecutionConflictError when it was deleted, or nobody runs it and its records don't fit this process's graph;
   * LeaseLostError where this process lost it and can't reach the store to read how it ends; StoreError
   */
  async result(): Promise<Output> {
    const wait = {}
    requireNoCircle(this.#context, this.id, wait)
    const { caller, signal } = this.#about
    const { parkedCallers, keepAlive } = this.#context
    const leave = caller && parkedCallers.waits(this.id, caller)
    keepAlive.hold()
    try {
      return await endedBySignal(this.#context, this.id, signal, () => this.#awaitOutcome())
    } finally {
      keepAlive.release()
      leave?.()
      endWait(wait)
    }
  }

  async #awaitOutcome(): Promise<Output> {
    const { owned, handOver, connection } = this.#context
    const hopeless = new HopelessWait(this.#context)
    let isLost = false
    await this.#untilCommitted()
    const isNotified = connection.store.subscribe !== undefined
    let longestMs = longestPollMs
    for (let pauseMs = 0; ; pauseMs = longer(pauseMs, longestMs)) {
      const departure = await owned.get(this.id)?.departure
      if (departure?.type === 'output') return departure.output as Output
      if (departure?.type === 'error') throw departure.error
      isLost ||= departure?.error instanceof LeaseLostError
      // One that is ended by its signal is waited for although that is aborted: it would end every pause at once.
      const ends = this.#about.signal?.aborted === true ? {} : this.#about
      if (pauseMs > 0) await pauseBeforeLook(this.#context, this.id, pauseMs, ends)
      // When the docket is being closed it looks once more: the execution may have ended just before.
      const isLast = handOver.hasBegun
      if (isLast && connection.isClosed) throw this.#context.closedWhileWaiting(this)
      if (owned.has(this.id) && !isLast) continue
      const record = await orEndUnknown(this.id, isLost, () => handOver.look(() => this.#record()))
      if (record === undefined)
        throw this.#about.isInTransaction === true ? notCommitted(this.id) : noSuchExecution(this.id)
      if (hasOutcome(record)) {
        this.#context.parkedCallers.delete(this.id)
        return (await outcomeOfRecord(this.#context, record)) as Output
      }
      if (isLast) throw this.#context.closedWhileWaiting(this)
      if (!isKnown(record.status)) throw new ExecutionConflictError(unknownStatus(record), { executionId: this.id })
      // One that was parked ends by that signal, and is waited for until it has.
      if (this.#context.parkedCallers.endingBy(this.id, this.#about.signal) === undefined)
        requireNotAborted(this.id, this.#about.signal)
      longestMs = record.parkedAt !== undefined && isNotified ? longestParkedPollMs : longestPollMs
      await orEndUnknown(this.id, isLost, () => hopeless.look(record))
    }
  }

  /**
   * Ends the execution wherever it runs: at once here, in a moment elsewhere. Does nothing to one that has ended. Resolves once that is
   * written: the end itself, or a message that whoever has the execution finds.
   * @throws (as rejection) ExecutionConflictError where there is none, LeaseLostError where it can't be known, StoreError
   */
  async cancel(reason?: unknown): Promise<void> {
    await orClosed(this.#context, 'cancel', this.id, async () => {
      if (!this.#context.owned.has(this.id)) await this.#untilCommitted()
      await cancelExecution(this.#context, this.id, reason, 'call')
    })
  }

  /**
   * Gives the execution a value that one of its steps waits for, or will wait for. Resolves once it is stored, with what became of it: `accepted`, it
   * will be read; `duplicate`, another one came first; `late`, its step waits no more; `ended`, the execution has ended.
   * A docket without the graph knows the types by the execution's record, unless that goes on in another version by now, or waited for none: there one that no
   * step waits for is accepted, and named by `unread` of the event of the execution's end. An `id` that was sent before gets its
   * first answer, also where the value was set aside since. Of a batch, `item` says which of its items it is for.
   * With `transaction`, it is sent if and only if that commits.
   * @throws (as rejection) InputError for a value that does not fit its type, OptionError for a type that no step of its graph waits for, and for an item that is wrong or missing,
   * ExecutionConflictError where there is no such execution, SerializationError, StoreError
   */
  async signal<T extends Signal>(type: T, value: GivenOf<T>, options: SignalCallOptions = {}): Promise<SignalVerdict> {
    checkSignalOptions(options)
    return orClosed(this.#context, 'signal', this.id, async () => {
      if (options.transaction === undefined) await this.#untilCommitted()
      return sendSignal(
        this.#context,
        { id: this.id, graph: this.#graph, target: this.#about.target, kind: this.#about.kind },
        type as unknown as AnyDataType,
        value,
        options,
      )
    })
  }

  /**
   * Sends an update, and resolves with what it is answered with, in whatever process that happens: by a durable step that receives it, at its turn. An
   * `id` that was sent before gets its answer, also after the end; with another value it is a conflict. With `timeout` it is waited for no longer; the
   * update stays, and may be sent again under the same `id`.
   * @throws (as rejection) UpdateError where it was rejected, failed, not answered before the end, or not in time; InputError for a value that does not fit; OptionError for
   * what no step of its graph receives, and for an item that is wrong or missing; ExecutionConflictError for another value under the same id, and where there is no such execution;
   * DeadlockError where the step that would answer waits for the one that asks; SerializationError, StoreError
   */
  async update<U extends Signal & { readonly result: TypedDataType }>(
    type: U,
    value: GivenOf<U>,
    options: UpdateOptions = {},
  ): Promise<AnswerOf<U>> {
    checkUpdate(type, options)
    return orClosed(this.#context, 'update', this.id, async () => {
      await this.#untilCommitted()
      const target = { id: this.id, graph: this.#graph, target: this.#about.target, kind: this.#about.kind }
      return (await sendUpdate(this.#context, target, type as unknown as AnyUpdateType, value, options)) as AnswerOf<U>
    })
  }

  /**
   * Gives a timer of the execution another time: a Date, or a duration from now; what has passed is now. From any process, whoever runs the execution,
   * while it is parked too, and before the timer is set: then it is kept until that. Resolves once it is stored: `accepted`, it will be read, and
   * holds unless the timer comes due before; `late`, the timer waits no more; `ended`, the execution has ended. The last one holds.
   * @throws (as rejection) OptionError for a timer that its graph does not have, and for what is no time; ExecutionConflictError where there is no
   * such execution; StoreError
   */
  async reschedule(
    timer: TimerRef<TimerName>,
    when: Date | Duration,
    options: RescheduleOptions = {},
  ): Promise<RescheduleVerdict> {
    const call = { timer, when, options }
    checkReschedule(call)
    return orClosed(this.#context, 'reschedule', this.id, async () => {
      await this.#untilCommitted()
      return rescheduleTimer(this.#context, this.id, call)
    })
  }

  /**
   * The value of a data type as of the last commit, from any process, while the execution runs, is parked, or has ended: what it was given, or what
   * a step has made that is on record. Undefined as long as there is none: a signal is there once its step has taken it; what is
   * not persisted, once the execution is parked while something still needs it. Of a step that is a machine, what that is at; undefined before it has begun.
   * @throws (as rejection) ExecutionConflictError where there is no such execution; OptionError for a batch, and for a type or a step that its graph does not
   * have, where this docket knows the graph; SerializationError, StoreError
   */
  async get<T extends TypedDataType | MachineOfStep>(type: T): Promise<FoundOf<T> | undefined> {
    if (isRecord(type) && isMachineStep(type as unknown as AnyStep))
      return orClosed(this.#context, 'get', this.id, async () => {
        await this.#untilCommitted()
        return (await findMachine(this.#context, this.id, type as unknown as AnyMachineStep)) as FoundOf<T> | undefined
      })
    requireDataType('get', type)
    return orClosed(this.#context, 'get', this.id, async () => {
      await this.#untilCommitted()
      const { read } = await findValue(this.#context, 'get', this.id, type as unknown as AnyDataType)
      return (await read()) as FoundOf<T> | undefined
    })
  }

  /**
   * What a query of the execution's graph gives, over what is on record of it: from any process whose docket has the graph, while the execution runs, is parked, or has
   * ended. No function of a step runs because of it.
   * @throws (as rejection) OptionError for a query that the graph does not have, and for a batch; QueryError for what it threw; ExecutionConflictError where
   * there is no such execution; StoreError
   */
  async query<Name extends keyof Queries & string>(
    name: Name,
    ...[input]: QueryInput<Queries[Name]>
  ): Promise<QueryResult<Queries[Name]>> {
    requireName('query: name', name)
    return orClosed(this.#context, 'query', this.id, async () => {
      await this.#untilCommitted()
      return (await queryExecution(this.#context, this.id, name, input)) as QueryResult<Queries[Name]>
    })
  }

  /**
   * The value of a data type as of each commit, as `get` gives it, from any process: the one that is there, as soon as there is one, and each other
   * one after it, until the execution has ended, however it does. The `signal` ends the loop with an ExecutionCancelledError. A loop that is left leaves nothing behind.
   * @throws (in the loop) what `get` throws, ExecutionCancelledError, DocketClosedError; (at once) OptionError
   */
  watch<T extends TypedDataType>(type: T, options: WatchOptions = {}): AsyncGenerator<ValueOf<T>, void, undefined> {
    requireDataType('watch', type)
    checkWatchOptions(options)
    const watched = { id: this.id, type: type as unknown as AnyDataType, ...options }
    return watchValue(this.#context, watched, () => this.#untilCommitted()) as AsyncGenerator<
      ValueOf<T>,
      void,
      undefined
    >
  }

  /**
   * What its own record says of it, from any process: status, inputs, output, error and times, as in `docket.list`, and nothing of its steps.
   * @throws (as rejection) ExecutionConflictError where there is none (any more), StoreError
   */
  async info(): Promise<ExecutionInfo> {
    return orClosed(this.#context, 'info', this.id, async () => {
      await this.#untilCommitted()
      return infoOfExecution(this.#context, this.id)
    })
  }

  /**
   * What is known of it, from any process: status, inputs, output, error, times, and each step with its state, since when, and what it
   * waits for. With `live`, the process that runs it says that, where it is another one.
   * @throws (as rejection) ExecutionConflictError where there is none (any more), OptionError, StoreError
   */
  async details(options: DetailsOptions = {}): Promise<ExecutionDetails> {
    checkDetails(options)
    return orClosed(this.#context, 'details', this.id, async () => {
      await this.#untilCommitted()
      return detailsOf(this.#context, this.id, options)
    })
  }

  /** Why it, or one of its steps, is where it is: as `docket.why`. @throws (as rejection) what that throws */
  async why(step?: string, options: WhyOptions = {}): Promise<Why> {
    checkWhy(step, options)
    return orClosed(this.#context, 'why', this.id, async () => {
      await this.#untilCommitted()
      return whyOf(this.#context, this.id, step, options)
    })
  }

  /**
   * What `console.log` shows, and a template literal: id, graph, target, and how many steps are in which state. It reads no store: of an execution
   * elsewhere, what was known when the handle was made.
   */
  toString(): string {
    return textOfHandle(this.id, this.#about, this.#context.owned.get(this.id))
  }

  /** What `console.log` shows. */
  [inspectKey](): string {
    return this.toString()
  }

  /**
   * Takes the execution out of its docket, for good: no docket goes on with it, and the snapshot continues as an actor,
   * `createActor(fromGraph(graph, T), { snapshot })`. Steps that run are stopped, and run again there. In the store it is `cancelled`, with
   * `isDetached` in its details.
   * @throws (as rejection) ExecutionConflictError when it has ended, runs in another process, or has a child that has not ended; OptionError for a batch;
   * StoreError
   */
  detach(): Promise<Snapshot<unknown>> {
    return orClosed(this.#context, 'detach', this.id, () => detachExecution(this.#context, this.id))
  }

  /** The actor's snapshot; undefined where the execution does not live in this process. */
  getSnapshot(): ReturnType<ExecutionActorRef['getSnapshot']> | undefined {
    return this.actor?.getSnapshot()
  }

  /** The actor's snapshot as JSON-safe data in XState's shape; undefined where it does not live in this process. */
  getPersistedSnapshot(): Snapshot<unknown> | undefined {
    return this.actor?.getPersistedSnapshot()
  }

  /** Emits each snapshot while the execution lives in this process. */
  subscribe(listener: (snapshot: ReturnType<ExecutionActorRef['getSnapshot']>) => void): { unsubscribe(): void } {
    return this.actor?.subscribe({ next: listener, error: () => {} }) ?? { unsubscribe: () => {} }
  }

  /** Of one that was started in a transaction there is nothing to see before that is committed. @throws ExecutionConflictError */
  async #untilCommitted(): Promise<void> {
    if (!this.#isUncommitted) return
    const until = this.#context.clock.elapsed() + patienceMs
    for (let pauseMs = firstPollMs; (await this.#record()) === undefined; pauseMs = longer(pauseMs, longestPollMs)) {
      if (this.#context.clock.elapsed() >= until) throw notCommitted(this.id)
      requireNotAborted(this.id, this.#about.signal)
      await pauseBeforeLook(this.#context, this.id, pauseMs, this.#about)
      if (this.#context.handOver.hasBegun) throw this.#context.closedWhileWaiting(this)
    }
    this.#isUncommitted = false
  }

  async #record(): Promise<ExecutionRecord | undefined> {
    try {
      return await this.#context.connection.gets.add(this.id, this.#context.clock.elapsed() + 30_000)
    } catch (error) {
      throw this.#context.handOver.hasBegun ? this.#context.closedWhileWaiting(this) : error
    }
  }
}

function longer(pauseMs: number, longestMs: number): number {
  return Math.min(Math.max(firstPollMs, pauseMs * 2), longestMs)
}
