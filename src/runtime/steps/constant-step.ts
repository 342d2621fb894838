import { isValueStep } from '../../core/language/value.ts'
import type { AnyStep } from '../../core/language/step.ts'
import { checkValue } from '../inputs/check-value.ts'
import type { CheckedValue } from '../inputs/check-value.ts'
import { outputError } from './output-error.ts'
import type { StepKind, StepWork, WorkingStep } from './step-work.ts'
import { isPromise } from '../../core/own-promise.ts'

// A schema may take its time, and there may be many executions: each declaration is checked once.
const checked = new WeakMap<AnyStep, CheckedValue | Promise<CheckedValue>>()

/** Steps whose value stands in their declaration: what `value(T, v)` makes. */
export const constantStep: StepKind<PendingConstant> = {
  begin(step) {
    const known = checkedOf(step)
    if (isPromise(known)) new PendingConstant(step).settleWith(known)
    else settle(step, known)
  },
  close: (work) => work.close(),
  moveTo: (work, step) => work.moveTo(step),
}

/** A value whose schema is asynchronous, while it is checked. */
class PendingConstant implements StepWork {
  readonly attempt: number
  #owner: WorkingStep
  #isOpen = true

  constructor(step: WorkingStep) {
    this.attempt = step.attempt
    this.#owner = step
    step.current = this
  }

  settleWith(pending: Promise<CheckedValue>): void {
    void pending.then((known) => {
      const owner = this.#owner
      if (!this.#isOpen) {
        owner.endedLate()
        return
      }
      this.close()
      settle(owner, known)
    })
  }

  close(): void {
    this.#isOpen = false
    this.#owner.current = undefined
  }

  moveTo(step: WorkingStep): void {
    this.#owner.current = undefined
    this.#owner = step
    step.current = this
  }
}

function checkedOf({ planStep: { spec } }: WorkingStep): CheckedValue | Promise<CheckedValue> {
  const { step, output } = spec
  let known = checked.get(step)
  if (known === undefined) {
    known = checkValue(output, isValueStep(step) ? step.value : undefined)
    checked.set(step, known)
    if (isPromise(known)) void known.then((late) => checked.set(step, late))
  }
  return known
}

function settle(step: WorkingStep, { value, issues, thrown }: CheckedValue & { readonly value?: unknown }): void {
  if (issues === undefined) {
    step.attemptSucceeded(value)
    return
  }
  const what = `the value that the graph gives for "${step.step}" does not fit`
  step.attemptFailed(outputError(step, what, issues, thrown), false)
}
