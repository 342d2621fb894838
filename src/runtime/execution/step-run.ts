import { compiledStep } from '../../../machines/index.ts'
import type { StepEvent } from '../../../machines/index.ts'
import type { PersistSpec } from '../../core/graph/graph-index.ts'
import type { First } from '../../core/language/race.ts'
import type { PlanStep } from '../../core/graph/plan.ts'
import { kindOf } from '../steps/step-kinds.ts'
import type { StepWork, WorkingStep } from '../steps/step-work.ts'
import type { Claimant, SharedClaim } from '../results/claimant.ts'
import { Claim } from '../results/claim.ts'
import type { Effect, EffectiveStep } from './effects.ts'
import type { AwaitedLimit } from '../steps/shared-limits.ts'
import type { StepHost } from './step-host.ts'
import type { StepState } from './step-state.ts'
import type { StepView } from './execution-view.ts'
import { handOver } from './hand-over.ts'
import { restoreStep } from './restored-step.ts'
import type { Recorder } from './recorder.ts'
import type { Slots } from '../environment/current-step.ts'
import { idempotencyKeyOf } from './idempotency-key.ts'
import { fallBackOrFail, holdOrFail, retryOrFail } from './failed-attempt.ts'
import { endCached, endMade, endOnceKept, mayRun, skipStep } from './step-ending.ts'
import { beginClaim, cacheOfStep } from './step-cache.ts'
import { endLate, forgetResultOf, keepLate } from './late-outcome.ts'
import { beginAttempt } from './noted-attempt.ts'
import { cancelStep, dropStep } from './stopped-step.ts'
import { releaseSlot, takeSlotOrQueue } from './step-slots.ts'
import { StepExtras } from './step-extras.ts'
import { inputsOf, inputsOfRace } from '../steps/step-inputs.ts'
import { AttemptWait, waitLeft } from './attempt-wait.ts'
import { beginQueueing, beginWait, heldUntilOf, waitedMsOf, waitUntil, wake } from './held-wait.ts'

/**
 * One step of one execution, from its launch to its end: the step machine's state and context, which only
 * `compiledStep.transition` changes, and what the runtime holds for it while it lives.
 */
export class StepRun implements StepState, WorkingStep, Claimant, EffectiveStep {
  // The step machine's record; `step` is below.
  state: number = compiledStep.initial
  attempt = 0
  startedAt: number | undefined = undefined
  endedAt: number | undefined = undefined
  dueAt: number | undefined = undefined
  output: unknown = undefined
  error: unknown = undefined

  readonly execution: StepHost
  readonly planStep: PlanStep
  /** The attempt that runs. */
  current: StepWork | undefined = undefined
  /** When the running or last attempt began, or the search for its result; the next two are in steady time, as far as somebody observes the execution. */
  attemptStartedAt = 0
  beganAt = 0
  attemptBeganAt = 0
  #persisting: Promise<unknown> | undefined = undefined
  /** What few steps need; undefined until this one does. */
  extras: StepExtras | undefined = undefined

  constructor(execution: StepHost, planStep: PlanStep) {
    this.execution = execution
    this.planStep = planStep
  }

  /** What is remembered of the step. */
  get persist(): PersistSpec | undefined {
    return this.execution.persistOf(this.planStep.spec)
  }

  get step(): string {
    return this.planStep.spec.name
  }

  /** What the step's function gets: a new object each time, so that an attempt that changes it changes it for itself. */
  get inputs(): Record<string, unknown> {
    if (this.planStep.spec.kind === 'race') return inputsOfRace(this.first)
    return inputsOf(this.execution.plan, this.planStep, this.execution.values)
  }

  /** What came first, of a race that is decided. */
  get first(): First | undefined {
    return this.extras?.first
  }

  set first(first: First | undefined) {
    this.more.first = first
  }

  /** Whether its fallback is all that is left: it failed for good in an earlier process. */
  get isExhausted(): boolean {
    return this.extras?.exhausted !== undefined
  }

  get claim(): SharedClaim<Claimant> | undefined {
    return this.extras?.claim
  }

  set claim(claim: SharedClaim<Claimant> | undefined) {
    this.more.claim = claim
  }

  get heldSlots(): Slots | undefined {
    return this.extras?.slot ?? this.extras?.ticket?.heldSlots
  }

  get awaitedSlots(): Slots | undefined {
    const { extras } = this
    // Of limits that processes share, once the store has said that it has to wait.
    return extras?.awaitedSlots ?? (extras?.awaitedLimits === undefined ? undefined : extras.ticket?.awaitedSlots)
  }

  get waitsSince(): number | undefined {
    return this.extras?.waitsSince
  }

  set waitsSince(at: number | undefined) {
    this.more.waitsSince = at
  }

  /** The value that the recorder was given first, on its way to the store or there: it holds. */
  get persisting(): Promise<unknown> | undefined {
    return this.#persisting
  }

  /** A value is on its way to the store; `undefined` where it could not be written, so that another one may be. */
  markPersisting<Value extends Promise<unknown> | undefined>(value: Value): Value {
    this.#persisting = value
    return value
  }

  /** The extras, made if need be. */
  get more(): StepExtras {
    return (this.extras ??= new StepExtras())
  }

  get isWorking(): boolean {
    return this.current !== undefined
  }

  /** How many attempts count. */
  get attemptsMade(): number {
    return this.extras?.isBeingNoted === true ? this.attempt - 1 : this.attempt
  }

  get idempotencyKey(): string {
    return idempotencyKeyOf(this)
  }

  /** Whether it has made its value, or found it. */
  get hasOutput(): boolean {
    return this.state === compiledStep.stateCode.completed || this.state === compiledStep.stateCode.cached
  }

  get hasFailed(): boolean {
    return this.state === compiledStep.stateCode.failed
  }

  get hasEnded(): boolean {
    return compiledStep.isFinal[this.state]!
  }

  get isBetweenAttempts(): boolean {
    return this.state === compiledStep.stateCode.retrying || this.state === compiledStep.stateCode.queued
  }

  /** Begins: looks for a remembered result, or goes straight to the first attempt. */
  launch(): void {
    const { execution } = this
    if (this.planStep.spec.when !== undefined && this.attempt === 0 && !this.isExhausted && !mayRun(this)) return
    const at = execution.stepTime()
    if (execution.emitter?.isHeard === true) {
      this.beganAt = execution.clock.elapsedAt(at) - (at - (this.startedAt ?? at))
      execution.emitter.stepStarted(this, at)
      // Here and below: an observer may end the execution, and nothing begins after the end.
      if (this.hasEnded) return
    }
    const cache = this.#cache
    if (this.extras?.exhausted !== undefined) return this.failed(this.extras.exhausted.error, 'FAIL')
    if (cache === undefined) return this.proceed(at)
    beginClaim(this, at)
    Claim.request(this, cache)
  }

  /** Takes over what is known of the step from the records or a snapshot of its execution. */
  restore(view: StepView): void {
    restoreStep(this, view, this.#cache !== undefined)
  }

  /** Wants to run an attempt: now, or as soon as there is a slot (or, after a restart, at the time that it was due). */
  proceed(now?: number): void {
    if (this.hasEnded || this.execution.isOver) return
    if (this.planStep.spec.isWait) return beginAttempt(this, now)
    const waitMs = this.dueAt === undefined ? 0 : this.dueAt - (now ?? this.execution.clock.now())
    if (waitMs > 0) this.proceedAfter(waitMs)
    else this.#enter(now)
  }

  #enter(now?: number): void {
    const { admission } = this.execution
    if (admission !== undefined && !admission.enter(this)) beginQueueing(this, this.extras)
    else this.proceedInside(now)
  }

  /** The same, once the batch has let the item in. */
  proceedInside(now?: number): void {
    if (!this.planStep.spec.isLimited || this.extras?.slot !== undefined) beginAttempt(this, now)
    else takeSlotOrQueue(this)
  }

  get isRepeated(): boolean {
    return this.extras?.repeated === this.attempt
  }

  get heldUntil(): number | undefined {
    return heldUntilOf(this, this.extras?.held)
  }

  get waitedMs(): number {
    return waitedMsOf(this, this.extras?.held)
  }

  get awaitedLimits(): readonly AwaitedLimit[] | undefined {
    return this.extras?.awaitedLimits
  }

  get restsInLine(): boolean {
    return this.extras?.restsInLine === true
  }

  /** The key of the event that it waits for, if it waits for one. */
  get awaitedKey(): string | undefined {
    return this.extras?.awaitedKey
  }

  awaitsKey(key: string): void {
    this.more.awaitedKey = key
  }

  waits(dueAt: number | undefined): void {
    beginWait(this, dueAt)
  }

  get heldState(): unknown {
    return this.extras?.keptState
  }

  get keepsState(): boolean {
    return this.recorder !== undefined
  }

  keepState(state: unknown, waitsUntil: { readonly dueAt: number | undefined } | undefined): Promise<void> {
    return this.recorder!.noteState(this, state, waitsUntil)
  }

  /** What its work is at right now, or was before it is gone on with, of a step that could go on from there; undefined for others. */
  get workState(): unknown {
    if (this.hasEnded) return undefined
    return this.current === undefined ? this.heldState : kindOf(this.planStep.spec).stateOf?.(this.current)
  }

  emitted(event: { readonly type: string }): void {
    this.execution.emitter?.stepEmitted(this, this.execution.clock.now(), event)
  }

  goesOn(): void {
    const at = this.execution.clock.now()
    this.change({ type: 'GO_ON', at })
    this.execution.emitter?.stepResumed(this, at)
  }

  waitsUntil(dueAt: number | undefined): void {
    waitUntil(this, dueAt)
  }

  /** A timer is due at another time. Nothing where it waits for none, or no more. */
  reschedule(dueAt: number): void {
    if (this.current !== undefined) kindOf(this.planStep.spec).reschedule?.(this.current, dueAt)
  }

  wakes(goOn: () => void): void {
    wake(this, goOn)
  }

  attemptSucceeded(made: unknown): void {
    releaseSlot(this.extras)
    if (this.planStep.spec.compensate !== undefined) this.#effect!.made(made)
    if (this.persist === undefined) endMade(this, made)
    else endOnceKept(this, made, this.notKept.bind(this))
  }

  isHandedOverFor(error: unknown): boolean {
    return this.execution.recorder?.handsOverInstead(error) === true
  }

  attemptFailed(error: unknown, timedOut: boolean): void {
    releaseSlot(this.extras)
    this.#effect?.failed(error, timedOut)
    if (this.#persisting === undefined) retryOrFail(this, error, timedOut)
    else holdOrFail(this, this.#persisting, error, timedOut)
  }

  /** Waits before the next attempt. */
  proceedAfter(ms: number): void {
    const { clock, context } = this.execution
    this.more.wait = new AttemptWait(clock, ms, () => {
      if (!this.hasEnded && !this.execution.isOver) context.run(() => this.#enter())
    })
  }

  get waitLeftMs(): number | undefined {
    return waitLeft(this.extras?.wait, this.dueAt, this.execution.clock)
  }

  cacheMissed(): void {
    this.execution.emitter?.cacheChecked(this, this.execution.clock.now(), 'cache.miss', false)
  }

  storeFailed(operation: 'find' | 'keep', error: unknown): void {
    this.execution.emitter?.storeFailed(this, this.execution.clock.now(), operation, error)
  }

  /** A result was remembered, or an equal call made it. */
  cached(value: unknown, shared: boolean): void {
    endCached(this, value, shared)
  }

  /** An attempt brought its value after the step had ended. */
  cameLate(value: unknown): void {
    keepLate(this, this.#effect, value)
  }

  /** No further attempt will be made: the fallback takes the result's place, or the step has failed. */
  failed(cause: unknown, type: 'FAIL' | 'TIME_OUT', policyError?: unknown, attempts: number = this.attempt): void {
    fallBackOrFail(this, cause, type, policyError, attempts)
  }

  /** Takes over from an equal call that was cancelled between two attempts: what was tried counts, and the wait goes on. */
  inherit({ attemptsMade, waitLeftMs }: Claimant): void {
    this.attempt = attemptsMade
    // The two may live by different clocks.
    if (waitLeftMs !== undefined) this.dueAt = this.execution.clock.now() + waitLeftMs
  }

  handOverTo(next: this): void {
    handOver(this, next)
  }

  closeAttempt(reason: unknown): void {
    if (this.current !== undefined) kindOf(this.planStep.spec).close(this.current, reason)
  }

  /** Never began, because an input that it needs failed. */
  skip(error: unknown): void {
    skipStep(this, error)
  }

  /** Stopped while the execution goes on; `hasBegun` if its beginning was emitted. */
  drop(reason: unknown, at: number, hasBegun: boolean): void {
    dropStep(this, reason, at, hasBegun)
  }

  /** Stopped because the execution has ended; `hasBegun` if its beginning was emitted. */
  cancel(reason: unknown, at: number, hasBegun: boolean): void {
    cancelStep(this, reason, at, hasBegun)
  }

  change(event: StepEvent): void {
    compiledStep.transition(this, compiledStep.eventCode[event.type], event)
    this.execution.watcher?.stepChanged(this, event)
  }

  /** An attempt failed after the step had ended. */
  endedLate(knewOf = true): void {
    endLate(this, this.#effect, knewOf)
  }

  forgetResult(): void {
    forgetResultOf(this)
  }

  get #effect(): Effect | undefined {
    return this.execution.effects?.of(this.step)
  }

  /** What it made, or that it begins, could not be written. */
  notKept(error: unknown): void {
    releaseSlot(this.extras)
    this.failed(error, 'FAIL')
    this.execution.leave()
  }

  /** What keeps the step's result beyond this process's life; undefined where it is not persisted. */
  get recorder(): Recorder | undefined {
    const { recorder } = this.execution
    return recorder === undefined || this.persist === undefined ? undefined : recorder
  }

  /** Where the result is remembered; undefined for a step that is not persisted, or by nobody. */
  get #cache(): ReturnType<typeof cacheOfStep> {
    return cacheOfStep(this)
  }
}
