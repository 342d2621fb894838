import type { InterceptorChain } from '../../core/contracts/interceptor.ts'
import type { Logger } from '../../core/contracts/logger.ts'
import { StepTimeoutError } from '../../core/errors.ts'
import type { StepContext } from '../../core/language/step.ts'
import { checkValue, isPromiseLike } from '../inputs/check-value.ts'
import type { CheckedValue } from '../inputs/check-value.ts'
import { callIntercepted, lateNext } from './intercepted-step.ts'
import { outputError } from './output-error.ts'
import type { StepKind, WorkingStep } from './step-work.ts'
import { fireAfter } from '../environment/timers.ts'
import type { Timer } from '../environment/timers.ts'
import { isPromise } from '../../core/own-promise.ts'

/**
 * Steps that are functions. Filled in by the class: an attempt is also the `ctx` of the user's function, which must not find there
 * what only the runtime may do.
 */
export let functionStep: StepKind<Attempt>

/** What few attempts need: most have no timeout, look at no signal, log nothing. */
interface Extras {
  /** Where the attempt began, if another run has taken it over. */
  origin: WorkingStep | undefined
  timer: Timer | undefined
  controller: AbortController | undefined
  abort: { readonly reason: unknown } | undefined
  log: Logger | undefined
  /** Where an interceptor has changed them. */
  headers: Readonly<Record<string, string>> | undefined
}

/**
 * One try of a step, and the context that the step's function gets. Whatever the function does, the attempt settles its
 * step at most once: a timeout or a cancellation closes it, and what comes later changes nothing.
 */
export class Attempt implements StepContext {
  readonly attempt: number
  /** Whose step it settles: another's once a waiting equal call took over. */
  #owner: WorkingStep
  #isOpen = true
  /** When it began, in steady time; only where it has a timeout. */
  #since = 0
  #extras: Extras | undefined = undefined

  constructor(run: WorkingStep) {
    this.attempt = run.attempt
    this.#owner = run
  }

  get signal(): AbortSignal {
    const extras = this.#more
    if (extras.controller === undefined) {
      extras.controller = new AbortController()
      if (extras.abort !== undefined) extras.controller.abort(extras.abort.reason)
    }
    return extras.controller.signal
  }

  get executionId(): string {
    return this.#origin.execution.id
  }

  get stepName(): string {
    return this.#origin.step
  }

  get item(): number | undefined {
    return this.#origin.execution.item
  }

  get failedItems(): number {
    return this.#origin.execution.failedItems
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#extras?.headers ?? this.#origin.execution.options.headers
  }

  get app(): unknown {
    return this.#origin.execution.options.app
  }

  get idempotencyKey(): string {
    return this.#origin.idempotencyKey
  }

  get log(): Logger {
    return (this.#more.log ??= this.#origin.execution.options.logger.child({
      executionId: this.executionId,
      step: this.stepName,
      attempt: this.attempt,
    }))
  }

  static {
    functionStep = {
      begin: (step) => new Attempt(step).#begin(),
      close: (attempt, reason) => attempt.#close(reason),
      moveTo: (attempt, step) => attempt.#moveTo(step),
    }
  }

  /** Where it began: what the step's function sees. */
  get #origin(): WorkingStep {
    return this.#extras?.origin ?? this.#owner
  }

  get #more(): Extras {
    return (this.#extras ??= {
      origin: undefined,
      timer: undefined,
      controller: undefined,
      abort: undefined,
      log: undefined,
      headers: undefined,
    })
  }

  #begin(): void {
    const run = this.#owner
    run.current = this
    // What it does before its first await counts.
    if (run.planStep.spec.timeoutMs !== undefined) this.#since = run.execution.clock.elapsed()
    let returned: unknown
    let promise: PromiseLike<unknown> | undefined
    try {
      const { interceptors } = run.execution.options
      returned =
        interceptors?.step === undefined ? run.planStep.spec.run(run.inputs, this) : this.#callBy(interceptors.step)
      if (isPromiseLike(returned)) promise = honest(returned)
    } catch (thrown) {
      this.#fail(thrown, false)
      return
    }
    if (promise === undefined) {
      this.#check(returned)
      return
    }
    this.#armTimeout()
    this.#settleWith(promise)
  }

  #callBy(chain: InterceptorChain<'step'>): unknown {
    const run = this.#owner
    const takeHeaders = (headers: Readonly<Record<string, string>>): void => void (this.#more.headers = headers)
    return callIntercepted(chain, run, run.inputs, this, takeHeaders, () => {
      if (this.#isOpen) return
      const { abort } = this.#more
      throw abort === undefined ? lateNext('step', this) : abort.reason
    })
  }

  // A function of its own, as some below: one that makes closures costs memory at each call, whether it comes to them or not.
  #settleWith(promise: PromiseLike<unknown>): void {
    promise.then(
      (value) => this.#check(value),
      (thrown: unknown) => this.#fail(thrown, false),
    )
  }

  /** Only what is asynchronous can be timed out: nothing else lets a timer fire. */
  #armTimeout(): void {
    const { timeoutMs } = this.#owner.planStep.spec
    if (timeoutMs !== undefined && this.#isOpen) this.#startTimer(timeoutMs)
  }

  #startTimer(timeoutMs: number): void {
    const extras = this.#more
    if (extras.timer !== undefined) return
    const { clock, context } = this.#origin.execution
    const timeOut = (): void => {
      extras.timer = undefined
      const run = this.#owner
      const error = new StepTimeoutError(timeoutMs, { ...run.execution.place, step: run.step, attempt: this.attempt })
      this.#fail(error, true)
      this.#abortWith(error)
    }
    extras.timer = fireAfter(clock, this.#since + timeoutMs - clock.elapsed(), () => context.run(timeOut))
  }

  #check(value: unknown): void {
    const type = this.#owner.planStep.spec.output
    if (type.schema === undefined) {
      this.#succeed(value)
      return
    }
    const checked = checkValue(type, value)
    if (isPromise(checked)) {
      this.#armTimeout()
      this.#settleLate(checked)
    } else {
      this.#settle(checked)
    }
  }

  #settleLate(checked: Promise<CheckedValue>): void {
    void checked.then((late) => this.#settle(late))
  }

  #settle(checked: CheckedValue): void {
    if (checked.issues === undefined) this.#succeed(checked.value)
    else {
      const { step, planStep } = this.#owner
      const what = `step "${step}" returned a value that does not fit "${planStep.spec.output.name}"`
      this.#fail(outputError(this.#owner, what, checked.issues, checked.thrown), false)
    }
  }

  #succeed(value: unknown): void {
    const run = this.#owner
    if (!this.#isOpen) {
      run.cameLate(value)
      return
    }
    this.#end()
    if (this.#extras?.origin === undefined) run.attemptSucceeded(value)
    else this.#succeedInOwnersContext(value)
  }

  #fail(error: unknown, timedOut: boolean): void {
    if (!this.#isOpen) {
      this.#owner.endedLate(this.#extras?.controller !== undefined)
      return
    }
    // It stays open until the hand-over closes it.
    if (!timedOut && this.#owner.isHandedOverFor(error)) return
    this.#end()
    if (this.#extras?.origin === undefined) this.#owner.attemptFailed(error, timedOut)
    else this.#failInOwnersContext(error, timedOut)
  }

  /** The attempt has moved: its function was called in another context than that of the call that the step now works for. */
  #succeedInOwnersContext(value: unknown): void {
    this.#owner.execution.context.run(() => this.#owner.attemptSucceeded(value))
  }

  #failInOwnersContext(error: unknown, timedOut: boolean): void {
    this.#owner.execution.context.run(() => this.#owner.attemptFailed(error, timedOut))
  }

  #end(): void {
    this.#isOpen = false
    this.#owner.current = undefined
    const extras = this.#extras
    if (extras?.timer === undefined) return
    extras.timer.cancel()
    extras.timer = undefined
  }

  #close(reason: unknown): void {
    if (!this.#isOpen) return
    this.#end()
    this.#abortWith(reason)
  }

  #abortWith(reason: unknown): void {
    const extras = this.#more
    extras.abort = { reason }
    extras.controller?.abort(reason)
  }

  #moveTo(run: WorkingStep): void {
    this.#more.origin ??= this.#owner
    this.#owner.current = undefined
    this.#owner = run
    run.current = this
  }
}

/** Real promises as they are. Other thenables may settle twice, throw after they did, or give a thenable: a real one in between. */
function honest(thenable: PromiseLike<unknown>): PromiseLike<unknown> {
  return thenable instanceof Promise && thenable.then === promiseThen
    ? thenable
    : new Promise((resolve) => resolve(thenable))
}

const promiseThen = Promise.prototype.then
