import { StepTimeoutError } from '../../core/errors.ts'
import { checkValue, isPromiseLike } from '../inputs/check-value.ts'
import type { CheckedValue } from '../inputs/check-value.ts'
import { fireAfter, fireAt } from '../environment/timers.ts'
import type { Timer } from '../environment/timers.ts'
import { outputError } from './output-error.ts'
import type { StepWork, WorkingStep } from './step-work.ts'
import { isPromise } from '../../core/own-promise.ts'

/** The work of a step that waits: for a time, or for something from outside. It settles its step once, and holds no slot until it does. */
export class Wait implements StepWork {
  readonly attempt: number
  #step: WorkingStep
  isWaiting = true
  #isOpen = true
  /** Whether it is over, and goes on once there is room: what comes then changes nothing. */
  #isWoken = false
  #due: Timer | undefined
  #dueAt: number | undefined
  #onDue: () => void = () => {}
  #limit: Timer | undefined

  constructor(step: WorkingStep) {
    this.attempt = step.attempt
    this.#step = step
    step.current = this
  }

  get step(): WorkingStep {
    return this.#step
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** The time that is waited for; undefined where none is. */
  get dueAt(): number | undefined {
    return this.#dueAt
  }

  /** Waits from now on; until `dueAt`, where the time itself is what is waited for. Otherwise its limit is when it is over at the latest. */
  begin(dueAt: number | undefined, onDue: () => void): void {
    const step = this.#step
    const { clock } = step.execution
    // Made while it is the current one: a timer goes on with it.
    void step.execution.context
    const { timeoutMs } = step.planStep.spec
    const limitMs = timeoutMs === undefined ? undefined : Math.max(0, timeoutMs - step.waitedMs)
    step.waits(dueAt ?? (limitMs === undefined ? undefined : clock.now() + limitMs))
    // Whoever observes it may have ended it.
    if (!this.#isOpen) return
    // In this process it counts steady time; what an earlier life has waited is known by the time of day alone.
    if (timeoutMs !== undefined)
      this.#limit = fireAfter(clock, limitMs!, () => this.#inContext(() => this.#timeOut(timeoutMs)))
    this.#onDue = onDue
    if (dueAt !== undefined) this.#arm(dueAt)
  }

  /** The time that is waited for is another one; one that has passed is now. What has woken already goes on. */
  reschedule(dueAt: number): void {
    const due = this.#due
    if (!this.#isOpen || due === undefined) return
    due.cancel()
    this.#step.waitsUntil(dueAt)
    // Whoever observes it may have ended it.
    if (this.#isOpen) this.#arm(dueAt)
  }

  #arm(dueAt: number): void {
    this.#dueAt = dueAt
    this.#due = fireAt(this.#step.execution.clock, dueAt, () => this.#inContext(this.#onDue))
  }

  /** What was waited for is there: `make` gives the value. */
  succeedWith(make: () => unknown): void {
    this.#wake(() => this.#make(make))
  }

  /** What was waited for is there, and known to fit. */
  passOn(value: unknown): void {
    this.#wake(() => this.#settle({ value }))
  }

  #make(make: () => unknown): void {
    try {
      const value = make()
      if (isPromiseLike(value))
        Promise.resolve(value).then(
          (late) => this.#check(late),
          (thrown: unknown) => this.fail(thrown),
        )
      else this.#check(value)
    } catch (thrown) {
      this.fail(thrown)
    }
  }

  fail(error: unknown, timedOut = false): void {
    const step = this.#step
    if (!this.#isOpen) step.endedLate()
    else if (this.isWaiting) this.#wake(() => this.fail(error, timedOut))
    else if (timedOut || !step.isHandedOverFor(error)) {
      this.close()
      step.attemptFailed(error, timedOut)
    }
  }

  close(): void {
    this.#isOpen = false
    this.#disarm()
    this.#step.current = undefined
  }

  moveTo(step: WorkingStep): void {
    this.#step.current = undefined
    this.#step = step
    step.current = this
  }

  #wake(goOn: () => void): void {
    // Nothing begins after the end, nor while the execution is about to be handed over.
    if (!this.#isOpen || this.#isWoken || this.#step.execution.isOver) return
    this.#isWoken = true
    this.#disarm()
    this.#step.wakes(() => {
      if (!this.#isOpen || this.#step.execution.isOver) return
      this.isWaiting = false
      goOn()
    })
  }

  #inContext(act: () => void): void {
    this.#step.execution.context.run(act)
  }

  #timeOut(timeoutMs: number): void {
    const { execution, step, attempt } = this.#step
    this.fail(new StepTimeoutError(timeoutMs, { ...execution.place, step, attempt }), true)
  }

  #disarm(): void {
    this.#due?.cancel()
    this.#limit?.cancel()
    this.#due = this.#limit = undefined
  }

  #check(value: unknown): void {
    const type = this.#step.planStep.spec.output
    const checked = checkValue(type, value)
    if (isPromise(checked)) void checked.then((late) => this.#settle(late))
    else this.#settle(checked)
  }

  #settle(checked: CheckedValue): void {
    const step = this.#step
    if (checked.issues !== undefined) {
      const what = `step "${step.step}" came to a value that does not fit "${step.planStep.spec.output.name}"`
      this.fail(outputError(step, what, checked.issues, checked.thrown))
      return
    }
    if (!this.#isOpen) {
      step.cameLate(checked.value)
      return
    }
    this.close()
    step.attemptSucceeded(checked.value)
  }
}
