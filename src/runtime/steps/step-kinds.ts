import type { StepSpec } from '../../core/graph/graph-index.ts'
import { functionStep } from './attempt.ts'
import { constantStep } from './constant-step.ts'
import { durableStep } from './durable-step.ts'
import { eventStep } from './event-step.ts'
import { machineStep } from './machine-step.ts'
import { raceStep } from './race-step.ts'
import { remoteStep } from './remote-step.ts'
import { signalStep } from './signal-step.ts'
import { subgraphStep } from './subgraph-step.ts'
import { timerStep } from './timer-step.ts'
import type { StepKind } from './step-work.ts'

const kinds: Readonly<Record<StepSpec['kind'], StepKind<never>>> = {
  step: functionStep,
  value: constantStep,
  race: raceStep,
  timer: timerStep,
  signal: signalStep,
  event: eventStep,
  subgraph: subgraphStep,
  machine: machineStep,
  durable: durableStep,
  remote: remoteStep,
}

/** How a step works. Nearly all are functions: they are found without a look into the table. */
export function kindOf({ kind }: StepSpec): StepKind {
  return (kind === 'step' ? functionStep : kinds[kind]) as StepKind
}
