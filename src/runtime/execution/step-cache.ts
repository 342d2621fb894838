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
