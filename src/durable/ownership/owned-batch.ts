import type { ExecutionCancelledError } from '../../core/errors.ts'
import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { Message } from '../../core/contracts/message.ts'
import { BatchActor } from '../../runtime/actors/batch-actor.ts'
import type { DurableParts, ItemOutcome } from '../../runtime/batch/batch-setup.ts'
import { Batch } from '../../runtime/batch/batch.ts'
import type { Emitter } from '../../runtime/execution/emitter.ts'
import type { CancelReason } from '../../runtime/execution/end-reason.ts'
import type { EndReport } from '../../runtime/execution/end-report.ts'
import type { Execution } from '../../runtime/execution/execution.ts'
import type { ExecutionSetup } from '../../runtime/execution/execution-setup.ts'
import { sourceOfArray } from '../../runtime/batch/item-source.ts'
import type { PersistedExecution } from '../../runtime/execution/execution-view.ts'
import { BatchSignals } from './batch-signals.ts'
import { ExecutionCommits } from './execution-commits.ts'
import { BatchRecorder } from './batch-recorder.ts'
import { headOfBeginning } from './beginning.ts'
import { itemsStep } from '../records/batch-items.ts'
import type { ItemsChunk } from '../records/batch-items.ts'
import { itemStep, targetStep } from '../records/restore-batch.ts'
import { outcomeRecordOf } from '../records/outcome-record.ts'
import { restoredItemOf, undoingsOfItems } from '../records/restored-item.ts'
import { StoredBatchUndoing } from './stored-batch-undoing.ts'
import type { UndoStored } from '../../runtime/batch/batch-undoing.ts'
import type { LiveBatch } from '../records/batch-info.ts'
import { liveBatchOf } from './live-batch.ts'
import { likelyBlocker } from './likely-blocker.ts'
import type { Suspect } from './likely-blocker.ts'
import type { OwnedBatchParts } from './owned-batch-parts.ts'
import { Ownership } from './ownership.ts'
import { TimerMail } from './timer-mail.ts'
import type { Departure, Owned, Release, UnwrittenEnd } from './owned.ts'

/** A batch that this process owns, and its records. */
export class OwnedBatch implements Owned, DurableParts {
  readonly id: string
  readonly graph: string
  readonly target: string
  readonly requestDigest: string
  readonly actor: undefined
  /** Resolves when its items are written: then it survives this process. */
  written: Promise<void> = Promise.resolve()
  readonly #parts: OwnedBatchParts
  readonly #recorder: BatchRecorder
  readonly #ownership: Ownership
  readonly #batch: Batch
  /** Undefined where no step waits for a signal. */
  readonly #signals: BatchSignals | undefined
  /** Only where steps may wait. */
  readonly #timers: TimerMail | undefined
  readonly #results: unknown[]
  /** The step that makes the target. */
  readonly #producer: string | undefined
  /** Whether all items come to the same, made by steps that they share. */
  readonly #isTargetShared: boolean
  /** Whether an item whose target an earlier process has made needs no execution any more: nobody looks at it, nothing else waits for its values. */
  readonly #isTargetEnough: boolean
  #hasNotedTarget = false
  /** Records of items, outcomes and the end that are on their way. */
  #writing = 0
  #notes: Promise<unknown> = Promise.resolve()

  constructor(parts: OwnedBatchParts) {
    const { frame, items, connection, right } = parts
    const { plan, collects, inputs, options } = frame
    this.#parts = parts
    this.id = right.id
    this.graph = plan.whole.index.graph.name
    this.target = plan.whole.target.name
    this.requestDigest = parts.requestDigest
    const commits = new ExecutionCommits(connection, right, parts.restored?.open ?? [], () => {
      parts.onRefused()
      this.lose()
    })
    this.#recorder = new BatchRecorder(connection, right, commits)
    if (plan.whole.signalSteps.length > 0) {
      this.#signals = new BatchSignals({ connection, commits, id: this.id, plan, keys: parts.keys })
      this.#signals.keep(parts.mail ?? [])
    }
    const { waits, index } = plan.whole
    if (waits) this.#timers = new TimerMail(connection, commits, { id: this.id, former: index.former })
    this.#results = new Array<unknown>(items.length)
    this.#producer = plan.whole.index.producers.get(this.target)?.name
    this.#isTargetEnough =
      this.#producer !== undefined &&
      !plan.needsAll &&
      (plan.whole.racers === undefined || !plan.whole.compensates) &&
      parts.inspect === undefined &&
      parts.hasFormerTarget !== true
    this.#isTargetShared = plan.imports.includes(plan.shared.slots.get(this.target) ?? -1)
    this.#batch = new Batch({
      ...frame,
      cache: undefined,
      undoings: undoingsOfItems(parts.restored, parts.keys),
      durable: this,
      source: sourceOfArray(items),
      read: (given, item) => parts.reads?.[item] ?? inputs.read(given, item),
      hasRoom: () => true,
      onItem: (item, outcome) => {
        this.#results[item] = collects ? outcome : outcome.value
        this.#note(item, outcome)
      },
      onCompleted: (report) => void this.#busyWith(this.#complete(report)),
      onFailed: (error, report) => void this.#ownership.failed(error, report),
    })
    const owned = {
      id: this.id,
      place: { graph: this.graph, executionId: this.id },
      emitter: options.emitter,
      release: (reason: CancelReason, cause: Release['cause']) => this.#batch.release(reason, cause),
      onGone: () => parts.onGone(this),
    }
    this.#ownership = new Ownership(owned, connection, this.#recorder)
    this.#timers?.follow(() => this.#batch.executions)
    this.#timers?.begin(parts.moves ?? [])
  }

  get owner(): string {
    return this.#parts.right.owner
  }

  get epoch(): number {
    return this.#parts.right.epoch
  }

  get emitter(): Emitter | undefined {
    return this.#parts.frame.options.emitter
  }

  /** It is never parked. */
  messageRead(): void {}

  takeSignal(message: Message): void {
    if (!this.hasEnded) this.#signals?.take(message)
  }

  moveTimer(message: Message): void {
    if (!this.hasEnded) this.#timers?.take(message)
  }

  get commits(): ExecutionCommits {
    return this.#recorder.commits
  }

  get signal(): AbortSignal | undefined {
    return this.#parts.frame.options.signal
  }

  get departure(): Promise<Departure> {
    return this.#ownership.departure
  }

  get gone(): Promise<void> {
    return this.#ownership.gone
  }

  get hasEnded(): boolean {
    return this.#batch.hasEnded
  }

  get hasDeparted(): boolean {
    return this.#ownership.hasDeparted
  }

  get unwrittenEnd(): UnwrittenEnd | undefined {
    return this.#ownership.unwrittenEnd
  }

  get isQuiet(): boolean {
    return this.#ownership.hasDeparted || (this.#writing === 0 && this.#recorder.isIdle && !this.#batch.isRunning)
  }

  hasWorkBefore(): boolean {
    return !this.hasDeparted
  }

  get liveSteps(): undefined {
    return undefined
  }

  get batchShape(): NonNullable<Owned['batchShape']> {
    const { items, frame } = this.#parts
    return { total: items.length, plan: frame.plan }
  }

  get liveBatch(): LiveBatch {
    return liveBatchOf(this.#batch)
  }

  suspect(durationMs: number): Suspect | undefined {
    const runs = this.#batch.executions.flatMap((execution) => execution.runs)
    return likelyBlocker([...runs, this.#recorder.lastForgotten], this.#parts.connection.clock.now(), durationMs)
  }

  start(): void {
    const { restored, startedAt, connection, inspect } = this.#parts
    if (inspect !== undefined) this.#batch.watcher = new BatchActor(this.#batch, inspect)
    if (startedAt === undefined) {
      const onFailure = connection.failures.of(`noting that batch "${this.id}" runs`)
      this.#recorder.commits.change(headOfBeginning(this.#parts, connection.clock.now())).catch(onFailure)
    }
    if (restored !== undefined) {
      this.#batch.start()
      return
    }
    this.written = this.#busyWith(this.#writeItems())
    this.written.then(
      () => {
        if (!this.#batch.hasEnded) this.#batch.start()
      },
      (error: unknown) => void this.#ownership.failed(error, () => {}),
    )
  }

  cancel(error: ExecutionCancelledError): void {
    this.#batch.cancel(error)
  }

  writeOwnedMs(): void {
    if (!this.hasEnded) this.#recorder.commits.writeOwnedMs()
  }

  lose(cause?: unknown): void {
    this.#ownership.lose(cause)
  }

  beginClosing(release: Release, drain: boolean): void {
    const onFailure = this.#parts.connection.failures.of(`handing execution "${this.id}" over`)
    this.#recorder.giveUp = () => void this.handOver(release).catch(onFailure)
    if (!drain) this.#batch.pause()
  }

  async handOver(release: Release): Promise<void> {
    if (this.#batch.hasEnded && !this.#batch.isUndoing) await this.#ownership.finishOr(release)
    else await this.#ownership.handOver(release)
  }

  get failure(): { readonly error: unknown } | undefined {
    return this.#parts.failure
  }

  readonly undo: UndoStored = (live, reason) => {
    const mayHaveEffects = this.#parts.restored !== undefined || this.#recorder.undoNotes.haveBegun
    if (!this.#parts.frame.plan.whole.compensates || !mayHaveEffects) return undefined
    return new StoredBatchUndoing({ ...this.#parts, recorder: this.#recorder }, live, reason)
  }

  setupOf(item: number | undefined): Partial<ExecutionSetup> {
    const itemKey = item === undefined ? undefined : this.#parts.keys[item]
    const { setup, keyNames, inspect, frame } = this.#parts
    const signals = this.#signals?.of(item)
    const times = this.#timers?.times
    // What a commit does to slots depends on which steps have ended.
    const keepsRuns = inspect !== undefined || frame.plan.whole.waits
    return { ...setup, recorder: this.#recorder, keyNames, itemKey, times, keepsRuns, ...(signals && { signals }) }
  }

  begins(item: number | undefined, execution: Execution): void {
    this.#signals?.begins(item, execution)
  }

  restoredOf(item: number | undefined): PersistedExecution | undefined {
    const { restored, keys } = this.#parts
    if (restored === undefined) return undefined
    return restoredItemOf(
      { id: this.id, graph: this.graph, target: this.target },
      restored,
      item === undefined ? '' : keys[item]!,
    )
  }

  outcomeOf(item: number): ItemOutcome | undefined {
    const { restored, keys } = this.#parts
    if (restored === undefined) return undefined
    const key = keys[item]!
    const known = restored.outcomes.get(key)
    if (known !== undefined || !this.#isTargetEnough || restored.outdated.has(key)) return known
    const made = restored.views.get(this.#producer!, key)
    return made?.status === 'completed' || made?.status === 'cached' ? { value: made.output } : undefined
  }

  /** Nothing runs before all items are written: another process could not go on. */
  async #writeItems(): Promise<void> {
    const { items, keys, chunkEnds = [] } = this.#parts
    let at = 0
    for (const [index, end] of chunkEnds.entries()) {
      if (this.#batch.hasEnded) return
      const chunk: ItemsChunk = { at, keys: keys.slice(at, end), items: items.slice(at, end) }
      await this.#recorder.commits.write({
        steps: [await this.#recordOf(itemsStep, String(index), { value: chunk })],
      })
      at = end
    }
  }

  /** Notes what no step has written: a value that is given, falls back or is not persisted, and an error. */
  #note(item: number, outcome: ItemOutcome): void {
    if (this.outcomeOf(item) !== undefined) return
    const closedSlots = this.#signals?.ended(item) ?? []
    if (closedSlots.length > 0)
      void this.#busyWith(this.#recorder.commits.write({ steps: [], closedSlots })).catch(() => {})
    if (this.#isTargetShared && 'value' in outcome) {
      if (!this.#hasNotedTarget && !this.#isWritten('')) this.#write(this.#recordOf(targetStep, '', outcome))
      this.#hasNotedTarget = true
      // What the item failed with in an earlier life would be taken for its own.
      if (this.#parts.restored?.outdated.has(this.#parts.keys[item]!) !== true) return
    }
    const key = this.#parts.keys[item]!
    if (!('value' in outcome) || !this.#isWritten(key)) this.#write(this.#recordOf(itemStep, key, outcome))
  }

  /** Whether a step has written the target, and nothing else is recorded in its place. */
  #isWritten(key: string): boolean {
    const { restored, hasFormerTarget } = this.#parts
    if (hasFormerTarget === true || restored?.outdated.has(key) === true) return false
    const status = this.#producer === undefined ? undefined : restored?.views.get(this.#producer, key)?.status
    return status === 'completed' || status === 'cached' || this.#recorder.written.has(key)
  }

  /** Writes a record that the batch's end waits for. */
  #write(record: Promise<StepRecord>): void {
    const note = this.#busyWith(record.then((made) => this.#recorder.commits.write({ steps: [made] })))
    const notes = Promise.all([this.#notes, note])
    notes.catch(() => {})
    this.#notes = notes
  }

  /** An orderly close waits for it. */
  async #busyWith(work: Promise<void>): Promise<void> {
    this.#writing++
    try {
      await work
    } finally {
      this.#writing--
    }
  }

  async #complete(report: EndReport): Promise<void> {
    const { clock } = this.#parts.connection
    this.#ownership.ending(report)
    try {
      await this.#notes
      await this.#recorder.idle()
      const { ownedMs } = this.#recorder.commits
      await this.#recorder.commits.change({ status: 'completed', endedAt: clock.now(), ownedMs, isReleased: true })
      this.#ownership.completed(this.#results)
    } catch (error) {
      await this.#ownership.failed(error, (instead = { type: 'FAIL', error }) => report(instead))
    }
  }

  #recordOf(step: string, item: string, outcome: ItemOutcome): Promise<StepRecord> {
    const { connection, life = 1 } = this.#parts
    return outcomeRecordOf(connection, { id: this.id, target: this.target, life }, { step, item }, outcome)
  }
}
