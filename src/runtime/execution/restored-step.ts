import { compiledStep } from '../../../machines/index.ts'
import type { First } from '../../core/language/race.ts'
import type { PlanStep } from '../../core/graph/plan.ts'
import { isPortOf } from '../steps/step-inputs.ts'
import type { StepView } from './execution-view.ts'
import type { StepExtras } from './step-extras.ts'

/** A step that has not begun here. */
interface UnbegunStep {
  readonly planStep: PlanStep
  state: number
  attempt: number
  startedAt: number | undefined
  endedAt: number | undefined
  dueAt: number | undefined
  output: unknown
  error: unknown
  first: First | undefined
  readonly more: StepExtras
}

/**
 * Takes over what is known of a step from the records or a snapshot of its execution: it is itself the machine's record, whose fields are set (one
 * by one: there may be very many). `isRemembered`: whether its result may be found.
 */
export function restoreStep(
  step: UnbegunStep,
  {
    status,
    attempt,
    startedAt,
    endedAt,
    dueAt,
    output,
    error,
    first,
    keptState,
    queuedSince,
    queuedAt,
    attempts,
  }: StepView,
  isRemembered: boolean,
): void {
  const state = compiledStep.states.indexOf(status as (typeof compiledStep.states)[number])
  step.attempt = attempt
  step.startedAt = startedAt
  step.error = error
  if (first !== undefined && isPortOf(step.planStep, first)) step.first = first
  if (keptState !== undefined) step.more.keptState = keptState
  if (queuedSince !== undefined) step.more.queuedSince = queuedSince
  if (queuedAt !== undefined) step.more.queuedAt = queuedAt
  if (attempts !== undefined) step.more.pastAttempts = attempts
  // What was under way begins again as the next attempt.
  if (status === 'failed' && step.planStep.spec.fallback !== undefined) step.more.exhausted = { error }
  else if (compiledStep.isFinal[state] === true) {
    step.state = state
    step.endedAt = endedAt
    step.output = output
  } else if (status === 'waiting' && goesOnAgain(step.planStep)) {
    // It looks for its child, or at what is on record, again, within the time that was left.
    step.more.held = { dueAt, since: undefined }
    step.more.repeated = attempt
    step.attempt = attempt - 1
  } else if ((status === 'waiting' || status === 'running') && goesOnFromState(step.planStep)) {
    // It goes on from what it was at.
    step.more.held = { dueAt, since: startedAt }
    step.more.repeated = attempt
    step.attempt = attempt - 1
  } else if (status === 'waiting') {
    // A wait that goes on is no further attempt.
    step.more.held = { dueAt, since: startedAt }
    step.attempt = 0
  } else if (status === 'running' && goesOnAgain(step.planStep) && attempt > 0) {
    // Nor is one that looks for the child again.
    step.more.repeated = attempt
    step.attempt = attempt - 1
  } else if (status === 'retrying') {
    if (!isRemembered) step.state = state
    step.dueAt = dueAt
  }
}

/** Whether a death takes nothing from an attempt: what it came to by then is known elsewhere. */
function goesOnAgain({ spec: { kind } }: PlanStep): boolean {
  return kind === 'subgraph' || kind === 'durable'
}

/** Whether what its work was at is on record. */
function goesOnFromState({ spec: { kind } }: PlanStep): boolean {
  return kind === 'machine' || kind === 'remote'
}
