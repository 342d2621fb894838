import { compiledStep } from '../../../machines/index.ts'
import type { StepStatus } from '../../core/contracts/statuses.ts'
import type { StepState } from './step-state.ts'

/** The name of the state that a step is in. */
export function statusOf({ state }: Pick<StepState, 'state'>): StepStatus {
  return compiledStep.states[state]!
}
