import { DocketError } from '../../core/docket-error.ts'
import { StepSkippedError } from '../../core/errors.ts'
import type { PersistSpec, StepSpec } from '../../core/graph/graph-index.ts'
import type { Plan } from '../../core/graph/plan.ts'
import type { ExecutionInfo } from './execution-info.ts'
import { unrecordedStep } from './open-steps.ts'
import { requiredBy } from './required-by.ts'
import type { StepInfo } from './step-info.ts'

/**
 * All steps of an execution that has ended, or is only undone any more. What is not on record can be concluded for most: whatever has a value, what it needs had one; an
 * execution that has completed has the target's; one that has failed names the step; what is persisted and has no record was stopped, if it
 * ran; and what needs a step that has failed, or was stopped, never began. The others may have run, or not.
 */
export function endedStepInfos(
  plan: Plan,
  recorded: readonly StepInfo[],
  { status, output, error, startedAt }: Pick<ExecutionInfo, 'status' | 'output' | 'error' | 'startedAt'>,
  persistOf: (spec: StepSpec) => PersistSpec | undefined,
): readonly StepInfo[] {
  const byName = new Map(recorded.map((step) => [step.step, step]))
  const known = plan.steps.map(({ spec }) => byName.get(spec.name))
  const hadValue = known.map((step) => step?.status === 'completed' || step?.status === 'cached')
  const last = plan.producers[plan.targetSlot]!
  if (status === 'completed' && last !== -1) hadValue[last] = true
  // Steps stand after those that they need.
  for (let position = plan.steps.length - 1; position >= 0; position--)
    if (hadValue[position]!) for (const producer of requiredBy(plan, position)) hadValue[producer] = true
  const culprit = status === 'failed' || status === 'compensating' ? stepOf(error) : undefined
  // It had its inputs, and so had what made them.
  for (let position = plan.steps.length - 1; position >= 0; position--)
    if (plan.steps[position]!.spec.name === culprit || hadValue[position]!)
      for (const producer of requiredBy(plan, position)) hadValue[producer] = true
  const hadNone: boolean[] = []
  const isAbsent: boolean[] = []
  const infos = plan.steps.map(({ spec }, position): StepInfo => {
    const { name } = spec
    const persist = persistOf(spec)
    // Without its store, a step whose policy says so may have gone on with a value of which there is no record.
    const isRecorded = persist !== undefined && persist.onStoreError !== 'run'
    const isStopped =
      isRecorded || startedAt === undefined || requiredBy(plan, position).some((producer) => hadNone[producer]!)
    const hasFailed = name === culprit
    const end = known[position]?.status
    hadNone[position] = !hadValue[position]! && (end !== undefined || hasFailed || isStopped)
    if (known[position] !== undefined) return known[position]
    if (hadValue[position]! && position === last) return { ...unrecordedStep(name, 'completed', undefined), output }
    // What is always on record, and is not, did not run under this name, unless it was undone: it came into the graph later, say. So nothing can be
    // concluded of what needs it.
    isAbsent[position] =
      status === 'completed' &&
      (isRecorded || requiredBy(plan, position).some((producer) => isAbsent[producer] === true))
    if (hadValue[position]!) return unrecordedStep(name, isAbsent[position] ? 'unknown' : 'completed', undefined)
    if (hasFailed && isSkip(error)) return { ...unrecordedStep(name, 'skipped', undefined), error }
    if (hasFailed) return { ...unrecordedStep(name, 'failed', undefined), attempt: attemptOf(error), error }
    return unrecordedStep(name, isStopped ? 'cancelled' : 'unknown', undefined)
  })
  const names = new Set(plan.steps.map(({ spec }) => spec.name))
  // A record of a step that the graph no longer has is shown too.
  return [...infos, ...recorded.filter(({ step }) => !names.has(step))]
}

function isSkip(error: unknown): boolean {
  return error instanceof StepSkippedError
}

/** The attempt that an error is of, where it says that. */
function attemptOf(error: unknown): number | undefined {
  return error instanceof DocketError ? error.attempt : undefined
}

/** The step that an execution's error is of. */
function stepOf(error: unknown): unknown {
  return error instanceof Error && 'step' in error ? error.step : undefined
}
