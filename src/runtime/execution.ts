import { randomUUID } from 'node:crypto'
import { compiledExecution } from '../../machines/index.ts'
import type { ExecutionEvent as ExecutionMachineEvent } from '../../machines/index.ts'
import { describeThrown, ExecutionCancelledError, ExecutionTimeoutError } from '../core/errors.ts'
import type { ErrorPlace } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { PersistSpec } from '../core/graph-index.ts'
import type { Plan } from '../core/plan.ts'
import type { FullClock } from './clock.ts'
import type { Emitter } from './emitter.ts'
import { endReason } from './end-reason.ts'
import type { ExecutionSetup, ResolvedOptions, Watcher } from './execution-setup.ts'
import { checkLeaves, putLeaves } from './leaf-values.ts'
import type { PersistedExecution } from './persisted-execution.ts'
import { processCache } from './result-cache.ts'
import type { ResultCache } from './result-cache.ts'
import { stepErrorOf } from './step-failure.ts'
import { StepRun } from './step-run.ts'
import { timerQueueOf } from './timer-queue.ts'
import type { Timer } from './timer-queue.ts'
import type { Turnstile } from './turnstile.ts'

// A step that was skipped is never ready, however many of its inputs still come.
const never = 2 ** 30
// A burst is started in slices, a microtask apart: before any timer or I/O, but steps that are done at once are done, and
// their memory free, before more begin. Starting 100,000 in one go costs the garbage collector twice the time of a step.
const sliceSize = 1_024

/**
 * One run of a plan. It holds a counter of unmet dependencies per step and a value per type; a completion decrements the
 * counters of the dependants, and a step at zero starts. The cost of a step does not depend on how many there are.
 */
export class Execution {
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
  readonly watcher: Watcher | undefined
  /** Index of the batch's item. */
  readonly item: number | undefined
  readonly #setup: ExecutionSetup
  readonly #options: ResolvedOptions
  #id: string | undefined
  readonly #unmet: number[]
  #ready: number[] = []
  #next = 0
  #wantedLeft: number
  #endedSteps = 0
  #isDraining = false
  #hasBegun = false
  #hasEnded = false
  #timer: Timer | undefined
  #stopListening: (() => void) | undefined = undefined
  /** A failure from an earlier life that the execution did not survive: it ends as soon as it starts. */
  #restoredFailure: { readonly error: unknown } | undefined

  constructor(setup: ExecutionSetup) {
    const { plan, options } = setup
    this.#setup = setup
    this.#options = options
    this.#id = options.id
    this.plan = plan
    this.target = plan.target.name
    this.total = plan.steps.length
    this.clock = options.clock
    this.emitter = options.emitter
    this.watcher = setup.watcher
    this.item = setup.part?.item
    this.values = new Array<unknown>(plan.types.length)
    this.runs = new Array<StepRun | undefined>(plan.steps.length)
    this.#unmet = plan.waitsFor.slice()
    this.#wantedLeft = plan.wantedLater
  }

  get id(): string {
    return (this.#id ??= randomUUID())
  }

  /** The machine's name for `id`. */
  get executionId(): string {
    return this.id
  }

  get failedItems(): number {
    return this.#setup.part?.failedItems() ?? 0
  }

  /** The plan that tells how a type is needed. */
  get whole(): Plan {
    return this.#setup.part?.whole ?? this.plan
  }

  get random(): () => number {
    return this.#options.random
  }

  get turnstile(): Turnstile | undefined {
    return this.#setup.part?.turnstile
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#options.headers
  }

  get logger(): Logger {
    return this.#options.logger
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** What it was asked for; undefined for a part of a batch. */
  get asked(): string | undefined {
    return this.#setup.asked
  }

  /** Whether nothing of it may begin any more: it has ended, or is about to be told so. */
  get isOver(): boolean {
    return this.#hasEnded || this.#options.signal?.aborted === true || this.#setup.part?.hasEnded() === true
  }

  get place(): ErrorPlace {
    return { graph: this.plan.index.graph.name, executionId: this.id, item: this.item }
  }

  /** Where a step's results are remembered; undefined where nobody could ever ask for them again. */
  cacheFor(persist: PersistSpec): ResultCache | undefined {
    return persist.scope === 'global' ? processCache : this.#setup.cache
  }

  /** Begins: checks the leaf values (one per `plan.leaves`, unless they are checked already) and starts the steps that need nothing else. */
  start(leafValues: readonly unknown[], areChecked = false): void {
    const { part } = this.#setup
    const { signal, timeoutMs } = this.#options
    const at = this.clock.now()
    this.#change({ type: 'START', at })
    if (part === undefined) this.emitter?.executionStarted(at)
    if (this.#restoredFailure !== undefined) {
      this.fail(this.#restoredFailure.error)
      return
    }
    if (signal !== undefined) {
      if (signal.aborted) {
        this.#onAbort()
        return
      }
      this.#stopListening = listenForAbort(signal, () => this.#onAbort())
    }
    if (timeoutMs !== undefined)
      this.#timer = timerQueueOf(this.clock).schedule(at + timeoutMs, () => this.#timeOut(timeoutMs))
    const checked = areChecked
      ? putLeaves(this.plan, leafValues, this.values)
      : checkLeaves(this.plan, leafValues, this.values, () => this.place)
    if (checked === undefined) this.#launchInitial()
    else if (checked instanceof Promise)
      void checked.then((error) => (error === undefined ? this.#launchInitial() : this.fail(error)))
    else this.fail(checked)
  }

  /** Brings the machine's count of ended steps up to date. Only an actor's snapshots tell it. */
  progress(): void {
    if (!this.#hasEnded) this.#change({ type: 'PROGRESS', settled: this.#endedSteps })
  }

  /** Gives a value that this plan takes from elsewhere. */
  provide(slot: number, value: unknown): void {
    if (!this.#hasEnded) this.#fill(slot, value)
  }

  /** Tells that a value from elsewhere will never come. */
  deny(slot: number, error: unknown): void {
    if (this.#hasEnded) return
    if (this.plan.isVital[slot]!) this.fail(error)
    else this.#deny(slot, error)
  }

  /** Ends the execution from outside; `at` is the time of what ends it. */
  cancel(error: ExecutionCancelledError | ExecutionTimeoutError, at = this.clock.now()): void {
    if (!this.#hasEnded) this.#finish({ type: 'CANCEL', error, at }, error)
  }

  /** Ends the execution with an error; what still runs is cancelled. */
  fail(error: unknown): void {
    if (!this.#hasEnded) this.#finish({ type: 'FAIL', error, at: this.clock.now() }, error)
  }

  /** Takes over, before the start, what is known of steps from an earlier life: ended ones are not run again. */
  restore({ value, head, steps: views }: PersistedExecution): void {
    Object.assign(this, { state: compiledExecution.stateCode[value], startedAt: head.startedAt, settled: head.settled })
    for (const [position, step] of this.plan.steps.entries()) {
      const view = views.get(step.spec.name)
      if (view === undefined) continue
      const run = (this.runs[position] = new StepRun(this, step))
      run.restore(view)
      if (view.status === 'skipped') this.#unmet[position] = never
    }
    // Only now: what one of them leads to must not begin what another one has ended already.
    for (const run of this.runs) {
      if (run?.hasEnded !== true) continue
      const { outputSlot } = run.planStep
      this.#forget(run)
      if (run.hasOutput) this.#fill(outputSlot, run.output)
      else if (this.plan.isVital[outputSlot]!)
        this.#restoredFailure ??= { error: stepErrorOf(run, run.error, run.attempt, undefined) }
      else this.#deny(outputSlot, run.error)
    }
  }

  /** A step has its value. */
  settle(run: StepRun, value: unknown): void {
    this.#forget(run)
    if (!this.#hasEnded) this.#fill(run.planStep.outputSlot, value)
  }

  /** A step has failed for good. */
  lose(run: StepRun, error: unknown, isAbort: boolean): void {
    this.#forget(run)
    if (this.#hasEnded) return
    const slot = run.planStep.outputSlot
    if (isAbort || this.plan.isVital[slot]!) this.fail(error)
    else this.#deny(slot, error)
  }

  /** An attempt is over; the item may give its slot back. */
  leave(): void {
    this.turnstile?.leave(this.#isDraining)
  }

  /** Counts an ended step. Where nobody looks at it again, its record goes at once: there may be very many. */
  #forget(run: StepRun): void {
    this.#endedSteps++
    if (this.watcher === undefined) this.runs[run.planStep.position] = undefined
  }

  #launchInitial(): void {
    if (this.#hasEnded) return
    this.#hasBegun = true
    const { part } = this.#setup
    if (part !== undefined) {
      for (const slot of this.plan.wanted) if (this.plan.isLeaf[slot]!) part.onFilled(slot, this.values[slot])
    }
    if (this.#wantedLeft === 0) {
      this.#succeed()
      return
    }
    for (const position of this.plan.initial) this.#ready.push(position)
    this.#drain()
  }

  /** Starts what is ready. A loop, not recursion: a chain of thousands of synchronous steps must not grow the stack. */
  #drain(): void {
    if (this.#isDraining || !this.#hasBegun) return
    this.#isDraining = true
    const until = this.#next + sliceSize
    while (this.#next < this.#ready.length && this.#next < until && !this.#hasEnded)
      this.#launch(this.#ready[this.#next++]!)
    if (this.#next < this.#ready.length && !this.#hasEnded) {
      queueMicrotask(() => {
        this.#isDraining = false
        this.#drain()
      })
      return
    }
    this.#ready.length = 0
    this.#next = 0
    this.#isDraining = false
    this.turnstile?.rest()
  }

  #launch(position: number): void {
    const run = (this.runs[position] ??= new StepRun(this, this.plan.steps[position]!))
    if (!run.hasEnded) run.launch()
  }

  #fill(slot: number, value: unknown): void {
    this.values[slot] = value
    if (this.plan.isWanted[slot]!) {
      this.#setup.part?.onFilled(slot, value)
      if (--this.#wantedLeft === 0 && this.#hasBegun) {
        this.#succeed()
        return
      }
    }
    const dependants = this.plan.dependants[slot]!
    for (let i = 0; i < dependants.length; i++) {
      const position = dependants[i]!
      if (--this.#unmet[position]! === 0) this.#ready.push(position)
    }
    this.#drain()
  }

  /** A value will never come, and the execution can do without: who can't is skipped, who can goes on. */
  #deny(deniedSlot: number, error: unknown): void {
    const denied = [deniedSlot]
    for (const slot of denied) {
      if (this.plan.isWanted[slot]!) this.#wantedLeft--
      for (const [index, position] of this.plan.dependants[slot]!.entries()) {
        if (this.#unmet[position]! >= never / 2) continue
        if (this.plan.canDoWithout[slot]![index]!) {
          if (--this.#unmet[position]! === 0) this.#ready.push(position)
          continue
        }
        this.#unmet[position] = never
        const step = this.plan.steps[position]!
        const run = (this.runs[position] = new StepRun(this, step))
        this.#endedSteps++
        run.skip(error)
        if (this.#hasEnded) return
        denied.push(step.outputSlot)
      }
    }
    for (const slot of denied) this.#setup.part?.onDenied(slot, error)
    if (this.#wantedLeft === 0 && this.#hasBegun) this.#succeed()
    else this.#drain()
  }

  #succeed(): void {
    // What the rest of the batch made of a value may have ended this part already.
    if (this.#hasEnded) return
    const output = this.values[this.plan.targetSlot]
    this.#finish({ type: 'SUCCEED', output, at: this.clock.now() }, undefined)
  }

  #onAbort(): void {
    const reason: unknown = this.#options.signal?.reason
    this.cancel(
      new ExecutionCancelledError(
        `the execution of graph "${this.plan.index.graph.name}" was cancelled: ${describeThrown(reason)}`,
        this.place,
        { cause: reason },
      ),
    )
  }

  #timeOut(timeoutMs: number): void {
    this.#timer = undefined
    if (this.#hasEnded) return
    const error = new ExecutionTimeoutError(timeoutMs, this.place)
    this.#finish({ type: 'TIME_OUT', error, at: this.clock.now() }, error)
  }

  #finish(event: ExecutionMachineEvent & { readonly at: number }, error: unknown): void {
    const { part, onCompleted, onFailed } = this.#setup
    if (this.watcher !== undefined) this.progress()
    // Whoever was told of the progress may have stopped the actor.
    if (this.#hasEnded) return
    this.#hasEnded = true
    if (event.type !== 'SUCCEED') part?.onFailing(error)
    if (this.#timer !== undefined) timerQueueOf(this.clock).cancel(this.#timer)
    this.#stopListening?.()
    if (this.#endedSteps < this.total) this.#cancelRest(event.at, error)
    this.#change(event)
    // Wrong inputs end an execution that has not begun.
    if (part === undefined && this.startedAt !== undefined) {
      const status = event.type === 'SUCCEED' ? 'completed' : event.type === 'CANCEL' ? 'cancelled' : 'failed'
      this.emitter?.executionEnded(event.at, status, event.at - this.startedAt, error)
    }
    if (event.type === 'SUCCEED') onCompleted(event.output)
    else onFailed(error)
    // Last: room for another item must not let one in that the failure of this one stops.
    this.turnstile?.end()
  }

  #cancelRest(at: number, error: unknown): void {
    const { place, watcher } = this
    const what = error === undefined ? 'ended without needing this step' : `failed: ${describeThrown(error)}`
    const reason = endReason(error, `the execution of graph "${place.graph}" ${what}`, place)
    for (let position = 0; position < this.runs.length; position++) {
      let run = this.runs[position]
      const hadStarted = run !== undefined
      if (run === undefined) {
        if (watcher === undefined) continue
        run = this.runs[position] = new StepRun(this, this.plan.steps[position]!)
      }
      if (!run.hasEnded) run.cancel(reason, at, hadStarted)
    }
  }

  #change(event: ExecutionMachineEvent): void {
    compiledExecution.transition(this, compiledExecution.eventCode[event.type], event)
    this.watcher?.executionChanged(event)
  }
}

function listenForAbort(signal: AbortSignal, listener: () => void): () => void {
  signal.addEventListener('abort', listener, { once: true })
  return () => signal.removeEventListener('abort', listener)
}
