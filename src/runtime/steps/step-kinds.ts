import { provideWork, workOf } from '../../core/graph/kind-works.ts'
import type { StepSpec } from '../../core/graph/graph-index.ts'
import { functionStep } from './attempt.ts'
import { constantStep } from './constant-step.ts'
import { raceStep } from './race-step.ts'
import { subgraphStep } from './subgraph-step.ts'
import type { StepKind } from './step-work.ts'

type Kind = StepSpec['kind']

/**
 * Kinds that every program has. A subgraph is made of any step with a queue; the others are small. What the rest is comes with the functions that declare
 * them (`src/runtime/kinds/`), so that a bundle has what its steps need.
 */
const everywhere: Partial<Readonly<Record<Kind, StepKind<never>>>> = {
  value: constantStep,
  race: raceStep,
  subgraph: subgraphStep,
}

/** How a step works. Nearly all are functions: they are found without a look into the table. `graph` has refused what nobody knows. */
export function kindOf({ kind }: StepSpec): StepKind {
  return kind === 'step' ? (functionStep as StepKind) : ((everywhere[kind] ?? workOf(kind)) as StepKind)
}

/** The function that declares steps of a kind, which brings how they work. */
export function withWork<Declare>(declare: Declare, kind: Kind, work: StepKind<never>): Declare {
  provideWork(kind, work)
  return declare
}
