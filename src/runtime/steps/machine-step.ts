import type { StepKind } from './step-work.ts'
import { MachineWork } from './machine-work.ts'

/** Steps whose work is an XState machine. */
export const machineStep: StepKind<MachineWork> = {
  begin: (step) => new MachineWork(step).begin(),
  close: (work) => work.close(),
  moveTo: (work, step) => work.moveTo(step),
  stateOf: (work) => work.state,
}
