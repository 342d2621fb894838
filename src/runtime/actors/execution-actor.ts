import type { ActorScope, AnyActorRef, EventObject, Snapshot } from 'xstate'
import { compiledExecution } from '../../../machines/index.ts'
import type { ExecutionEvent as ExecutionMachineEvent, StepEvent } from '../../../machines/index.ts'
import { ExecutionCancelledError } from '../../core/errors.ts'
import type { Plan, PlanStep } from '../../core/graph/plan.ts'
import type { SignalEvent } from '../../core/language/signal.ts'
import type { InputError, OptionError } from '../../core/errors.ts'
import { ExecutionJournal, stepViewsAt } from './execution-journal.ts'
import { ExecutionSnapshot } from './execution-snapshot.ts'
import type { SnapshotHost, StepActorRef } from './execution-snapshot.ts'
import type { ExecutionContext, ExecutionStatus } from '../execution/execution-view.ts'
import { Execution } from '../execution/execution.ts'
import type { ResolvedOptions, Watcher } from '../execution/execution-setup.ts'
import type { GivenInputs } from '../inputs/given-inputs.ts'
import type { PersistedExecution } from '../execution/execution-view.ts'
import { inboxOf } from '../steps/inbox.ts'
import type { MemoryInbox } from '../steps/inbox.ts'
import { Signals } from '../steps/signals.ts'
import { StepActors } from './step-actors.ts'
import type { StepState } from '../execution/step-state.ts'
import { SystemWatcher } from './system-watcher.ts'
import { unwatch, watch } from '../execution/watchers.ts'
import { warnOnce } from '../environment/warn-once.ts'
import { inMicrotask } from '../../core/in-microtask.ts'

/** A snapshot as XState's types want it. */
export type LogicSnapshot = ExecutionSnapshot<unknown> & Snapshot<unknown>

/** The scope that XState hands to actor logic. */
export type LogicScope = ActorScope<LogicSnapshot, EventObject, AnyActorRef['system']>

/** What an execution's actor is made of. */
export interface ExecutionActorOptions {
  readonly scope: LogicScope
  readonly input: unknown
  readonly given: GivenInputs
  readonly options: ResolvedOptions
  readonly persisted?: PersistedExecution | undefined
  /** What is wrong with the inputs: the execution fails with it instead of beginning. */
  readonly refusal?: InputError | OptionError | undefined
  /** An execution that runs already, or has ended: the actor joins it as it is. */
  readonly running?: Execution | undefined
  /** Its id in the actor system. @default the execution's */
  readonly systemId?: string | undefined
  /** Whether the actor is one that waits for the outcome itself: it shows what happens, and neither ends nor cancels the execution. */
  readonly isMirror?: boolean
}

/** Values that came from outside, as an execution's snapshot has them. */
type CameFromOutside = Pick<ExecutionContext, 'signals' | 'unread'>

/** What a persisted snapshot has beside the steps. */
type PersistedBeside = CameFromOutside & Partial<Pick<ExecutionContext, 'states' | 'steps'>>

const onCompleted = (): void => {}
const onFailed = (): void => {}

/**
 * An execution that lives as an actor: every transition goes into a journal, to the step's own actor if somebody looks at
 * it, and, gathered per turn of the event loop, to the execution's actor, whose snapshots move on with it.
 */
export class ExecutionActor implements Watcher, SnapshotHost {
  readonly execution: Execution
  readonly #systemId: string | undefined
  readonly #isMirror: boolean
  readonly #self: AnyActorRef
  readonly #input: unknown
  readonly #leafValues: readonly unknown[]
  readonly #names: readonly string[]
  readonly #journal: ExecutionJournal
  readonly #actors: StepActors
  readonly #systemWatcher: SystemWatcher
  /** Snapshots on their way: each belongs to an event that the actor has been sent. */
  readonly #underWay = new Map<object, LogicSnapshot>()
  #signals: Signals | undefined
  #inbox: MemoryInbox | undefined
  readonly #refusal: InputError | OptionError | undefined
  readonly #hasBegun: boolean
  #isFlushing = false
  #isStarting = false
  #isStopped = false
  #isPersisted = false

  constructor({
    scope,
    input,
    given,
    options,
    persisted,
    refusal,
    running,
    systemId,
    isMirror = false,
  }: ExecutionActorOptions) {
    const { plan, leafValues } = given
    this.#self = scope.self
    this.#systemId = systemId
    this.#isMirror = isMirror
    this.#refusal = refusal
    this.#isPersisted = persisted !== undefined
    this.#input = input
    this.#leafValues = leafValues
    this.#names = plan.steps.map(({ spec }) => spec.name)
    this.#journal = new ExecutionJournal(plan.steps.length)
    this.#hasBegun = running !== undefined
    this.execution = running ?? this.#begin(plan, options, persisted)
    this.#actors = new StepActors(this.execution, scope)
    if (persisted !== undefined) this.execution.restore(persisted)
    if (running !== undefined) {
      running.progress()
      watch(running, this)
    }
    for (const run of this.execution.runs) if (run !== undefined) this.#journal.note(run)
    this.#systemWatcher = SystemWatcher.of(this.#self)
  }

  #begin(plan: Plan, options: ResolvedOptions, persisted: PersistedExecution | undefined): Execution {
    if (plan.signalSteps.length > 0) this.#signals = new Signals(plan.signalSteps.map(({ spec }) => spec.output))
    for (const [type, values] of Object.entries(persisted?.head.signals ?? {}))
      for (const value of values) this.#signals?.give(type, value)
    this.#inbox = inboxOf(plan, undefined)
    for (const { type, value, at } of persisted?.head.unread ?? []) this.#inbox?.give(type, value, at)
    const [signals, inbox] = [this.#signals, this.#inbox]
    return new Execution({ plan, options, cache: undefined, onCompleted, onFailed, watcher: this, signals, inbox })
  }

  /** A value comes from outside, and is kept at once. What it leads to sends the actor events: that begins when it has taken this one. */
  signal({ signal, value }: SignalEvent): void {
    this.#signals?.give(signal, value)
    this.#inbox?.give(signal, value, this.execution.clock.now())
    inMicrotask(() => {
      if (this.execution.hasEnded) return
      this.#checkMail()
      this.execution.progress()
    })
  }

  #checkMail(): void {
    const [signals, inbox] = [this.#signals, this.#inbox]
    if (signals === undefined && inbox === undefined) return
    this.execution.context.run(() => {
      signals?.check()
      inbox?.check()
    })
  }

  get children(): Readonly<Record<string, StepActorRef>> {
    return this.#actors.children
  }

  get id(): string {
    return this.#systemId ?? this.execution.id
  }

  start(): void {
    this.#systemWatcher.add({ id: this.id, self: this.#self, actors: this.#actors })
    if (this.#hasBegun) return
    this.#checkMail()
    this.#isStarting = true
    if (this.#refusal === undefined) this.execution.start(this.#leafValues)
    else this.execution.fail(this.#refusal)
    this.#isStarting = false
  }

  /** Somebody may go on from a snapshot of it: gives the values from outside that it has by now. */
  persisted(): PersistedBeside {
    this.#isPersisted = true
    const states = this.execution.runs.flatMap((run) => {
      const state = run?.workState
      return state === undefined ? [] : [[run!.step, state] as const]
    })
    const { steps } = this.execution.plan
    if (!steps.some(hasState)) return this.#cameFromOutside
    // What machines have taken since the actor's snapshot was made is in their states: so is, or in their outputs, what became of that.
    const views = stepViewsAt(this.#journal.mark(), this.#names)
    const machines = Object.entries(views).filter((_, position) => hasState(steps[position]!))
    return { ...this.#cameFromOutside, states: Object.fromEntries(states), steps: Object.fromEntries(machines) }
  }

  get #cameFromOutside(): CameFromOutside {
    const [signals, unread] = [this.#signals?.all, this.#inbox?.unread ?? []]
    return { ...(signals !== undefined && { signals }), ...(unread.length > 0 && { unread }) }
  }

  /** The actor was stopped from outside. What it did is not undone where it may go on from a snapshot, which says that it is done. */
  stop(): LogicSnapshot {
    const { execution } = this
    this.#isStopped = true
    const reason = new ExecutionCancelledError(`the actor of this execution was stopped`, execution.place)
    if (this.#isPersisted && execution.effects !== undefined) execution.release(reason, 'detach')
    else execution.cancel(reason)
    this.#underWay.clear()
    return this.snapshot().stopped() as LogicSnapshot
  }

  /** Shows the execution as it is by now, in an actor that was there before it. */
  show(event: object & EventObject): void {
    this.#systemWatcher.add({ id: this.id, self: this.#self, actors: this.#actors })
    this.#underWay.set(event, this.snapshot())
    this.#guarded(() => this.#sendAndWake(event))
  }

  /** Shows nothing any more. */
  leave(): void {
    unwatch(this.execution, this)
    this.#underWay.clear()
  }

  /** The snapshot that an event brings; undefined for an event that is not the execution's own. */
  take(event: object): LogicSnapshot | undefined {
    const snapshot = this.#underWay.get(event)
    this.#underWay.delete(event)
    return snapshot
  }

  snapshot(): LogicSnapshot {
    const { id, target, total, settled, startedAt, endedAt, output, error, state } = this.execution
    const { overridden, index } = this.execution.plan
    const undos = this.execution.effects?.views
    return new ExecutionSnapshot({
      value: compiledExecution.states[state] as ExecutionStatus,
      output,
      error,
      head: {
        executionId: id,
        ...(this.execution.recorder !== undefined && { isDurable: true as const }),
        graph: index.graph.name,
        target,
        ...(overridden.length > 0 && { overrides: overridden }),
        ...this.#cameFromOutside,
        total,
        settled,
        startedAt,
        endedAt,
        ...(undos !== undefined && { undos }),
      },
      input: this.#input,
      names: this.#names,
      mark: this.#journal.mark(),
      host: this,
    }) as unknown as LogicSnapshot
  }

  stepChanged(run: StepState, event: StepEvent): void {
    this.#journal.noteEvent(run, event)
    if (this.#actors.isAlive(run)) this.#guarded(() => this.#actors.mirror(run, event))
    if (this.#isFlushing || this.execution.hasEnded) return
    this.#isFlushing = true
    inMicrotask(this.#flush)
  }

  readonly #flush = (): void => {
    this.#isFlushing = false
    this.execution.progress()
  }

  executionChanged(event: ExecutionMachineEvent): void {
    // Whether it has ended, and how, is known once that is written.
    const hasEnded = compiledExecution.isFinal[this.execution.state]!
    if (hasEnded && this.#isMirror) return
    if (this.#isStopped) return this.#systemWatcher.delete(this.id, this.#self)
    this.#underWay.set(event, this.snapshot())
    if (hasEnded) this.#systemWatcher.delete(this.id, this.#self)
    // As with promises: a caller that waits for the actor right after starting it still gets a failure that was there at once.
    if (this.#isStarting && hasEnded && event.type !== 'SUCCEED')
      inMicrotask(() => this.#guarded(() => this.#self.send(event)))
    else this.#guarded(() => this.#send(event))
  }

  /** Inspectors are called in the middle of it all: what they throw must not stop the execution half-way. */
  #guarded(act: () => void): void {
    try {
      act()
    } catch (thrown) {
      warnOnce(this.#systemWatcher, 'an XState inspector', thrown)
    }
  }

  #send(event: ExecutionMachineEvent): void {
    if (event.type === 'START') this.#sendAndWake(event)
    else this.#self.send(event)
  }

  #sendAndWake(event: EventObject): void {
    this.#systemWatcher.listen(this.#self, () => this.#self.send(event))
    // Before any step begins.
    if (this.#systemWatcher.isInspected) this.#actors.wake()
  }
}

/** Whether a step goes on from what its work was at. */
function hasState({ spec: { kind } }: PlanStep): boolean {
  return kind === 'machine' || kind === 'remote'
}
