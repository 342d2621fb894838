import { InputError } from '../../core/errors.ts'
import type { PlanStep } from '../../core/graph/plan.ts'
import { checkValue, isPromiseLike, issuesText } from '../inputs/check-value.ts'
import type { CheckedValue } from '../inputs/check-value.ts'
import type { WorkingStep } from './step-work.ts'
import { isPromise } from '../../core/own-promise.ts'

/** The value that takes a failed step's place, or why there is none after all. */
export type FallbackOutcome =
  { readonly value: unknown; readonly hasFailed: false } | { readonly policyError: unknown; readonly hasFailed: true }

/** Works out a step's fallback: its value, or what its function makes of the error; checked like any output. Never throws. */
export function fallBack(
  run: Pick<WorkingStep, 'planStep' | 'inputs'>,
  error: unknown,
): FallbackOutcome | Promise<FallbackOutcome> {
  const { fallback, output } = run.planStep.spec
  const settle = (value: unknown): FallbackOutcome | Promise<FallbackOutcome> => {
    const checked = checkValue(output, value)
    return isPromise(checked) ? checked.then((late) => outcomeOf(run.planStep, late)) : outcomeOf(run.planStep, checked)
  }
  try {
    const value: unknown = typeof fallback!.value === 'function' ? fallback!.value(error, run.inputs) : fallback!.value
    if (!isPromiseLike(value)) return settle(value)
    return Promise.resolve(value)
      .then(settle)
      .catch((policyError: unknown) => ({ policyError, hasFailed: true as const }))
  } catch (policyError) {
    return { policyError, hasFailed: true }
  }
}

function outcomeOf({ spec }: PlanStep, checked: CheckedValue): FallbackOutcome {
  if (checked.issues === undefined) return { value: checked.value, hasFailed: false }
  const { issues, thrown } = checked
  const message = `the fallback of step "${spec.name}" does not fit "${spec.output.name}": ${issuesText(issues)}`
  const cause = thrown === undefined ? undefined : { cause: thrown }
  return { policyError: new InputError('OUTPUT_INVALID', message, issues, { step: spec.name }, cause), hasFailed: true }
}
