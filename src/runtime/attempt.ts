import { canonicalize, digest } from '../core/keys.ts'
import type { Logger } from '../core/logger.ts'
import { InputError, StepTimeoutError } from '../core/errors.ts'
import type { StepContext } from '../core/step.ts'
import { checkValue, isPromiseLike, issuesText } from './check-value.ts'
import type { CheckedValue } from './check-value.ts'
import type { Execution } from './execution.ts'
import type { StepRun } from './step-run.ts'
import { timerQueueOf } from './timer-queue.ts'
import type { Timer } from './timer-queue.ts'

/** Runs a step's function as the run's next attempt, which the step machine has begun already. */
export let begin: (run: StepRun) => void
/** Ends an attempt from outside: its signal is aborted with the reason, and its result will change nothing. */
export let close: (attempt: Attempt, reason: unknown) => void
/** Lets a running attempt settle another run of the same step: an equal call that waited for it. */
export let moveTo: (attempt: Attempt, run: StepRun) => void

/**
 * One try of a step, and the context that the step's function gets. Whatever the function does, the attempt settles its
 * step at most once: a timeout or a cancellation closes it, and what comes later changes nothing.
 */
export class Attempt implements StepContext {
  readonly attempt: number
  /** Where it began: what the step's function is told. */
  readonly #origin: StepRun
  /** Whose step it settles: another's once a waiting equal call took over. */
  #owner: StepRun
  #isOpen = true
  #timer: Timer | undefined
  #controller: AbortController | undefined
  #abort: { readonly reason: unknown } | undefined
  #log: Logger | undefined

  constructor(run: StepRun) {
    this.attempt = run.attempt
    this.#origin = run
    this.#owner = run
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#abort !== undefined) this.#controller.abort(this.#abort.reason)
    }
    return this.#controller.signal
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
    return this.#origin.execution.headers
  }

  get idempotencyKey(): string {
    const { claim, execution, step } = this.#origin
    if (claim?.isGlobal === true) return claim.key
    return digest(canonicalize([execution.id, step, execution.item]))
  }

  get log(): Logger {
    this.#log ??= this.#origin.execution.logger.child({ executionId: this.executionId, step: this.stepName, attempt: this.attempt })
    return this.#log
  }

  static {
    begin = (run) => new Attempt(run).#begin()
    close = (attempt, reason) => attempt.#close(reason)
    moveTo = (attempt, run) => attempt.#moveTo(run)
  }

  #begin(): void {
    const run = this.#owner
    run.current = this
    let returned: unknown
    try {
      returned = run.planStep.spec.run(run.inputs, this)
    } catch (thrown) {
      this.#fail(thrown, false)
      return
    }
    if (!isPromiseLike(returned)) {
      this.#check(returned)
      return
    }
    this.#armTimeout()
    try {
      returned.then(
        (value) => this.#check(value),
        (thrown: unknown) => this.#fail(thrown, false),
      )
    } catch (thrown) {
      this.#fail(thrown, false)
    }
  }

  /** Only what is asynchronous can be timed out: nothing else lets a timer fire. */
  #armTimeout(): void {
    const { timeoutMs } = this.#owner.planStep.spec
    if (timeoutMs === undefined || this.#timer !== undefined || !this.#isOpen) return
    const { clock } = this.#owner.execution
    this.#timer = timerQueueOf(clock).schedule(clock.now() + timeoutMs, () => {
      this.#timer = undefined
      const run = this.#owner
      const error = new StepTimeoutError(timeoutMs, { ...run.execution.place, step: run.step, attempt: this.attempt })
      this.#fail(error, true)
      this.#abortWith(error)
    })
  }

  #check(value: unknown): void {
    const type = this.#owner.planStep.spec.output
    if (type.schema === undefined) {
      this.#succeed(value)
      return
    }
    const checked = checkValue(type, value)
    if (checked instanceof Promise) {
      this.#armTimeout()
      void checked.then((late) => this.#settle(late))
    } else {
      this.#settle(checked)
    }
  }

  #settle(checked: CheckedValue): void {
    if (checked.issues === undefined) this.#succeed(checked.value)
    else this.#fail(outputError(this.#owner, checked.issues, checked.thrown), false)
  }

  #succeed(value: unknown): void {
    const run = this.#owner
    if (!this.#isOpen) {
      run.claim?.commitLate(run, value)
      return
    }
    this.#end()
    run.attemptSucceeded(value)
  }

  #fail(error: unknown, timedOut: boolean): void {
    if (!this.#isOpen) return
    this.#end()
    this.#owner.attemptFailed(error, timedOut)
  }

  #end(): void {
    this.#isOpen = false
    this.#owner.current = undefined
    if (this.#timer === undefined) return
    timerQueueOf(this.#owner.execution.clock).cancel(this.#timer)
    this.#timer = undefined
  }

  #close(reason: unknown): void {
    if (!this.#isOpen) return
    this.#end()
    this.#abortWith(reason)
  }

  #abortWith(reason: unknown): void {
    this.#abort = { reason }
    // A listener of the step's that throws reaches the process as an uncaught exception by the platform's rule, not this code.
    this.#controller?.abort(reason)
  }

  #moveTo(run: StepRun): void {
    this.#owner.current = undefined
    this.#owner = run
    run.current = this
  }
}

function outputError(run: StepRun, issues: NonNullable<CheckedValue['issues']>, thrown: unknown): InputError {
  const execution: Execution = run.execution
  return new InputError(
    'OUTPUT_INVALID',
    `step "${run.step}" returned a value that does not fit "${run.planStep.spec.output.name}": ${issuesText(issues)}`,
    issues,
    { ...execution.place, step: run.step, attempt: run.attempt },
    thrown === undefined ? undefined : { cause: thrown },
  )
}
