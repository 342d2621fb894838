import type { ReleaseCause } from '../../../machines/index.ts'
import type { PersistSpec, StepSpec } from '../../core/graph/graph-index.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import type { Plan } from '../../core/graph/plan.ts'
import type { AsyncContext } from '../environment/async-context.ts'
import type { CallingStep } from '../environment/current-step.ts'
import type { FullClock } from '../environment/clock.ts'
import type { ChildRequest, RunningChild } from '../steps/step-work.ts'
import type { Effects } from './effects.ts'
import type { Emitter } from './emitter.ts'
import type { ExecutionSetup, ResolvedOptions, Watcher } from './execution-setup.ts'
import type { Admission, BatchPart } from './part.ts'
import type { Recorder } from './recorder.ts'
import type { StepState } from './step-state.ts'

/** What a step needs of the execution that it is part of. */
export interface StepHost {
  readonly id: string
  readonly item: number | undefined
  readonly failedItems: number
  readonly place: ErrorPlace
  readonly plan: Plan
  /** The plan that says how a type is needed: in a batch, the whole batch's. */
  readonly whole: Plan
  readonly values: readonly unknown[]
  /** By position in the plan, as far as they have begun. */
  readonly runs: readonly (StepState | undefined)[]
  readonly clock: FullClock
  /** The time at which a step begins or ends: where nobody could ever look at it, that of the execution's start. */
  stepTime(): number
  /** The async context of the call that it works for; to be read while that is the current one. */
  readonly context: AsyncContext
  /** The step in whose function the execution was started. */
  readonly caller: CallingStep | undefined
  readonly options: ResolvedOptions
  readonly setup: ExecutionSetup
  readonly emitter: Emitter | undefined
  readonly watcher: Watcher | undefined
  readonly recorder: Recorder | undefined
  /** What its steps did that may have to be undone; undefined where none has `compensate`. */
  readonly effects: Effects | undefined
  readonly admission: Admission | undefined
  /** What ties it to its batch. */
  readonly part: BatchPart | undefined
  /** Why it goes on elsewhere, where it does. */
  readonly released: ReleaseCause | undefined
  /** Whether it has ended, as far as its work goes. */
  readonly hasEnded: boolean
  /** Whether nothing of it may begin any more. */
  readonly isOver: boolean
  /** Begins an execution of another graph for one of its steps. */
  beginChild(request: ChildRequest): RunningChild
  /** The id of the child that `step` of a request names. */
  childIdOf(step: string): string
  /** Ends a durable child that an earlier process may have begun, for a reason. */
  endChild(step: string, reason: unknown): void
  /** Ends all durable children that the function of a step has begun, in whatever generation. */
  endChildren(step: string, reason: unknown): void
  /** What is remembered of a step. */
  persistOf(spec: StepSpec): PersistSpec | undefined
  /** Whether this step's value is what the execution ends with, and nothing else is missing. */
  endsWith(step: StepState): boolean
  /** The output is on its way to the store (or could not be kept): until that is known nothing changes the outcome. */
  holdOutcome(isHeld: boolean): void
  /** A step has its value. */
  stepCompleted(step: StepState, value: unknown): void
  /** A step has failed for good. */
  stepFailed(step: StepState, error: unknown, isAbort: boolean): void
  /** An attempt is over. */
  leave(): void
}
