import type {
  ExecutionCompensating,
  ExecutionEnded,
  ExecutionIncompatible,
  ExecutionReleased,
  ExecutionResumed,
  LeaseLost,
  LoopBlocked,
  StepCancelled,
  StepEmitted,
  StepEnded,
  ParkingFailed,
  EventSetAside,
  SignalSetAside,
  StepInputsChanged,
  StoreFailed,
  UndoAttemptFailed,
  UndoEnded,
  UndoStarted,
} from '../../core/contracts/events.ts'
import type { Observer } from '../../core/contracts/observer.ts'
import type { StepState } from './step-state.ts'
import type { WorkingStep } from '../steps/step-work.ts'
import { elapsedSince } from '../environment/clock.ts'
import { AsyncContext } from '../environment/async-context.ts'
import { asCallingStep } from '../environment/current-step.ts'
import { EventDelivery } from './event-delivery.ts'
import { observationOf, outgoingHeaders, unheardBy } from './observation.ts'
import type { Observation, WholeRecord } from './observation.ts'
import type { ExecutionLife, LifeAttempt } from '../../core/contracts/execution-life.ts'

type Own<Event> = Omit<Event, 'seq' | 'at' | 'executionId' | 'graph'>
type DurableEvent =
  | Own<ExecutionResumed>
  | Own<LeaseLost>
  | Own<ExecutionIncompatible>
  | Own<LoopBlocked>
  | Own<StepInputsChanged>
  | Own<SignalSetAside>
  | Own<EventSetAside>
  | Own<ParkingFailed>

/** What only executions report that undo what they did. */
type UndoEvent = Own<ExecutionCompensating> | Own<UndoStarted> | Own<UndoAttemptFailed> | Own<UndoEnded>

/** What observers may want to know of an execution besides its names. */
type EmitterAbout = Pick<ExecutionLife, 'headers' | 'hasDeclaredNames' | 'parent'>

const nothing = (): void => {}

const nothingMore: EmitterAbout = { headers: {}, hasDeclaredNames: false, parent: undefined }

/** Builds events for observers, numbered without gaps. It exists only where somebody observes. */
export class Emitter extends EventDelivery {
  /** Types of signals that no step has taken. Absent where none can come. */
  unread?: () => readonly string[]
  #strays: Set<string> | undefined
  readonly #executionId: string
  readonly #graph: string
  readonly #target: string
  readonly #about: EmitterAbout
  readonly #given: readonly Observer[]
  #seq = 0
  #hasBegun = false
  /** Calls what begins the work of an attempt; undefined where nobody stands around that. */
  within: Observation['within']
  /** Whether that puts the same into the async context of every attempt. */
  #entersOnce = false
  /** What that made last of the context of an execution, where it does. */
  #entered: { readonly from: AsyncContext; readonly context: AsyncContext } | undefined
  /** Whether anybody gets its events: times are read for them alone. */
  isHeard = true
  /** A time that was read for an event, for the next one, while what follows at once has not led to user code. */
  justRead: number | undefined = undefined

  constructor(
    executionId: string,
    graph: string,
    target: string,
    observers: readonly Observer[],
    about: EmitterAbout = nothingMore,
  ) {
    super(observers)
    this.#about = about
    this.#executionId = executionId
    this.#graph = graph
    this.#target = target
    this.#given = observers
  }

  /** Gives it once: whatever begins then may take its time. */
  takeJustRead(): number | undefined {
    const at = this.justRead
    this.justRead = undefined
    return at
  }

  /** The execution begins to live here: observers say who gets its events. */
  begin(at: number, record?: WholeRecord): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    const observation = observationOf(this.#given, () => ({
      executionId: this.#executionId,
      graph: this.#graph,
      target: this.#target,
      at,
      record,
      hasDeclaredNames: this.#about.hasDeclaredNames,
      headers: this.#about.headers,
      parent: this.#about.parent,
    }))
    if (observation !== undefined) {
      this.deliverTo(observation.receivers, observation.owners)
      this.within = observation.within
      this.#entersOnce = observation.entersOnce
      this.isHeard = observation.receivers.length > 0
    }
    if (!this.isHeard) return
    for (const method of unheardBy(observation?.receivers ?? this.#given)) this[method] = nothing
  }

  /** Calls what begins the work of an attempt, in a context, with what observers put into it around that. */
  around(from: AsyncContext, attempt: LifeAttempt, begin: () => void): void {
    const { within } = this
    if (within === undefined) from.run(begin)
    else if (this.#entersOnce) this.#enteredFrom(from, attempt, within).run(begin)
    else from.run(() => within(attempt, begin))
  }

  #enteredFrom(from: AsyncContext, attempt: LifeAttempt, within: NonNullable<Observation['within']>): AsyncContext {
    // Items of a batch have contexts of their own.
    if (this.#entered?.from !== from) {
      let context = from
      from.run(() => within(attempt, () => (context = new AsyncContext())))
      this.#entered = { from, context }
    }
    return this.#entered.context
  }

  /** Headers with which a step of the execution calls somebody else. */
  outgoing(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    return outgoingHeaders(this.#given, headers, 'step')
  }

  executionStarted(at: number): void {
    this.begin(at)
    this.emit({
      type: 'execution.started',
      seq: ++this.#seq,
      at,
      executionId: this.#executionId,
      graph: this.#graph,
      target: this.#target,
      ...(this.#about.parent !== undefined && { parent: this.#about.parent }),
    })
  }

  /** A signal came to an execution of which no step waits for any. */
  strayCame(type: string): void {
    this.#strays = (this.#strays ?? new Set()).add(type)
  }

  executionEnded(at: number, status: ExecutionEnded['status'], durationMs: number, error: unknown): void {
    const unread = [...(this.unread?.() ?? []), ...(this.#strays ?? [])]
    this.emit({
      type: 'execution.ended',
      seq: ++this.#seq,
      at,
      executionId: this.#executionId,
      graph: this.#graph,
      target: this.#target,
      status,
      durationMs,
      error,
      ...(unread.length > 0 && { unread }),
    })
  }

  /** It has not ended, and goes on elsewhere. */
  executionReleased(at: number, cause: ExecutionReleased['cause'], durationMs: number): void {
    this.emit({
      type: 'execution.released',
      seq: ++this.#seq,
      at,
      executionId: this.#executionId,
      graph: this.#graph,
      target: this.#target,
      cause,
      durationMs,
    })
  }

  stepStarted(run: StepState, at: number): void {
    this.emit({
      type: 'step.started',
      seq: ++this.#seq,
      at,
      executionId: this.#executionId,
      graph: this.#graph,
      step: run.step,
      item: run.execution.item,
    })
  }

  stepEnded(run: StepState, at: number, status: StepEnded['status'], error: unknown, fellBack: boolean): void {
    if (!this.isHeard) return
    const durationMs = elapsedSince(run.execution.clock, run.beganAt, run.startedAt, at)
    this.emit({
      type: 'step.ended',
      seq: ++this.#seq,
      at,
      executionId: this.#executionId,
      graph: this.#graph,
      step: run.step,
      item: run.execution.item,
      status,
      attempt: run.attempt,
      durationMs,
      error,
      fellBack,
    })
  }

  stepCancelled(run: StepState, at: number, status: StepCancelled['status'], reason: unknown): void {
    this.emit({
      type: 'step.cancelled',
      seq: ++this.#seq,
      at,
      executionId: this.#executionId,
      graph: this.#graph,
      step: run.step,
      item: run.execution.item,
      status,
      attempt: run.attempt,
      reason,
    })
  }

  attemptStarted(run: StepState, at: number): void {
    this.emit({
      type: 'attempt.started',
      seq: ++this.#seq,
      at,
      executionId: this.#executionId,
      graph: this.#graph,
      step: run.step,
      item: run.execution.item,
      attempt: run.attempt,
    })
  }

  attemptFailed(run: StepState, at: number, error: unknown, timedOut: boolean): void {
    this.emit({
      type: 'attempt.failed',
      seq: ++this.#seq,
      at,
      executionId: this.#executionId,
      graph: this.#graph,
      step: run.step,
      item: run.execution.item,
      attempt: run.attempt,
      durationMs: elapsedSince(run.execution.clock, run.attemptBeganAt, run.attemptStartedAt, at),
      error,
      timedOut,
    })
  }

  stepWaiting(run: StepState, at: number, dueAt: number | undefined): void {
    this.emit({
      type: 'step.waiting',
      seq: ++this.#seq,
      at,
      executionId: this.#executionId,
      graph: this.#graph,
      step: run.step,
      item: run.execution.item,
      dueAt,
    })
  }

  stepResumed(run: StepState, at: number): void {
    this.emit({
      type: 'step.resumed',
      seq: ++this.#seq,
      at,
      executionId: this.#executionId,
      graph: this.#graph,
      step: run.step,
      item: run.execution.item,
    })
  }

  /** A step begins anew, with other inputs: calls what begins its work. */
  renewed(run: Pick<WorkingStep, 'step' | 'execution'>, begin: () => void): void {
    const { clock, item } = run.execution
    const own = { type: 'step.renewed', step: run.step, item } as const
    this.emit({ ...own, seq: ++this.#seq, at: clock.now(), executionId: this.#executionId, graph: this.#graph })
    const { within } = this
    if (within === undefined) begin()
    else asCallingStep(begin, (anew) => within({ step: run.step, item }, anew))
  }

  stepEmitted(run: StepState, at: number, event: StepEmitted['event']): void {
    this.emit({
      type: 'step.emitted',
      seq: ++this.#seq,
      at,
      executionId: this.#executionId,
      graph: this.#graph,
      step: run.step,
      item: run.execution.item,
      event,
    })
  }

  /** `attempt` is the one that failed. */
  retryScheduled(run: StepState, at: number, delayMs: number, attempt: number): void {
    this.emit({
      type: 'retry.scheduled',
      seq: ++this.#seq,
      at,
      executionId: this.#executionId,
      graph: this.#graph,
      step: run.step,
      item: run.execution.item,
      attempt,
      delayMs,
      dueAt: at + delayMs,
    })
  }

  cacheChecked(run: StepState, at: number, type: 'cache.hit' | 'cache.miss', shared: boolean): void {
    if (!this.isHeard) return
    // A docket's policy holds for steps that declare none.
    const { scope } = run.persist!
    this.emit({
      type,
      seq: ++this.#seq,
      at,
      executionId: this.#executionId,
      graph: this.#graph,
      step: run.step,
      item: run.execution.item,
      scope,
      shared,
    })
  }

  storeFailed(run: StepState, at: number, operation: StoreFailed['operation'], error: unknown): void {
    this.emit({
      type: 'store.failed',
      seq: ++this.#seq,
      at,
      executionId: this.#executionId,
      graph: this.#graph,
      step: run.step,
      item: run.execution.item,
      operation,
      error,
    })
  }

  executionCompensating(at: number, error: unknown): void {
    this.undo(at, { type: 'execution.compensating', target: this.#target, error })
  }

  undo(at: number, event: UndoEvent): void {
    this.emit({ ...event, seq: ++this.#seq, at, executionId: this.#executionId, graph: this.#graph })
  }

  /** What only durable executions report. */
  durable(at: number, event: DurableEvent): void {
    this.emit({ ...event, seq: ++this.#seq, at, executionId: this.#executionId, graph: this.#graph })
  }

  batchProgress(
    at: number,
    item: number,
    total: number | undefined,
    succeeded: number,
    failed: number,
    share: number | undefined,
  ): void {
    this.emit({
      type: 'batch.progress',
      seq: ++this.#seq,
      at,
      executionId: this.#executionId,
      graph: this.#graph,
      total,
      succeeded,
      failed,
      share,
      item,
    })
  }
}
