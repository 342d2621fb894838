import { cacheOf } from '../results/results-of.ts'
import type { ResultCache } from '../results/result-cache.ts'
import type { SharedResults } from '../results/shared-results.ts'
import type { EndingStep } from './step-ending.ts'

/** Where a step's result is remembered; undefined for one that is not persisted, or by nobody. */
export function cacheOfStep({ persist, planStep, execution }: EndingStep): ResultCache | SharedResults | undefined {
  // What one item undoes must not be another's result.
  if (planStep.spec.compensate !== undefined && execution.item !== undefined) return undefined
  return persist === undefined ? undefined : cacheOf(execution.setup, persist)
}

/** Begins to look for a result that is remembered, or to be made by an equal call: the step has its inputs. */
export function beginClaim(
  step: EndingStep & { attemptStartedAt: number; readonly more: { queuedAt: number | undefined } },
  at: number,
): void {
  step.attemptStartedAt = at
  // Only of what is written down somebody may ask for it.
  if (step.execution.recorder !== undefined && step.attempt === 0) step.more.queuedAt ??= at
  step.change({ type: 'CLAIM', at })
}
