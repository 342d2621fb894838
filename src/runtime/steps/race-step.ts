import { functionStep } from './attempt.ts'
import type { StepKind } from './step-work.ts'

/** Races, once they are decided: a function of what came first, or that value as it is. */
export const raceStep: StepKind = {
  begin(step) {
    // It was checked as what it is, and its type fits.
    if (step.planStep.spec.passesOn) step.attemptSucceeded(step.inputs['value'])
    else functionStep.begin(step)
  },
  close: functionStep.close as StepKind['close'],
  moveTo: functionStep.moveTo as StepKind['moveTo'],
}
