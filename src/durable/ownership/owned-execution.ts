import type { Snapshot } from 'xstate'
import type { ExecutionCancelledError } from '../../core/errors.ts'
import type { Message } from '../../core/contracts/message.ts'
import { placeOfMessage } from '../../core/contracts/signal-message.ts'
import type { Emitter } from '../../runtime/execution/emitter.ts'
import type { CancelReason } from '../../runtime/execution/end-reason.ts'
import { actorOfRunning } from '../../runtime/actors/actor-of-running.ts'
import { ExecutionActor } from '../../runtime/actors/execution-actor.ts'
import type { LogicScope } from '../../runtime/actors/execution-actor.ts'
import type { ExecutionActorRef } from '../../runtime/actors/execution-logic.ts'
import { Execution } from '../../runtime/execution/execution.ts'
import { hasRunning } from '../../runtime/batch/items-in-flight.ts'
import { reportChangedInputs } from './changed-inputs.ts'
import { EventWaits } from './event-waits.ts'
import { ExecutionCommits } from './execution-commits.ts'
import { ExecutionRecorder } from './execution-recorder.ts'
import { headOfBeginning, timesOfBeginning } from './beginning.ts'
import { liveStepsOf } from '../records/live-steps.ts'
import type { LiveSteps } from '../records/live-steps.ts'
import { incomingMailOf } from './incoming-mail.ts'
import type { IncomingMail } from './incoming-mail.ts'
import { likelyBlocker } from './likely-blocker.ts'
import type { Suspect } from './likely-blocker.ts'
import { detachedSnapshotOf, hasEndedError } from './detached-snapshot.ts'
import type { OwnedExecutionParts } from './owned-execution-parts.ts'
import { ParkableExecution } from './parkable-execution.ts'
import { ExecutionParking } from './parking.ts'
import { checkpointsOf } from './stored-checkpoints.ts'
import type { StoredCheckpoints } from './stored-checkpoints.ts'
import { TimerMail } from './timer-mail.ts'
import { isWaitingUntil } from './waiting-until.ts'
import { Ownership } from './ownership.ts'
import type { Departure, Owned, Release, UnwrittenEnd } from './owned.ts'
import { withResolvers } from '../../core/own-promise.ts'

/** An execution that this process owns, and its records. */
export class OwnedExecution implements Owned {
  readonly id: string
  readonly requestDigest: string
  readonly graph: string
  readonly target: string
  readonly #parts: OwnedExecutionParts
  readonly #recorder: ExecutionRecorder
  readonly #ownership: Ownership
  readonly #execution: Execution
  /** Only where steps may be undone. */
  readonly #callerLeft: PromiseWithResolvers<never> | undefined
  /** Undefined where no step gets values from outside. */
  readonly #mail: IncomingMail | undefined
  readonly events: EventWaits | undefined
  /** Undefined where no step is a durable function. */
  readonly #checkpoints: StoredCheckpoints | undefined
  /** The next two only where steps may wait. */
  readonly #timers: TimerMail | undefined
  readonly #parking: ExecutionParking | undefined
  readonly #ending = withResolvers<void>()
  detaching: Promise<void> | undefined
  /** On their way to the store. */
  #beginning: Set<Promise<unknown>> | undefined
  #mirrors = 0
  #actor: ExecutionActorRef | undefined

  constructor(parts: OwnedExecutionParts) {
    const { plan } = parts.given
    this.#parts = parts
    this.#callerLeft = plan.compensates ? withResolvers() : undefined
    this.#callerLeft?.promise.catch(() => {})
    this.id = parts.options.id
    this.requestDigest = parts.requestDigest
    this.graph = plan.index.graph.name
    this.target = plan.target.name
    const commits = new ExecutionCommits(parts.connection, parts.right, parts.restored?.open ?? [], () => {
      parts.onRefused()
      this.lose()
    })
    const undoings = parts.restored?.undoings
    const { connection, held } = parts
    this.#mail = incomingMailOf({ connection, commits, id: this.id, plan })
    if (this.#mail !== undefined) {
      commits.consumesBy(this.#mail)
      if (this.emitter !== undefined) this.emitter.unread = () => this.#mail!.unread
    }
    const of = { id: this.id, emitter: parts.options.emitter, held }
    if (plan.eventSteps.length > 0 || plan.hasFunctions) this.events = new EventWaits(connection, commits, of)
    if (plan.waits) this.#timers = new TimerMail(connection, commits, { id: this.id, former: plan.index.former })
    this.#recorder = new ExecutionRecorder(parts.connection, parts.right, commits, plan.target)
    const owned = {
      id: this.id,
      place: { graph: this.graph, executionId: this.id },
      emitter: parts.options.emitter,
      release: (reason: CancelReason, cause: Release['cause']): void => {
        this.#execution.holdOutcome(false)
        this.#execution.release(reason, cause)
      },
      onGone: () => parts.onGone(this),
    }
    this.#ownership = new Ownership(owned, parts.connection, this.#recorder)
    const { given, options, setup, restored } = parts
    const isNew = restored === undefined
    const { keyNames } = restored ?? {}
    const checkpoints = (this.#checkpoints = checkpointsOf(connection, commits, { id: this.id, plan, keyNames, isNew }))
    if (parts.begun !== undefined) this.#recorder.notes.begunWith(parts.begun)
    const hashes = restored?.inputHashes ?? new Map<string, string>()
    this.#execution = new Execution({
      ...setup,
      queue: parts.right.queue,
      keyNames,
      beginsAgain: restored?.beginsAgain,
      ...(undoings !== undefined && { undoings: { of: (step: string) => undoings.get(step) ?? 0, add: () => {} } }),
      plan: given.plan,
      options,
      cache: undefined,
      requestDigest: this.requestDigest,
      keepsRuns: true,
      recorder: this.#recorder,
      signals: this.#mail?.signals,
      inbox: this.#mail?.inbox,
      events: this.events?.of(),
      times: this.#timers?.times,
      checkpoints: checkpoints?.of(),
      onWaits: (waits, rests) => this.#noteWaits(waits, rests),
      onCompleted: (output) => this.#ownership.completed(output, this.#untilUndone()),
      onFailed: (error, report) => void this.#ownership.failed(error, report),
      onCallerLeft: this.#callerLeft?.reject,
      onSettled:
        hashes.size === 0 ? undefined : (run) => reportChangedInputs(run, hashes, this.#execution, connection.encoding),
    })
    if (plan.waits && parts.parkMs !== undefined)
      this.#parking = new ExecutionParking({
        connection: parts.connection,
        afterMs: parts.parkMs,
        parkable: new ParkableExecution(
          this.#execution,
          [this.#mail, this.events, checkpoints],
          parts.connection.encoding,
        ),
        recorder: this.#recorder,
        // One that is refused to be detached goes on with the children that were held back: nobody else would begin them.
        isToStay: () => this.#actor !== undefined || this.#mirrors > 0 || this.detaching !== undefined,
        onParked: (release) => {
          const { context } = this.#execution
          this.#ownership.parked(release)
          // Last: a caller that has left meanwhile ends what nobody owns now.
          parts.onParked(context)
        },
        onUnread: parts.onUnread,
      })
    // What ends while it waits has not gone on before.
    if (this.#parking !== undefined) void this.departure.then(() => this.#parking!.stop())
    this.#recorder.onEndUnderWay = () => {
      if (this.isEnding) this.#ending.resolve()
    }
    this.#recorder.hasOpenLosses = () => this.#execution.losses?.areOpen === true
    if (restored?.persisted.outcome !== undefined) this.#recorder.endKept()
    // What was due first is first: that is known by the times that timers have now.
    this.#timers?.begin(parts.moves ?? [])
    if (restored !== undefined) this.#execution.restore(restored.persisted)
    this.#timers?.follow(() => [this.#execution])
    this.#mail?.follow(this.#execution)
  }

  /** Of an execution whose record is left open at its end; undefined where it is not. */
  #untilUndone(): Promise<void> | undefined {
    if (!this.#recorder.isLeftOpen) return undefined
    return this.#execution.losses?.done ?? Promise.resolve()
  }

  /** The execution as an actor, which comes to life when somebody looks at it, in the state that the execution is in. */
  get actor(): ExecutionActorRef {
    return (this.#actor ??= actorOfRunning({ ...this.#parts, execution: this.#execution }))
  }

  get owner(): string {
    return this.#parts.right.owner
  }

  get epoch(): number {
    return this.#parts.right.epoch
  }

  get emitter(): Emitter | undefined {
    return this.#parts.options.emitter
  }

  get commits(): ExecutionCommits {
    return this.#recorder.commits
  }

  get signal(): AbortSignal | undefined {
    return this.#parts.options.signal
  }

  get callerLeft(): Promise<never> | undefined {
    return this.#callerLeft?.promise
  }

  get departure(): Promise<Departure> {
    return this.#ownership.departure
  }

  get rest(): Promise<void> | undefined {
    return this.#recorder.isLeftOpen ? this.gone : undefined
  }

  get gone(): Promise<void> {
    return this.#ownership.gone
  }

  get hasEnded(): boolean {
    return this.#execution.hasEnded
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

  get isEnding(): boolean {
    const { isEndUnderWay, hasStragglers } = this.#recorder
    if (!isEndUnderWay || hasStragglers) return false
    // Where the store refuses its output, what it did is undone, or a fallback may be called.
    const { compensates, steps, producers, targetSlot } = this.#parts.given.plan
    const mayGoOn = compensates || steps[producers[targetSlot]!]?.spec.fallback !== undefined
    return this.hasEnded || !mayGoOn
  }

  get ending(): Promise<void> {
    return this.#ending.promise
  }

  get isQuiet(): boolean {
    if (this.#ownership.hasDeparted) return true
    return this.#recorder.isIdle && !hasRunning(this.#execution)
  }

  hasWorkBefore(at: number): boolean {
    if (this.#execution.losses?.areOpen === true) return true
    if (this.isQuiet) return !this.hasDeparted && !isWaitingUntil(this.#execution.runs, at)
    return true
  }

  get liveBatch(): undefined {
    return undefined
  }

  get liveSteps(): LiveSteps {
    return liveStepsOf(this.#execution)
  }

  suspect(durationMs: number): Suspect | undefined {
    return likelyBlocker(this.#execution.runs, this.#execution.clock.now(), durationMs)
  }

  /** Shows it as another actor too, one of the user's: from now on, until the mirror leaves. */
  mirrorIn(scope: LogicScope): ExecutionActor {
    const { given, input, options } = this.#parts
    this.#mirrors++ // For as long as it lives.
    return new ExecutionActor({ scope, input, given, options, running: this.#execution, isMirror: true })
  }

  /** Brings it to life. */
  start(): void {
    const { given, startedAt, restored } = this.#parts
    const now = this.#execution.clock.now()
    // Before anything of it happens; without an inspector the actor waits until somebody looks.
    if (this.#parts.inspect !== undefined) void this.actor
    // That it is lost is noticed where something is awaited.
    if (startedAt === undefined) {
      const onFailure = this.#parts.connection.failures.of(`noting that execution "${this.id}" runs`)
      this.#recorder.commits.change(headOfBeginning(this.#parts, now)).catch(onFailure)
    }
    // It was created as begun; what took time since was the store.
    else if (restored === undefined && startedAt !== now)
      this.#recorder.commits.amend(timesOfBeginning(this.#parts, now))
    // It may have waited; where it has completed, and losers of its races are undone, it stays on record as that.
    const hasOutcome = restored?.persisted.outcome !== undefined
    if (restored?.persisted.value === 'pending' && !hasOutcome && given.plan.waits)
      this.#recorder.commits.amend({ status: 'running' })
    // What came before a timer is due again counts before it.
    this.#receive()
    this.#execution.start(given.leafValues, true)
  }

  /** Takes the signals that it comes with. */
  #receive(): void {
    const { signals = {}, mail = [], moves = [] } = this.#parts
    for (const message of [...mail, ...moves]) this.messageRead(message)
    for (const message of mail) if (message.kind === 'event') this.events?.take(message)
    if (this.#mail === undefined) return
    this.#mail.give(signals)
    for (const message of mail) this.#mail.take(message)
    this.#mail.check()
  }

  detachedSnapshot(): Snapshot<unknown> {
    this.#receive()
    return detachedSnapshotOf(this.actor, this.#mail)
  }

  /** Whether all of it waits goes out with the notes of the turn. */
  #noteWaits(waits: boolean, rests: boolean): void {
    const { commits } = this.#recorder
    commits.rest(rests)
    // Whatever goes on once its end is written is none of the store's business.
    if (commits.isOff || this.#execution.isSettled) return
    this.#parking?.waits(waits, rests)
    const onFailure = this.#parts.connection.failures.of(`noting whether execution "${this.id}" waits`)
    commits.change({ status: waits ? 'waiting' : 'running' }).then(() => waits && this.#parts.onRest(), onFailure)
  }

  messageRead({ seq }: Pick<Message, 'seq'>): void {
    this.#parking?.read(seq)
  }

  takeSignal(message: Message): void {
    if (this.hasEnded) return
    if (this.#mail?.take(message) !== true) this.emitter?.strayCame(placeOfMessage(message)?.type ?? '')
  }

  moveTimer(message: Message): void {
    if (!this.hasEnded) this.#timers?.take(message)
  }

  cancel(error: ExecutionCancelledError): void {
    this.#execution.cancel(error)
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
    if (!drain) this.#execution.pause()
  }

  childBegins(starting: Promise<unknown>): void {
    const all = (this.#beginning ??= new Set())
    all.add(starting)
    const arrived = (): void => void all.delete(starting)
    starting.then(arrived, arrived)
  }

  async detach(release: Release, requireFree: () => Promise<void>): Promise<Snapshot<unknown>> {
    const { promise, resolve } = withResolvers<void>()
    this.detaching = promise
    try {
      // A child that is on its way to the store is found there. What else is may never be all there, while steps go on.
      await Promise.allSettled(this.#beginning ?? [])
      await requireFree()
      return await this.#detach(release)
    } finally {
      if (this.detaching === promise) this.detaching = undefined
      resolve()
    }
  }

  async #detach(release: Release): Promise<Snapshot<unknown>> {
    const { clock } = this.#parts.connection
    // What is on its way to the store belongs into the snapshot.
    this.#execution.pause()
    await this.#recorder.idle()
    await new Promise<void>((resolve) => void clock.setImmediate(resolve))
    if (this.#execution.isSettled) throw hasEndedError(this.id)
    const snapshot = detachedSnapshotOf(this.actor, this.#mail)
    await this.handOver(release)
    return snapshot
  }

  async handOver(release: Release): Promise<void> {
    if (this.#checkpoints?.isBusy === true) await this.#checkpoints.recorded()
    if (this.#execution.isSettled && this.#execution.undoing?.isUnderWay !== true && !this.hasDeparted)
      await this.#ownership.finishOr(release)
    else await this.#ownership.handOver(release)
  }
}
