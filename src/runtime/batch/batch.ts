import { compiledBatch } from '../../../machines/index.ts'
import type { BatchEvent, ReleaseCause } from '../../../machines/index.ts'
import type { Plan } from '../../core/graph/plan.ts'
import { ExecutionExpiredError, InputError } from '../../core/errors.ts'
import { hasCause } from '../../core/thrown.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import { sharedPartOf } from './shared-part.ts'
import { SharedValues } from './shared-values.ts'
import type { BatchSetup, BatchWatcher, ItemOutcome, PartSetups } from './batch-setup.ts'
import { abortError, endReason, endWith } from '../execution/end-reason.ts'
import type { CancelReason } from '../execution/end-reason.ts'
import { emitEnd, reportOf } from '../execution/shown-end.ts'
import { withUndoErrors } from '../execution/compensation.ts'
import { reported } from '../execution/end-report.ts'
import type { Execution } from '../execution/execution.ts'
import type { ResolvedOptions } from '../execution/execution-setup.ts'
import { emitProgress } from './batch-progress.ts'
import { Barrier } from './barrier.ts'
import { ItemIntake, mostOpenOf } from './item-intake.ts'
import { sourceError } from './item-source.ts'
import type { Pulled } from './item-source.ts'
import { checkLeaves } from '../inputs/given-inputs.ts'
import { SlotPool } from '../collections/slot-pool.ts'
import { AsyncContext } from '../environment/async-context.ts'
import { turnOf } from '../environment/turn.ts'
import type { Turn } from '../environment/turn.ts'
import { endTriggersOf } from '../environment/end-triggers.ts'
import type { EndTriggers } from '../environment/end-triggers.ts'
import type { TimeLimit } from '../environment/time-limit.ts'
import { ItemsInFlight } from './items-in-flight.ts'
import type { BatchUndo } from './batch-undoing.ts'
import { BatchUndoing, waitsForLosers } from './batch-undoing.ts'
import { BatchItem } from './batch-item.ts'
import { BatchWaits } from './batch-waits.ts'
import type { ItemHost } from './batch-item.ts'
import { isPromise } from '../../core/own-promise.ts'

/** What ends a batch. */
type EndEvent = BatchEvent & { readonly at: number }

/**
 * Many items through one plan: an execution for each, and one for what they share. Items flow on their own; only what
 * takes all values of a type waits for all of them.
 */
export class Batch implements ItemHost {
  // The batch machine's record, which only `compiledBatch.transition` changes.
  state: number = compiledBatch.initial
  readonly executionId: string
  readonly target: string
  readonly whole: Plan
  total: number | undefined = undefined
  started = 0
  succeeded = 0
  failed = 0
  startedAt: number | undefined = undefined
  endedAt: number | undefined = undefined
  error: unknown = undefined

  watcher: BatchWatcher | undefined
  readonly setup: BatchSetup
  readonly #parts: PartSetups | undefined
  readonly itemOptions: ResolvedOptions
  readonly memory: ItemHost['memory']
  readonly pool: SlotPool
  readonly turn: Turn
  readonly #shared: Execution
  readonly #sharedValues: SharedValues
  readonly #barrier: Barrier
  readonly #open = new ItemsInFlight()
  readonly #undoing: BatchUndoing
  #undo: BatchUndo | undefined
  readonly intake: ItemIntake
  readonly waits: BatchWaits | undefined
  /** Values of the shared leaves, once they are checked. */
  #checkedLeaves: readonly unknown[] | undefined
  /** Nothing may begin any more, though the batch may have to stop what runs first. */
  #isEnding = false
  hasEnded = false
  /** Its caller knows how it ended, though it is still undone. */
  #isReported = false
  #isPaused = false
  /** In steady time. */
  #beganAt: number | undefined
  readonly context = new AsyncContext()
  triggers: EndTriggers | undefined
  /** What the batch ends with as soon as nothing of it runs. */
  #failure: InputError | undefined

  constructor(setup: BatchSetup) {
    const { plan, options, concurrency, source, hasRoom } = setup
    this.setup = this.memory = setup
    this.#parts = setup.durable ?? setup.signals
    this.itemOptions = { ...options, timeoutMs: undefined, deadline: undefined, signal: undefined }
    this.#undoing = new BatchUndoing(setup.handsOver === true, setup.durable?.undo)
    this.executionId = options.id!
    this.target = plan.item.plan.target.name
    this.whole = plan.whole
    this.pool = new SlotPool(concurrency, () => this.intake.pump())
    this.turn = turnOf(options.clock)
    this.waits = plan.whole.waits ? new BatchWaits(this) : undefined
    this.intake = new ItemIntake(this, this.#open, { source, hasRoom, maxOpen: mostOpenOf(setup) }, this.context)
    this.#shared = sharedPartOf(this, setup, plan, this.#parts, {
      undoLater: () => this.#undoing.add(this.#shared),
      put: (slot, outcome) => this.#sharedValues.put(slot, outcome, this.total),
    })
    this.#sharedValues = new SharedValues(plan, this.#shared, this.#open, this.turn)
    const restored = setup.durable?.restoredOf(undefined)
    this.#barrier = new Barrier(plan.gathered, this.#shared)
    if (restored !== undefined) this.#shared.restore(restored)
  }

  /** Nothing new begins: the process is about to hand the batch over. */
  pause(): void {
    this.#isPaused = true
  }

  /** Whether it is undone here. */
  get isUndoing(): boolean {
    return this.#undo !== undefined
  }

  /** What all items share, and the items under way. */
  get executions(): readonly Execution[] {
    return [this.#shared, ...this.#open.toArray().map(({ execution }) => execution)]
  }

  /** Whether nothing of it may begin any more: it has ended, or is about to end. */
  get isOver(): boolean {
    return this.#isEnding || this.#isPaused || this.triggers?.haveCome === true
  }

  get takesItems(): boolean {
    return this.#checkedLeaves !== undefined && this.total === undefined && !this.#isPaused
  }

  checkTime(): void {
    this.triggers?.checkTime()
  }

  get place(): ErrorPlace {
    return { graph: this.setup.plan.shared.index.graph.name, executionId: this.executionId }
  }

  start(): void {
    const { clock, emitter } = this.setup.options
    const at = clock.now()
    this.#change({ type: 'START', at })
    this.#beganAt = clock.elapsed()
    emitter?.executionStarted(at)
    this.triggers = endTriggersOf(this, this.setup.options, clock)
    this.triggers?.start()
    const { failure } = this.setup.durable ?? {}
    if (failure !== undefined) endWith(this, failure.error)
    else if (!this.hasEnded) this.#checkShared()
  }

  onTimeOut(limit: TimeLimit): void {
    if (this.hasEnded) return this.#reportNow(this.error)
    const error = limit.error(this.place)
    if (error instanceof ExecutionExpiredError) return this.cancel(error)
    this.context.run(() => this.#finish({ type: 'TIME_OUT', error, at: this.setup.options.clock.now() }, error))
  }

  onAbort(reason: unknown): void {
    if (this.hasEnded) return this.#reportNow(this.error)
    this.cancel(abortError(reason, this.place, 'batch on'))
  }

  /** Nothing of an item runs before what all items share is known to fit. */
  #checkShared(): void {
    const { sharedLeaves, plan } = this.setup
    const values: unknown[] = []
    const settle = (error: InputError | undefined): void => {
      if (error !== undefined) this.fail(error)
      this.#checkedLeaves = plan.shared.leaves.map((leaf) => values[leaf.slot])
      this.intake.pump()
    }
    const checked = checkLeaves(plan.shared, sharedLeaves, values, () => this.place)
    if (isPromise(checked)) void checked.then(settle)
    else settle(checked)
  }

  /** Lets in as many items as there is room for, whoever made the room. */
  pump(): void {
    this.intake.pumpInContext()
  }

  fail(error: unknown): void {
    if (!this.hasEnded) this.#finish({ type: 'FAIL', error, at: this.setup.options.clock.now() }, error)
  }

  /** Ends the batch from outside. */
  cancel(error: CancelReason): void {
    this.#stop({ type: 'CANCEL', error, at: this.setup.options.clock.now() }, error)
  }

  /** Gives the batch up, which goes on elsewhere: what runs of it here is stopped. */
  release(error: CancelReason, cause: ReleaseCause): void {
    this.#stop({ type: 'RELEASE', error, cause, at: this.setup.options.clock.now() }, error)
  }

  #stop(event: EndEvent, error: CancelReason): void {
    if (event.type === 'RELEASE') this.#giveUpUndo(event, error)
    if (!this.hasEnded) this.context.run(() => this.#finish(event, error))
  }

  take(pulled: Pulled): void {
    if (pulled === 'end') {
      this.#change({ type: 'CLOSE', total: this.started })
      this.#sharedValues.copy(this.started)
      this.#barrier.check(this.total)
      this.#finishIfDone()
      this.waits?.look()
    } else if (pulled.thrown === undefined) {
      // Not before there is an item: a batch of none runs nothing.
      if (this.started === 0) {
        this.watcher?.began(this.#shared, undefined)
        this.#parts?.begins(undefined, this.#shared)
        this.#shared.start(this.#checkedLeaves!, true)
      }
      if (!this.hasEnded) this.#admit(pulled.item)
    } else {
      this.#endAfterItems(sourceError(pulled.thrown.reason, this.place))
    }
  }

  /** What has begun goes on to its end, so that no outcome of it is lost; where items wait for all others, they would wait for ever. */
  #endAfterItems(error: InputError): void {
    this.#failure = error
    if (!this.setup.plan.needsAll) this.#change({ type: 'CLOSE', total: this.started })
    if (this.total === undefined) this.fail(error)
    else this.#finishIfDone()
  }

  #admit(given: unknown): void {
    const { read, durable } = this.setup
    const item = this.started
    this.#change({ type: 'ITEM_START' })
    const input = read(given, item)
    if (input instanceof InputError) {
      this.onItemFailed(item, undefined, input)
      return
    }
    const { itemPlan } = input
    const known = durable?.outcomeOf(item)
    if (known !== undefined) {
      if ('value' in known) this.onItemSucceeded(item, undefined, known.value)
      else this.onItemFailed(item, undefined, known.error)
      return
    }
    const open = new BatchItem(this, item, itemPlan, this.#parts?.setupOf(item, input))
    const { execution } = open
    const restored = durable?.restoredOf(item)
    if (restored !== undefined) execution.restore(restored)
    this.#open.add(open)
    this.watcher?.began(execution, given)
    this.#parts?.begins(item, execution)
    execution.start(input.leafValues, input.areChecked)
    this.#sharedValues.deliverTo(open)
  }

  onItemFilled({ item, itemPlan }: BatchItem, slot: number, value: unknown): void {
    const index = itemPlan.gatheredSlots.indexOf(slot)
    if (index === -1) return
    this.#barrier.put(index, item, value)
    this.#progress(item)
    this.#barrier.check(this.total)
  }

  /** A value of an item will never come, and the item can do without: all items' values of that type are those of the others, or there are none. */
  onItemDenied({ item, itemPlan }: BatchItem, slot: number, error: unknown): void {
    const index = itemPlan.gatheredSlots.indexOf(slot)
    if (index === -1) return
    if (this.setup.collects) {
      this.#barrier.leaveOut(index, item)
      this.#barrier.check(this.total)
    } else {
      this.#barrier.markUnavailable(index, error)
    }
  }

  onItemSucceeded(item: number, open: BatchItem | undefined, value: unknown): void {
    if (this.hasEnded || this.#waitsFor(open?.execution, () => this.onItemSucceeded(item, open, value))) return
    this.#change({ type: 'ITEM_SUCCEED' })
    if (open !== undefined) this.#undoing.completed(open)
    this.#onItemEnded(item, open, { value })
  }

  undoLater({ execution }: BatchItem): boolean {
    return this.#isEnding && this.#undoing.add(execution)
  }

  /** `item`: which one fails, unless it is what all share. What it has made is about to be undone: nobody begins with that any more. */
  onFailing(error: unknown, item?: number): void {
    if (this.#isEnding) return
    this.#isEnding = this.#isFatal(error)
    if (this.#isEnding) this.setup.durable?.failing(error)
    else if (item !== undefined) this.#barrier.leaveOutEverywhere(item)
  }

  #isFatal(error: unknown): boolean {
    return !this.setup.collects || hasCause(error, 'EXECUTION_ABORTED')
  }

  onItemFailed(item: number, open: BatchItem | undefined, error: unknown): void {
    if (this.hasEnded) return
    this.#change({ type: 'ITEM_FAIL', error })
    if (this.#isFatal(error)) {
      if (open !== undefined) this.#open.delete(open)
      this.#progress(item)
      this.fail(this.#failure ?? error)
      return
    }
    this.#barrier.leaveOutEverywhere(item)
    this.#onItemEnded(item, open, { error })
    this.#barrier.check(this.total)
  }

  #onItemEnded(item: number, open: BatchItem | undefined, outcome: ItemOutcome): void {
    if (open !== undefined) this.#open.delete(open)
    this.#progress(item)
    this.setup.onItem(item, outcome)
    this.#finishIfDone()
    this.intake.pump()
  }

  #progress(item: number): void {
    const { options, source } = this.setup
    if (options.emitter !== undefined) emitProgress(options, item, this, source.size, this.#barrier)
  }

  #finishIfDone(): void {
    if (this.hasEnded || this.total === undefined || this.succeeded + this.failed < this.total) return
    if (this.#waitsFor(this.#shared, () => this.#finishIfDone())) return
    if (this.#failure === undefined) this.#finish({ type: 'SUCCEED', at: this.setup.options.clock.now() }, undefined)
    else this.fail(this.#failure)
  }

  #waitsFor(execution: Execution | undefined, goOn: () => void): boolean {
    return this.setup.durable !== undefined && waitsForLosers(execution, () => this.context.run(goOn))
  }

  /** What is undone here goes on elsewhere. */
  #giveUpUndo(event: EndEvent, error: CancelReason): void {
    if (this.#undo === undefined) return
    this.#undo.giveUp(error)
    this.#undo = undefined
    this.context.run(() => this.#report(event, error))
  }

  #finish(event: EndEvent, error: unknown): void {
    const { source, options } = this.setup
    this.#isEnding = this.hasEnded = true
    const hasWorked = event.type === 'SUCCEED' || event.type === 'RELEASE'
    if (!hasWorked) this.setup.durable?.failing(error)
    const reason = endReason(error, `the batch on graph "${this.place.graph}" ended`, this.place)
    const parts = [...this.#open.toArray().map(({ execution }) => execution), this.#shared]
    for (const execution of parts)
      if (event.type === 'RELEASE') execution.release(reason, event.cause, event.at)
      else execution.cancel(reason, event.at)
    source.close()
    const undo = hasWorked ? undefined : this.#undoing.begin(this.whole, error, this.#shared, parts)
    if (undo === undefined) return this.#report(event, error)
    this.#change({ type: 'COMPENSATE', error, at: event.at })
    options.emitter?.executionCompensating(event.at, error)
    if (event.type === 'TIME_OUT' || options.signal?.aborted === true) this.#reportNow(error)
    this.#undo = undo
    void undo.done.then((errors) => {
      if (this.#undo === undefined) return
      this.#undo = undefined
      withUndoErrors(error, errors)
      this.#report({ ...event, at: options.clock.now() }, error)
    })
  }

  /** The caller's own signal or time ends its wait; the undoing goes on. */
  #reportNow(error: unknown): void {
    if (this.state !== compiledBatch.stateCode.compensating || this.#isReported || this.setup.durable) return
    this.#isReported = true
    this.setup.onFailed(error, reported)
  }

  #report(event: EndEvent, error: unknown): void {
    const { options, durable, onCompleted, onFailed } = this.setup
    this.triggers?.stop()
    const durationMs = Math.round(options.clock.elapsed() - (this.#beganAt ?? options.clock.elapsed()))
    const report = reportOf(this.context, event, error, (ended, cause) => {
      this.#change(ended)
      if (options.emitter !== undefined) emitEnd(options.emitter, ended, cause, durationMs)
    })
    if (durable === undefined) report()
    if (event.type === 'SUCCEED') onCompleted(report)
    else if (!this.#isReported) this.context.run(() => onFailed(error, report))
  }

  #change(event: BatchEvent): void {
    compiledBatch.transition(this, compiledBatch.eventCode[event.type], event)
    this.watcher?.changed(event)
  }
}
