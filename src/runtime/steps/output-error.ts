import { InputError } from '../../core/errors.ts'
import { issuesText } from '../inputs/check-value.ts'
import type { CheckedValue } from '../inputs/check-value.ts'
import type { WorkingStep } from './step-work.ts'

/** The error of a step whose value does not fit its type: `what` says whose value that is. */
export function outputError(
  { step, attempt, execution }: WorkingStep,
  what: string,
  issues: NonNullable<CheckedValue['issues']>,
  thrown: unknown,
): InputError {
  const place = { ...execution.place, step, attempt }
  const cause = thrown === undefined ? undefined : { cause: thrown }
  return new InputError('OUTPUT_INVALID', `${what}: ${issuesText(issues)}`, issues, place, cause)
}
