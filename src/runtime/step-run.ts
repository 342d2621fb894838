import { compiledStep } from '../../machines/index.ts'
import type { StepEvent } from '../../machines/index.ts'
import { AbortExecutionError, hasCause } from '../core/errors.ts'
import type { PlanStep } from '../core/plan.ts'
import { begin, close } from './attempt.ts'
import type { Attempt } from './attempt.ts'
import { Claim } from './claim.ts'
import type { Execution } from './execution.ts'
import type { StepView } from './execution-journal.ts'
import { fallBack } from './fall-back.ts'
import type { FallbackOutcome } from './fall-back.ts'
import { decideRetry } from './retry-decision.ts'
import { slotPoolOf } from './slot-pool.ts'
import type { SlotPool, StopWaiting } from './slot-pool.ts'
import { stepErrorOf } from './step-failure.ts'
import { timerQueueOf } from './timer-queue.ts'
import type { Timer } from './timer-queue.ts'

/**
 * One step of one execution, from its launch to its end: the step machine's state and context, which only
 * `compiledStep.transition` changes, and what the runtime holds for it while it lives.
 */
export class StepRun {
  // The step machine's record.
  state: number = compiledStep.initial
  readonly step: string
  attempt = 0
  startedAt: number | undefined = undefined
  endedAt: number | undefined = undefined
  dueAt: number | undefined = undefined
  output: unknown = undefined
  error: unknown = undefined

  readonly execution: Execution
  readonly planStep: PlanStep
  readonly position: number
  readonly inputs: unknown
  /** The attempt that runs. */
  current: Attempt | undefined = undefined
  /** The right to compute the result, or the wait for who has it. */
  claim: Claim | undefined = undefined
  /** The slot of the step's own concurrency limit that the attempt holds. */
  slot: SlotPool | undefined = undefined
  #attemptStartedAt = 0
  #timer: Timer | undefined = undefined
  #stopWaiting: StopWaiting | undefined = undefined

  constructor(execution: Execution, planStep: PlanStep, position: number, inputs: unknown) {
    this.step = planStep.spec.name
    this.execution = execution
    this.planStep = planStep
    this.position = position
    this.inputs = inputs
  }

  get hasEnded(): boolean {
    return compiledStep.isFinal[this.state]!
  }

  /** Begins: looks for a remembered result, or goes straight to the first attempt. */
  launch(): void {
    const { execution } = this
    execution.emitter?.stepStarted(this, execution.clock.now())
    const { persist } = this.planStep.spec
    const cache = persist === undefined ? undefined : execution.cacheFor(persist)
    if (cache === undefined) {
      this.proceed()
      return
    }
    this.change({ type: 'CLAIM', at: execution.clock.now() })
    Claim.request(this, cache)
  }

  /** Takes over what is known of the step from an earlier life of its execution. */
  restore({ status, attempt, startedAt, endedAt, dueAt, output, error }: StepView): void {
    const state = compiledStep.states.indexOf(status as (typeof compiledStep.states)[number])
    Object.assign(this, { attempt, startedAt, error })
    // What was under way begins again as the next attempt.
    if (compiledStep.isFinal[state] === true) Object.assign(this, { state, endedAt, output })
    else if (status === 'retrying') this.dueAt = dueAt
  }

  /** Wants to run an attempt: now, or as soon as there is a slot (or, after a restart, at the time that it was due). */
  proceed(): void {
    if (this.hasEnded) return
    const { turnstile } = this.execution
    if (turnstile !== undefined && !turnstile.enter(this)) this.#wait()
    else this.proceedInside()
  }

  /** The same, once the batch has let the item in. */
  proceedInside(): void {
    const { spec } = this.planStep
    if (spec.concurrency === undefined || this.slot !== undefined) {
      this.#begin()
      return
    }
    try {
      const pool = slotPoolOf(spec, this.inputs)
      this.#stopWaiting = pool.take(() => {
        this.#stopWaiting = undefined
        this.slot = pool
        this.#begin()
      })
      if (this.#stopWaiting === undefined) this.slot = pool
    } catch (thrown) {
      this.failed(thrown, 'FAIL')
      this.execution.leave()
      return
    }
    if (this.slot === undefined) this.#wait()
    else this.#begin()
  }

  attemptSucceeded(value: unknown): void {
    this.#releaseSlot()
    const { execution } = this
    try {
      this.claim?.commit(this, value)
    } catch (error) {
      this.failed(error, 'FAIL')
      execution.leave()
      return
    }
    const at = execution.clock.now()
    this.change({ type: 'SUCCEED', output: value, at })
    execution.emitter?.stepEnded(this, at, 'completed', undefined, false)
    execution.settle(this, value)
    execution.leave()
  }

  attemptFailed(error: unknown, timedOut: boolean): void {
    this.#releaseSlot()
    const { execution } = this
    const at = execution.clock.now()
    const type = timedOut ? 'TIME_OUT' : 'FAIL'
    execution.emitter?.attemptFailed(this, at, at - this.#attemptStartedAt, error, timedOut)
    const decision = decideRetry(this.planStep.spec, error, this.attempt, execution.random)
    // The user's own policies have run: they may have ended the execution.
    if (this.hasEnded) return
    if (decision.delayMs === undefined) {
      this.failed(error, type, decision.policyError)
    } else {
      const dueAt = at + decision.delayMs
      this.change({ type, error, at, dueAt })
      execution.emitter?.retryScheduled(this, at, decision.delayMs)
      this.proceedAt(dueAt)
    }
    execution.leave()
  }

  /** Waits for the time at which the next attempt is due. */
  proceedAt(dueAt: number): void {
    this.#timer = timerQueueOf(this.execution.clock).schedule(dueAt, () => {
      this.#timer = undefined
      this.proceed()
    })
  }

  /** A result was remembered, or an equal call made it. */
  cached(value: unknown, shared: boolean): void {
    if (this.hasEnded) return
    const { execution } = this
    const at = execution.clock.now()
    this.change({ type: 'HIT', output: value, at })
    execution.emitter?.cacheChecked(this, at, 'cache.hit', shared)
    execution.emitter?.stepEnded(this, at, 'cached', undefined, false)
    execution.settle(this, value)
  }

  /** No further attempt will be made: the fallback takes the result's place, or the step has failed. */
  failed(cause: unknown, type: 'FAIL' | 'TIME_OUT', policyError?: unknown, attempts: number = this.attempt): void {
    this.claim?.fail(this, cause)
    if (this.hasEnded) return
    if (this.planStep.spec.fallback === undefined || hasCause(cause, AbortExecutionError)) {
      this.#endFailed(cause, type, policyError, attempts)
      return
    }
    const settle = (outcome: FallbackOutcome): void => {
      if (this.hasEnded) return
      if (outcome.hasFailed) this.#endFailed(cause, type, outcome.policyError, attempts)
      else this.#endFallenBack(cause, type, outcome.value)
    }
    const outcome = fallBack(this, cause)
    if (outcome instanceof Promise) void outcome.then(settle)
    else settle(outcome)
  }

  /** Takes over a running attempt from an equal call that was cancelled. */
  adopt(attempt: number): void {
    const { execution } = this
    execution.turnstile?.enterAnyway()
    this.#attemptStartedAt = execution.clock.now()
    this.change({ type: 'START', attempt, at: this.#attemptStartedAt })
    execution.emitter?.attemptStarted(this, this.#attemptStartedAt)
  }

  /** Never began, because an input that it needs failed. */
  skip(error: unknown): void {
    const at = this.execution.clock.now()
    this.change({ type: 'SKIP', at })
    this.execution.emitter?.stepCancelled(this, at, 'skipped', error)
  }

  /** Stopped because the execution has ended; `isTold` if it had begun. */
  cancel(reason: unknown, at: number, isTold: boolean): void {
    if (this.#timer !== undefined) timerQueueOf(this.execution.clock).cancel(this.#timer)
    this.#stopWaiting?.()
    if (this.claim !== undefined) this.claim.leave(this, reason)
    else if (this.current !== undefined) close(this.current, reason)
    this.#releaseSlot()
    this.#timer = this.#stopWaiting = undefined
    this.change({ type: 'CANCEL', error: reason, at })
    if (isTold) this.execution.emitter?.stepCancelled(this, at, 'cancelled', reason)
  }

  change(event: StepEvent): void {
    compiledStep.transition(this, compiledStep.eventCode[event.type], event)
    this.execution.watcher?.stepChanged(this, event)
  }

  #begin(): void {
    const { execution } = this
    const at = execution.clock.now()
    this.#attemptStartedAt = at
    this.change({ type: 'START', attempt: this.attempt + 1, at })
    execution.emitter?.attemptStarted(this, at)
    begin(this)
  }

  #wait(): void {
    this.change({ type: 'WAIT', at: this.execution.clock.now() })
  }

  #releaseSlot(): void {
    const { slot } = this
    this.slot = undefined
    slot?.release()
  }

  #endFailed(cause: unknown, type: 'FAIL' | 'TIME_OUT', policyError: unknown, attempts: number): void {
    const { execution } = this
    const at = execution.clock.now()
    this.change({ type, error: cause, at })
    execution.emitter?.stepEnded(this, at, 'failed', cause, false)
    execution.lose(this, stepErrorOf(this, cause, attempts, policyError), hasCause(cause, AbortExecutionError))
  }

  #endFallenBack(cause: unknown, type: 'FAIL' | 'TIME_OUT', value: unknown): void {
    const { execution } = this
    const at = execution.clock.now()
    this.change({ type, error: cause, at, fallback: { value } })
    execution.emitter?.stepEnded(this, at, 'completed', cause, true)
    execution.settle(this, value)
  }
}

/** Whether a step with this status has ended. */
export function isFinalStatus(status: string): boolean {
  return compiledStep.isFinal[compiledStep.states.indexOf(status as (typeof compiledStep.states)[number])] === true
}
