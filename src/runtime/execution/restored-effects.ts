import { InputError, LeaseLostError, SerializationError, StepTimeoutError, StoreError } from '../../core/errors.ts'
import type { Plan } from '../../core/graph/plan.ts'
import type { Effects, EffectiveStep } from './effects.ts'
import type { PersistedExecution, StepView } from './execution-view.ts'

/** Takes over what records or a snapshot say of what the steps did in an earlier life. */
export function restoreEffects(
  effects: Effects,
  plan: Plan,
  runs: readonly (EffectiveStep | undefined)[],
  views: ReadonlyMap<string, StepView>,
  { head: { undos = {} }, givenInputs }: Pick<PersistedExecution, 'head' | 'givenInputs'>,
): void {
  for (const { spec, position } of plan.steps) {
    const run = runs[position]
    const view = views.get(spec.name)
    if (spec.compensate === undefined || run === undefined || view === undefined) continue
    const undo = undos[spec.name]
    const inputs = givenInputs?.get(spec.name)
    // Its function is called once both are on record, that it runs and what it is given: where the store refused that, it has failed, and was never called.
    const wasCalled = givenInputs === undefined || inputs !== undefined || undo !== undefined
    if (!wasCalled && !hasMade(view)) continue
    if (hasMade(view)) effects.for(run).restored({ output: view.output, isUncertain: false }, undo, inputs)
    else if (undo !== undefined || mayHaveWorked(view))
      effects.for(run).restored({ output: undefined, isUncertain: true }, undo, inputs)
  }
}

/** A fallback's value is nothing that an attempt did, nor is one that was found. */
function hasMade({ status, error }: StepView): boolean {
  return status === 'completed' && error === undefined
}

/** Whether an attempt may have done something that nobody knows of. */
function mayHaveWorked({ status, attempt, error }: StepView): boolean {
  // On record it runs before it begins; where it is tried once, its attempt is not counted.
  if (status === 'running') return true
  if (attempt === 0) return false
  if (status === 'cancelled') return true
  return (
    error instanceof StepTimeoutError ||
    error instanceof LeaseLostError ||
    // It made a value that could not be kept.
    error instanceof StoreError ||
    error instanceof SerializationError ||
    (error instanceof InputError && error.code === 'OUTPUT_INVALID')
  )
}
