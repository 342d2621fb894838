import type { ErrorPlace } from '../../core/docket-error.ts'
import type { Plan } from '../../core/graph/plan.ts'
import { childIdOf } from '../../runtime/execution/child-execution.ts'
import type { Execution } from '../../runtime/execution/execution.ts'
import type { StepState } from '../../runtime/execution/step-state.ts'

/** An execution as it is in the process that runs it. */
export interface LiveSteps {
  readonly plan: Plan
  /** By position; undefined for those that have not begun. */
  readonly states: readonly (StepState | undefined)[]
  /** When the execution began, in milliseconds since the epoch. */
  readonly startedAt: number | undefined
  /** The process that runs it. */
  readonly owner: string | undefined
  /** The id of the child that a step of it has, or had last. */
  readonly childOf: (step: string) => string
  /** By position, of the races that are decided, the slot of the port that won. */
  readonly winners: ReadonlyMap<number, number>
  /** Whether a step never begins any more in the process that runs the execution. */
  readonly isWithheld: (position: number) => boolean
  readonly place: ErrorPlace
}

/** The steps of an execution, or of one item of a batch, that lives in this process. */
export function liveStepsOf(execution: Execution): LiveSteps {
  const { plan, runs, startedAt, recorder, flow, place } = execution
  const childOf = (step: string): string => childIdOf(execution, step)
  const owner = recorder?.owner
  const isWithheld = (position: number): boolean => flow.isWithheld(position)
  return { plan, states: runs, startedAt, owner, childOf, winners: flow.winners, isWithheld, place }
}
