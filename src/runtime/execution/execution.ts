import { randomId } from '../environment/ids.ts'
import { compiledExecution, compiledStep } from '../../../machines/index.ts'
import type { ReleaseCause } from '../../../machines/index.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import type { PersistSpec, StepSpec } from '../../core/graph/graph-index.ts'
import type { Plan, PlanStep } from '../../core/graph/plan.ts'
import { AsyncContext } from '../environment/async-context.ts'
import { waitingStep } from '../environment/current-step.ts'
import type { CallingStep } from '../environment/current-step.ts'
import type { FullClock } from '../environment/clock.ts'
import type { ChildRequest, RunningChild } from '../steps/step-work.ts'
import { beginChildOf, cancelOrphans, childIdOf, endChildOf, endChildrenOf } from './child-execution.ts'
import { Effects } from './effects.ts'
import type { Emitter } from './emitter.ts'
import { cancelRest, endWith } from './end-reason.ts'
import type { CancelReason } from './end-reason.ts'
import { changeTo, reportEnd, succeedOnceWritten } from './shown-end.ts'
import type { EndEvent } from './shown-end.ts'
import type { ExecutionSetup, ResolvedOptions, Watcher } from './execution-setup.ts'
import type { RaceState } from './lost-steps.ts'
import { RaceLosses } from './race-losses.ts'
import { checkLeaves, putLeaves } from '../inputs/given-inputs.ts'
import type { PersistedExecution } from './execution-view.ts'
import { remindOfAttempts } from './past-attempts.ts'
import type { Recorder } from './recorder.ts'
import { stepErrorOf } from './step-failure.ts'
import { StepRun } from './step-run.ts'
import type { StepHost } from './step-host.ts'
import type { StepState } from './step-state.ts'
import type { EndTriggers } from '../environment/end-triggers.ts'
import type { Admission, BatchPart } from './part.ts'
import { outsideEndsOf } from './outside-ends.ts'
import { restoreEffects } from './restored-effects.ts'
import { undoneEndOf } from './undone-end.ts'
import type { UndoneEnd } from './undone-end.ts'
import { ValueFlow } from './value-flow.ts'
import { WaitingState } from './waiting-state.ts'
import { watch } from './watchers.ts'
import { isPromise } from '../../core/own-promise.ts'

/** One run of a plan: its steps, a value per type, and the execution machine's record. */
export class Execution implements StepHost {
  // The execution machine's record, which only `compiledExecution.transition` changes.
  state: number = compiledExecution.initial
  readonly target: string
  readonly total: number
  settled = 0
  startedAt: number | undefined = undefined
  endedAt: number | undefined = undefined
  output: unknown = undefined
  error: unknown = undefined

  readonly plan: Plan
  readonly values: unknown[]
  readonly runs: (StepRun | undefined)[]
  readonly clock: FullClock
  readonly emitter: Emitter | undefined
  watcher: Watcher | undefined
  readonly keepsRuns: boolean
  /** Keeps what the steps make, where the execution is durable. */
  recorder: Recorder | undefined
  readonly effects: Effects | undefined
  readonly item: number | undefined
  readonly part: BatchPart | undefined
  readonly admission: Admission | undefined
  readonly setup: ExecutionSetup
  readonly options: ResolvedOptions
  #id: string | undefined
  readonly flow: ValueFlow
  #endedSteps = 0
  hasEnded = false
  /** The output is on its way to the store: nothing can change the outcome any more. */
  #isHeld = false
  /** Nothing new begins: the process is about to hand the execution over. */
  #isPaused = false
  /** In steady time, where somebody observes it. */
  #beganAt = 0
  /** Whether anybody may ever see when its steps began and ended. */
  #isLookedAt: boolean
  readonly caller: CallingStep | undefined
  #context: AsyncContext | undefined
  triggers: EndTriggers | undefined
  /** A failure from an earlier life that the execution did not survive: it ends as soon as it starts. */
  #restoredFailure: { readonly error: unknown } | undefined
  /** Which attempts were made before it was tried again. */
  #triedBefore: PersistedExecution['triedBefore']
  /** What it has completed with in an earlier life, where losers of its races are still to be undone. */
  #restoredOutcome: { readonly output: unknown } | undefined
  /** What its steps did is undone. */
  undoing: UndoneEnd | undefined
  /** What the losers of its races did, where that is undone. */
  losses: RaceLosses | undefined
  /** Why it goes on elsewhere, where it does. */
  released: ReleaseCause | undefined = undefined

  constructor(setup: ExecutionSetup) {
    const { plan, options, part } = setup
    this.setup = setup
    this.options = options
    this.#id = options.id
    this.plan = plan
    this.target = plan.target.name
    this.total = plan.steps.length
    this.clock = options.clock
    this.emitter = options.emitter
    this.watcher = setup.watcher
    this.keepsRuns = setup.keepsRuns ?? setup.watcher !== undefined
    this.recorder = setup.recorder
    this.effects = plan.compensates ? new Effects() : undefined
    this.#isLookedAt = this.emitter?.isHeard === true || this.recorder !== undefined || this.keepsRuns
    this.part = part
    this.item = part?.item
    this.caller = part === undefined ? waitingStep() : part.caller
    this.admission = part?.admission
    this.values = new Array<unknown>(plan.types.length)
    this.runs = new Array<StepRun | undefined>(plan.steps.length)
    this.flow = new ValueFlow(this)
    if (plan.waits || part?.waits !== undefined) watch(this, new WaitingState(this, this.total))
  }

  get id(): string {
    return (this.#id ??= randomId(undefined))
  }

  get executionId(): string {
    return this.id
  }

  get failedItems(): number {
    return this.part?.failedItems() ?? 0
  }

  /** The plan, which shows how a type is needed. */
  get whole(): Plan {
    return this.part?.whole ?? this.plan
  }

  stepTime(): number {
    return this.#isLookedAt ? (this.emitter?.takeJustRead() ?? this.clock.now()) : this.startedAt!
  }

  /** Whether its outcome stands. */
  get isSettled(): boolean {
    return this.hasEnded || this.#isHeld
  }

  endsWith({ planStep: { outputSlot } }: StepState): boolean {
    const { targetSlot, isWanted } = this.plan
    if (outputSlot !== targetSlot || this.part !== undefined) return false
    return this.flow.wantedLeft === 1 && isWanted[outputSlot]! && !this.isSettled
  }

  /** Whether all that has begun waits. */
  get isWaiting(): boolean {
    return this.state === compiledExecution.stateCode.waiting
  }

  get isLaunching(): boolean {
    return this.flow.isLaunching
  }

  /** Nothing new begins. */
  pause(): void {
    this.#isPaused = true
  }

  holdOutcome(isHeld: boolean): void {
    this.#isHeld = isHeld
  }

  /** Whether nothing of it may begin any more: it has ended, or is about to end (by a timer, which may be late). */
  get isOver(): boolean {
    if (this.isSettled || this.#isPaused || this.part?.hasEnded() === true) return true
    return this.triggers?.haveCome === true
  }

  get context(): AsyncContext {
    return (this.#context ??= new AsyncContext())
  }

  get place(): ErrorPlace {
    return { graph: this.plan.index.graph.name, executionId: this.id, item: this.item }
  }

  persistOf(spec: StepSpec): PersistSpec | undefined {
    return spec.persist ?? this.setup.persistOf?.(spec)
  }

  /** Begins: checks the leaf values (one per `plan.leaves`, unless they are checked already) and starts the steps that need nothing else. */
  start(leafValues: readonly unknown[], areChecked = false): void {
    const { part, options, clock } = this
    // Where nobody can see it, the time of a batch's item is not read: there may be millions.
    const at = part === undefined || this.#isLookedAt ? clock.now() : 0
    // Only these can be ended by others than their own steps.
    if (options.signal !== undefined || this.recorder !== undefined || this.watcher !== undefined || this.effects)
      this.#context ??= new AsyncContext()
    changeTo(this, { type: 'START', at })
    if (part === undefined && this.emitter !== undefined) {
      this.#beganAt = clock.elapsed()
      this.emitter.executionStarted(at)
      if (!this.emitter.isHeard) this.#isLookedAt = this.recorder !== undefined || this.keepsRuns
    }
    if (this.#restoredFailure !== undefined) {
      putLeaves(this.plan, leafValues, this.values)
      endWith(this, this.#restoredFailure.error)
      return
    }
    if (this.#restoredOutcome !== undefined) {
      putLeaves(this.plan, leafValues, this.values)
      this.flow.endWhatWasLeft()
      this.finish({ type: 'SUCCEED', ...this.#restoredOutcome, at }, undefined)
      return
    }
    this.triggers = outsideEndsOf(this)
    this.triggers?.start()
    if (this.hasEnded) return
    if (areChecked || !this.plan.checksLeaves) {
      putLeaves(this.plan, leafValues, this.values)
      this.flow.begin()
    } else this.#launchOnceChecked(leafValues)
  }

  // A function of its own: one that makes closures costs memory at each call, whether it comes to them or not.
  #launchOnceChecked(leafValues: readonly unknown[]): void {
    const checked = checkLeaves(this.plan, leafValues, this.values, () => this.place)
    if (checked === undefined) this.flow.begin()
    else if (!isPromise(checked)) this.fail(checked)
    else void checked.then((error) => (error === undefined ? this.flow.begin() : this.fail(error)))
  }

  /** Brings the machine's count of ended steps up to date. Only an actor's snapshots show it. */
  progress(): void {
    if (!this.hasEnded) changeTo(this, { type: 'PROGRESS', settled: this.#endedSteps })
  }

  /** Gives a value that this plan takes from elsewhere. */
  provide(slot: number, value: unknown): void {
    if (!this.hasEnded) this.flow.fill(slot, value)
  }

  /** Says that a value from elsewhere will never come. */
  markUnavailable(slot: number, error: unknown): void {
    if (this.hasEnded) return
    if (this.plan.isVital[slot]!) this.fail(error)
    else this.flow.deny(slot, error)
  }

  /** Ends the execution from outside; `at` is the time of what ends it. */
  cancel(error: CancelReason, at = this.clock.now()): void {
    this.#stop({ type: 'CANCEL', error, at }, error)
  }

  /** Gives the execution up, which goes on elsewhere: what runs of it here is stopped. */
  release(error: CancelReason, cause: ReleaseCause, at = this.clock.now()): void {
    this.#stop({ type: 'RELEASE', error, cause, at }, error)
  }

  #stop(event: EndEvent, error: CancelReason): void {
    if (event.type === 'RELEASE') {
      this.released = event.cause
      this.undoing?.release(event, error)
      this.losses?.giveUp(error)
    }
    if (this.isSettled) return
    const finish = (): void => this.finish(event, error)
    if (this.#context === undefined) finish()
    else this.#context.run(finish)
  }

  /** Ends the execution with an error; what still runs is cancelled. */
  fail(error: unknown): void {
    if (!this.isSettled) this.finish({ type: 'FAIL', error, at: this.clock.now() }, error)
  }

  /** Takes over, before the start, what records or a snapshot say of its steps: ended ones are not run again. It is itself the machine's record. */
  restore(persisted: PersistedExecution): void {
    const { value, head, steps: views, error } = persisted
    // What waited begins to wait anew.
    const state = compiledExecution.stateCode[value === 'waiting' ? 'running' : value]
    Object.assign(this, { state, startedAt: head.startedAt, settled: head.settled })
    const ended = this.flow.restore(views)
    if (this.effects !== undefined) restoreEffects(this.effects, this.plan, this.runs, views, persisted)
    this.#restoredOutcome = persisted.outcome
    this.#triedBefore = persisted.triedBefore
    if (value === 'compensating') this.#restoredFailure = { error }
    // Only now, and only these: what one leads to must not begin what another has ended, and is not reported twice when skipped.
    for (const run of ended) {
      const { outputSlot } = run.planStep
      this.#forget(run)
      if (run.hasOutput) {
        this.flow.fill(outputSlot, run.output)
        continue
      }
      // A loser that is undone.
      if (run.state === compiledStep.stateCode.cancelled) continue
      const error = stepErrorOf(run, this.whole, run.error, run.attempt, undefined)
      if (this.plan.isVital[outputSlot]!) this.#restoredFailure ??= { error }
      else this.flow.deny(outputSlot, error)
    }
  }

  /** A step has its value. */
  stepCompleted(run: StepState, value: unknown): void {
    this.#forget(run)
    if (this.hasEnded) return
    this.flow.fill(run.planStep.outputSlot, value)
    this.setup.onSettled?.(run)
  }

  /** A step has failed for good. */
  stepFailed(run: StepState, error: unknown, isAbort: boolean): void {
    this.#forget(run)
    if (this.hasEnded) return
    const slot = run.planStep.outputSlot
    if (isAbort || this.plan.isVital[slot]!) this.fail(error)
    else this.flow.deny(slot, error)
  }

  raceDecided(race: PlanStep, state: RaceState): void {
    if (this.effects !== undefined && !this.hasEnded) (this.losses ??= new RaceLosses(this)).add(race, state)
  }

  stepDropped(run: StepRun | undefined): void {
    if (run === undefined) this.#endedSteps++
    else this.#forget(run)
  }

  releaseIfIdle(): void {
    this.admission?.releaseIfIdle()
  }

  /** An attempt is over; the item may give its slot back. */
  leave(): void {
    this.admission?.leave(this.flow.isLaunching)
  }

  /** Begins an execution of another graph, for one of its steps. */
  beginChild(request: ChildRequest): RunningChild {
    return beginChildOf(this, request, (setup) => new Execution(setup))
  }

  childIdOf(step: string): string {
    return childIdOf(this, step)
  }

  endChild(step: string, reason: unknown): void {
    endChildOf(this, step, reason)
  }

  endsAfter(work: () => Promise<unknown>): void {
    this.recorder?.endsWith(work)
  }

  endChildren(step: string, reason: unknown): void {
    endChildrenOf(this, step, reason)
  }

  /** Counts an ended step. Where nobody looks at it again, its record goes at once: there may be very many. */
  #forget(run: StepState): void {
    this.#endedSteps++
    if (this.keepsRuns) return
    this.runs[run.planStep.position] = undefined
    this.recorder?.forgotten(run)
  }

  /** Begins a step that has all it needs. */
  launch(position: number): void {
    const run = (this.runs[position] ??= new StepRun(this, this.plan.steps[position]!))
    if (this.#triedBefore !== undefined) remindOfAttempts(run, this.#triedBefore)
    if (!run.hasEnded) run.launch()
  }

  /** All that is wanted of it is there. */
  succeed(): void {
    // What the rest of the batch made of a value may have ended this part already.
    if (this.hasEnded) return
    const output = this.values[this.plan.targetSlot]
    const kept = this.part === undefined ? this.recorder?.end(output) : undefined
    if (kept === undefined) this.finish({ type: 'SUCCEED', output, at: this.stepTime() }, undefined)
    else succeedOnceWritten(this, kept, output)
  }

  /** Ends it, whatever still runs; nothing where it has ended. */
  finish(event: EndEvent, error: unknown): void {
    if (this.keepsRuns) this.progress()
    // A listener to the progress may have stopped the actor.
    if (this.hasEnded) return
    this.hasEnded = true
    if (event.type !== 'SUCCEED') this.part?.onFailing(error)
    if (event.type !== 'SUCCEED' && event.type !== 'RELEASE') cancelOrphans(this, error)
    if (this.#endedSteps < this.total) cancelRest(this, event.at, error)
    this.undoing = undoneEndOf(this, event, error, this.#beganAt)
    if (this.undoing === undefined) {
      this.triggers?.stop()
      reportEnd(this, event, error, this.#beganAt)
    }
    // Last: room for another item must not let one in that the failure of this one stops.
    this.admission?.end()
  }
}
