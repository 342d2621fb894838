import { StepError, StepSkippedError } from '../../core/errors.ts'
import { describeThrown } from '../../core/thrown.ts'
import { pathTo } from '../../core/graph/plan.ts'
import type { Plan } from '../../core/graph/plan.ts'
import type { StepState } from './step-state.ts'

/** The error of a step that failed for good: which, where, after how many attempts, and its cause untouched. */
export function stepErrorOf(
  run: StepState,
  whole: Plan,
  cause: unknown,
  attempts: number,
  policyError: unknown,
): StepError {
  const { execution, planStep, step } = run
  const own = pathTo(whole, whole.slots.get(planStep.spec.output.name)!)
  // It goes on in the child: what that failed to make stands last.
  const path = planStep.spec.kind === 'subgraph' && cause instanceof StepError ? [...own, ...cause.path!] : own
  // It may fail before its first: by its condition, or as a race that nothing reached.
  const tries = attempts === 0 ? '' : attempts === 1 ? ' after 1 attempt' : ` after ${attempts} attempts`
  const item = execution.item === undefined ? '' : ` for item ${execution.item}`
  const policy = policyError === undefined ? '' : ` (its own policy threw: ${describeThrown(policyError)})`
  return new StepError(
    `step "${step}" failed${item}${tries}: ${describeThrown(cause)}${policy}`,
    { ...execution.place, step, attempt: attempts, path },
    cause,
    policyError,
  )
}

/** The error of a step whose condition said no: which, where, and how it was needed. */
export function skippedErrorOf({ execution, planStep, step }: StepState, whole: Plan): StepSkippedError {
  const type = planStep.spec.output.name
  const path = pathTo(whole, whole.slots.get(type)!)
  return new StepSkippedError(type, { ...execution.place, step, path })
}
