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
import { EventWaits } from './event-waits.ts'
import { ExecutionCommits } from './execution-commits.ts'
import { endLeftByItems } from './end-left-by-items.ts'
import { BatchNotes } from './batch-notes.ts'
import { BatchRecorder } from './batch-recorder.ts'
import { headOfBeginning } from './beginning.ts'
import { chunksOf } from '../records/batch-items.ts'
import { uncertainRecordOf } from '../records/undo-records.ts'
import { restoredItemOf, undoingsOfItems } from '../records/restored-item.ts'
import { StoredBatchUndoing } from './stored-batch-undoing.ts'
import type { UndoStored } from '../../runtime/batch/batch-undoing.ts'
import type { LiveBatch } from '../records/batch-info.ts'
import { liveBatchOf } from './live-batch.ts'
import { likelyBlocker } from './likely-blocker.ts'
import type { Suspect } from './likely-blocker.ts'
import { checkpointsOf } from './stored-checkpoints.ts'
import type { StoredCheckpoints } from './stored-checkpoints.ts'
import { ParkableBatch } from './parkable-batch.ts'
import { dueOfSteps } from './parkable-execution.ts'
import { ExecutionParking } from './parking.ts'
import { hasRunning } from '../../runtime/batch/items-in-flight.ts'
import type { OwnedBatchParts } from './owned-batch-parts.ts'
import { receivesValues } from './incoming-mail.ts'
import { Ownership } from './ownership.ts'
import { TimerMail } from './timer-mail.ts'
import type { Departure, Owned, Release, UnwrittenEnd } from './owned.ts'

/** A batch that this process owns, and its records. */
export class OwnedBatch implements Owned, DurableParts {
  readonly id: string
  readonly graph: string
  readonly target: string
  readonly deadline: number | undefined
  readonly requestDigest: string
  readonly actor: undefined
  readonly isEnding = false
  readonly ending: undefined
  /** Resolves when its items are written: then it survives this process. */
  written: Promise<void> = Promise.resolve()
  readonly #parts: OwnedBatchParts
  readonly #recorder: BatchRecorder
  readonly #ownership: Ownership
  readonly #batch: Batch
  /** The next three only where steps wait for such things. */
  readonly events: EventWaits | undefined
  readonly #signals: BatchSignals | undefined
  readonly #timers: TimerMail | undefined
  readonly #checkpoints: StoredCheckpoints | undefined
  readonly #parking: ExecutionParking | undefined
  readonly #notes: BatchNotes
  readonly #results: unknown[]
  /** Items that have not failed, where a batch that is parked needs of them what is nowhere on record once they have ended. */
  readonly #begun: Map<number, Execution> | undefined

  constructor(parts: OwnedBatchParts) {
    const { frame, items, connection, right } = parts
    const { plan, collects, inputs, options } = frame
    this.#parts = parts
    this.id = right.id
    this.graph = plan.whole.index.graph.name
    this.target = plan.whole.target.name
    this.requestDigest = parts.requestDigest
    this.deadline = options.deadline
    const commits = new ExecutionCommits(connection, right, parts.restored?.open ?? [], () => {
      parts.onRefused()
      this.lose()
    })
    this.#recorder = new BatchRecorder(connection, right, commits, plan.whole.target)
    if (receivesValues(plan.whole)) {
      this.#signals = new BatchSignals({ connection, commits, id: this.id, plan, keys: parts.keys })
      this.#signals.keep(parts.mail ?? [])
    }
    const { waits, index, eventSteps, hasFunctions } = plan.whole
    if (eventSteps.length > 0 || hasFunctions)
      this.events = new EventWaits(connection, commits, { ...options, id: this.id, held: parts.held })
    if (waits) this.#timers = new TimerMail(connection, commits, { id: this.id, former: index.former })
    const { keyNames, restored } = parts
    const ofBatch = { id: this.id, plan: plan.whole, keyNames, isNew: restored === undefined }
    this.#checkpoints = checkpointsOf(connection, commits, ofBatch)
    this.#results = new Array<unknown>(items.length)
    this.#notes = new BatchNotes({
      connection,
      recorder: this.#recorder,
      id: this.id,
      plan,
      keys: parts.keys,
      restored: parts.restored,
      life: parts.life ?? 1,
      hasFormerTarget: parts.hasFormerTarget === true,
      isLookedAt: parts.inspect !== undefined,
    })
    this.#batch = new Batch({
      ...frame,
      cache: undefined,
      undoings: undoingsOfItems(parts.restored, parts.keys),
      durable: this,
      source: sourceOfArray(items),
      read: (given, item) => parts.reads?.[item] ?? inputs.read(given, item),
      hasRoom: () => true,
      onWaits: (waits, rests) => this.#noteWaits(waits, rests),
      onItem: (item, outcome) => {
        this.#results[item] = collects ? outcome : outcome.value
        if ('error' in outcome) this.#begun?.delete(item)
        if (this.outcomeOf(item) === undefined) this.#notes.note(item, outcome, this.#signals?.ended(item) ?? [])
      },
      onCompleted: (report) => void this.#notes.busyWith(this.#complete(report)),
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
    if (waits && parts.parkMs !== undefined && plan.needsAll) this.#begun = new Map()
    if (waits && parts.parkMs !== undefined) this.#parking = this.#parkingOf(parts, parts.parkMs)
    // What ends while it waits has not gone on before.
    if (this.#parking !== undefined) void this.departure.then(() => this.#parking!.stop())
  }

  #parkingOf({ connection, inspect, onParked, onUnread }: OwnedBatchParts, afterMs: number): ExecutionParking {
    const { commits } = this.#recorder
    return new ExecutionParking({
      connection,
      afterMs,
      parkable: new ParkableBatch({
        connection,
        commits,
        batch: this.#batch,
        notes: this.#notes,
        begun: this.#begun,
        sources: [this.#signals, this.events, this.#checkpoints],
      }),
      recorder: this.#recorder,
      isToStay: () => inspect !== undefined,
      onParked: (release) => {
        const { context } = this.#batch
        this.#ownership.parked(release)
        // Last: a caller that has left meanwhile ends what nobody owns now.
        onParked(context)
      },
      onUnread,
    })
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

  messageRead({ seq }: Pick<Message, 'seq'>): void {
    this.#parking?.read(seq)
  }

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

  get isBeingParked(): boolean {
    return this.#parking?.isUnderWay === true
  }

  get unwrittenEnd(): UnwrittenEnd | undefined {
    return this.#ownership.unwrittenEnd
  }

  get isQuiet(): boolean {
    return (
      this.#ownership.hasDeparted ||
      (this.#notes.isIdle && this.#recorder.isIdle && !this.#batch.executions.some(hasRunning))
    )
  }

  hasWorkBefore(at: number): boolean {
    if (this.hasDeparted) return false
    const waits = this.isQuiet && this.#batch.waits?.isWaiting === true
    return !waits || this.#batch.executions.some((execution) => dueOfSteps(execution) < at)
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
      // It may have waited.
      if (this.#parts.frame.plan.whole.waits && this.failure === undefined)
        this.#recorder.commits.amend({ status: 'running' })
      for (const message of [...(this.#parts.mail ?? []), ...(this.#parts.moves ?? [])]) this.messageRead(message)
      this.#batch.start()
      if (!this.#batch.hasEnded) endLeftByItems(this.#parts, this.#recorder)
      return
    }
    this.written = this.#notes.writeItems(
      chunksOf({ ...this.#parts, chunkEnds: this.#parts.chunkEnds ?? [] }),
      () => this.#batch.hasEnded,
    )
    this.written.then(
      () => {
        if (!this.#batch.hasEnded) this.#batch.start()
      },
      (error: unknown) => void this.#ownership.failed(error, () => {}),
    )
  }

  /** Whether all of it waits goes out with the notes of the turn. */
  #noteWaits(waits: boolean, rests: boolean): void {
    const { commits } = this.#recorder
    commits.rest(rests)
    if (commits.isOff || this.#batch.hasEnded) return
    this.#parking?.waits(waits, rests)
    const onFailure = this.#parts.connection.failures.of(`noting whether batch "${this.id}" waits`)
    commits.change({ status: waits ? 'waiting' : 'running' }).then(() => waits && this.#parts.onRest(), onFailure)
  }

  cancel(error: ExecutionCancelledError): void {
    this.#batch.cancel(error)
  }

  writeOwnedMs(): void {
    if (!this.hasEnded) this.#recorder.commits.writeOwnedMs()
  }

  lose(cause?: unknown): void {
    this.#parking?.stop()
    this.#ownership.lose(cause)
  }

  beginClosing(release: Release, drain: boolean): void {
    this.#parking?.stop()
    const onFailure = this.#parts.connection.failures.of(`handing execution "${this.id}" over`)
    this.#recorder.giveUp = () => void this.handOver(release).catch(onFailure)
    if (!drain) this.#batch.pause()
  }

  async handOver(release: Release): Promise<void> {
    if (this.#checkpoints?.isBusy === true) await this.#checkpoints.recorded()
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

  failing(error: unknown): void {
    this.#recorder.failing(error)
  }

  setupOf(item: number | undefined): Partial<ExecutionSetup> {
    const itemKey = item === undefined ? undefined : this.#parts.keys[item]
    const { setup, keyNames, inspect, frame } = this.#parts
    const mail = this.#signals?.of(item)
    const sources = {
      signals: mail?.signals,
      inbox: mail?.inbox,
      times: this.#timers?.times,
      events: this.events?.of(itemKey),
    }
    const checkpoints = this.#checkpoints?.of(itemKey)
    // What a commit does to slots depends on which steps have ended.
    const keepsRuns = inspect !== undefined || frame.plan.whole.waits
    return {
      ...setup,
      ...sources,
      queue: this.#parts.right.queue,
      checkpoints,
      recorder: this.#recorder,
      keyNames,
      itemKey,
      keepsRuns,
    }
  }

  begins(item: number | undefined, execution: Execution): void {
    this.#signals?.begins(item, execution)
    const isOnRecord = execution.plan.steps.every(({ spec }) => execution.persistOf(spec) !== undefined)
    if (item !== undefined && !isOnRecord) this.#begun?.set(item, execution)
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
    return this.#notes.outcomeOf(item)
  }

  /** What its items share, and nobody knows what it did: where the batch begins again, it may end before that does. */
  #unknownOfShared(): readonly StepRecord[] {
    const [shared] = this.#batch.executions
    const unknown = shared?.effects?.unknown ?? []
    return unknown.map((step) => uncertainRecordOf({ step, item: '' }))
  }

  async #complete(report: EndReport): Promise<void> {
    const { clock } = this.#parts.connection
    this.#ownership.ending(report)
    try {
      await this.#notes.settled()
      await this.#recorder.idle()
      const { commits } = this.#recorder
      const head = { status: 'completed', endedAt: clock.now(), ownedMs: commits.ownedMs, isReleased: true } as const
      await commits.write({ steps: this.#unknownOfShared(), head })
      this.#ownership.completed(this.#results)
    } catch (error) {
      await this.#ownership.failed(error, (instead = { type: 'FAIL', error }) => report(instead))
    }
  }
}
